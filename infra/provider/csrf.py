"""The token that a server with PREFECT_SERVER_CSRF_PROTECTION_ENABLED wants along with each write.

It is asked for when the server first misses it, so that others are spared the call, and anew when the server no longer
takes it. Source: prefect.server.api.middleware.CsrfMiddleware, and `GET /csrf-token` of Prefect's API.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from infra.provider import answers


class CsrfToken:
    """One client's token, and its renewal: one at a time, since a new token ends the one before."""

    def __init__(self, fetch: Callable[[str], Awaitable[Any]]) -> None:
        """`fetch` asks the server for the token of a client."""
        self._fetch = fetch
        self._client = str(uuid.uuid4())
        self._token: str | None = None
        self._renewing = asyncio.Lock()

    @property
    def headers(self) -> dict[str, str]:
        """What to send along; nothing while no server has asked for it."""
        if self._token is None:
            return {}
        return {"Prefect-Csrf-Token": self._token, "Prefect-Csrf-Client": self._client}

    async def renew(self, refused: dict[str, str]) -> None:
        """Get another one than that of the `refused` headers, unless somebody has done so meanwhile."""
        async with self._renewing:
            if self.headers == refused:
                self._token = (await self._fetch(self._client))["token"]


def missed(response: httpx.Response) -> bool:
    """Whether a request was refused for its token alone."""
    return response.status_code == httpx.codes.FORBIDDEN and "CSRF" in answers.detail(response)
