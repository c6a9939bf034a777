"""All rows of a kind in one go: a refresh of a thousand deployments is five calls, not a thousand.

A listing is made after a few questions and kept for the plugin's life, which is one operation of Pulumi's. What the
plugin itself writes is taken out of it, and asked for singly after that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

Row = dict[str, Any]
Fetch = Callable[[], Awaitable[list[Row]]]
FEW: Final = 3  # questions that are cheaper singly than by a listing of everything


class Listing:
    """The rows of one kind by a key of theirs, read at most once."""

    def __init__(self, fetch: Fetch, key: str) -> None:
        self._fetch = fetch
        self._key = key
        self._rows: asyncio.Task[dict[str, Row]] | None = None
        self._stale: set[str] = set()
        self._asked = 0

    async def row(self, key: str, singly: Callable[[], Awaitable[Row | None]]) -> Row | None:
        """The row, or None where there is none. `singly` asks for it alone: the first few, and what was written."""
        self._asked += 1
        if key in self._stale or (self._rows is None and self._asked <= FEW):
            return await singly()
        if self._rows is None:
            self._rows = asyncio.create_task(self._load())
        # Shielded: when one who waits for it is cancelled, the others still get it.
        return (await asyncio.shield(self._rows)).get(key)

    def forget(self, key: str, row: Any = None) -> None:
        """It was or is about to be written; the answer to that, where there is one, has its key, too."""
        self._stale.add(key)
        if isinstance(row, dict) and self._key in row:
            self._stale.add(str(row[self._key]))

    async def _load(self) -> dict[str, Row]:
        return {str(row[self._key]): row for row in await self._fetch()}
