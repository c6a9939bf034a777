"""A glance at a server that may not be there yet: one short attempt for each question, in the life of a plugin.

Inputs are checked in previews as well, which may come before the server was made, or run where it can't be reached:
that must neither take time nor fail. What is seen is not kept for the work itself, nor is the connection: in the same
`up`, the profile that the address comes from may be written after this.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from infra.provider.api import Api

SECONDS: Final = 1.0


class Glance:
    """What can be seen of one server."""

    def __init__(self, connect: Callable[[], Api], seconds: float = SECONDS) -> None:
        self._connect = connect
        self._seconds = seconds
        self._seen: dict[str, asyncio.Task[Any]] = {}

    async def look(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """GET, or what a filter lets through, where there is a body.

        Raises: ProviderError: there is nothing to be seen, now or when it was looked for before.
        """
        question = f"{path} {json.dumps(body, sort_keys=True)}"
        if question not in self._seen:
            self._seen[question] = asyncio.create_task(self._once(path, body))
        # Shielded: when one who waits for it is cancelled, the others still get it.
        return await asyncio.shield(self._seen[question])

    async def _once(self, path: str, body: Mapping[str, Any] | None) -> Any:
        api = self._connect()
        try:
            return await api.once(path, self._seconds, body)
        finally:
            await api.close()
