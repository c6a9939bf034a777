"""How many requests go at once: down by half at a busy answer, up by one after a run of good ones.

How many writes a server takes best is found, unless the provider is told `writes_at_once`. Measured against 3.8.8 with
schedules (docs/benchmarks.md): on SQLite two at once take several times as long, since the scheduler writes too: the
server answers 503 (database is locked), drops connections, and at worst all wait for its lock until that times out
after a minute. On Postgres several side by side keep it busy while answers travel. A server doesn't tell what its
database is, but SQLite says at once that it is busy: then that many are not tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

STEP_UP_AFTER: Final = 12  # good answers in a row


class Pace:
    """A semaphore whose width follows how the server copes."""

    def __init__(self, *, start: int, most: int) -> None:
        self.width = start
        self._most = most
        self._seeks = start < most
        self._running = 0
        self._good = 0
        self._free = asyncio.Condition()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        async with self._free:
            await self._free.wait_for(lambda: self._running < self.width)
            self._running += 1
        try:
            yield
        finally:
            async with self._free:
                self._running -= 1
                self._free.notify_all()

    def went_well(self) -> None:
        self._good += 1
        if self._good >= STEP_UP_AFTER * self.width and self.width < self._most:
            self.width += 1
            self._good = 0

    def was_busy(self) -> None:
        self.width = max(1, self.width // 2)
        if self._seeks:
            self._most = self.width
        # A server that was too busy once is tried harder again only after a long run of good answers.
        self._good = -STEP_UP_AFTER * self._most
