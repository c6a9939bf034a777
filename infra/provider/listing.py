"""All rows of a kind in one go: a refresh of a thousand deployments is five calls, not a thousand.

A listing is made after a few questions and kept for the plugin's life, which is one operation of Pulumi's. What the
plugin itself writes is taken out of it, and asked for singly after that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final

Row = dict[str, Any]
Fetch = Callable[[], Awaitable[list[Row]]]
FEW: Final = 3  # questions that are cheaper singly than by a listing of everything
WRITTEN_ELSEWHERE: Final[Mapping[str, tuple[str, ...]]] = {
    # A pool comes and goes with its queues, a queue moves others' priorities, a deployment makes the queue it names.
    "work_queues/filter": ("work_pools/", "deployments/"),
    "deployments/filter": ("work_pools/",),  # they show their pool's and their queue's name
    "v2/concurrency_limits/filter": ("concurrency_limits/",),  # limits of tags are kept among the global ones
}
"""Where a write changes any number of rows of a listing that isn't under its own path."""


class Listing:
    """The rows of one kind by a key of theirs, read at most once."""

    def __init__(self, fetch: Fetch, key: str, upset_by: tuple[str, ...] = ()) -> None:
        """A write to a path that begins with one of `upset_by` makes it worthless."""
        self.upset_by = upset_by
        self._fetch = fetch
        self._key = key
        self._rows: asyncio.Task[dict[str, Row]] | None = None
        self._stale: set[str] = set()
        self._asked = 0

    async def row(self, key: str, singly: Callable[[], Awaitable[Row | None]]) -> Row | None:
        """The row, or None where there is none. `singly` asks for it alone: the first few, and what was written."""
        if key in self._stale or self._one_of_few():
            return await singly()
        row = (await self.rows()).get(key)
        return await singly() if row is not None and self._written(row) else row

    async def found(self, key: str, singly: Callable[[], Awaitable[Row | None]]) -> Row | None:
        """Like `row`, for those who forget what isn't there: that is asked for singly.

        Rows that others delete while the pages are read move the later ones, and one can slip through.
        """
        row = await self.row(key, singly)
        return await singly() if row is None and self._rows is not None and key not in self._stale else row

    async def search(
        self, find: Callable[[Collection[Row]], Awaitable[Row | None]], singly: Callable[[], Awaitable[Row | None]]
    ) -> Row | None:
        """The row that `find` picks from all of them: for questions about anything but the key.

        What it doesn't find is asked for singly, since it may have been made after the listing was.
        """
        if self._one_of_few():
            return await singly()
        row = await find((await self.rows()).values())
        if row is None or self._written(row):
            return await singly()
        return row

    async def rows(self) -> Mapping[str, Row]:
        """All of them, by key, as they were when the first one asked."""
        if self._rows is None:
            self._rows = asyncio.create_task(self._load())
        # Shielded: when one who waits for it is cancelled, the others still get it.
        return await asyncio.shield(self._rows)

    def _one_of_few(self) -> bool:
        self._asked += 1
        return self._rows is None and self._asked <= FEW

    def _written(self, row: Row) -> bool:
        return not self._stale.isdisjoint({str(row[self._key]), str(row.get("id"))})

    def forget(self, key: str, *rows: Any) -> None:
        """It was or is about to be written; what was sent and what came back may have a key, too: a new one."""
        self._stale.add(key)
        for row in rows:
            if isinstance(row, dict) and self._key in row:
                self._stale.add(str(row[self._key]))

    def start_over(self) -> None:
        """Anything may have become of the rows: as if nobody had asked yet."""
        self._rows, self._asked = None, 0

    async def _load(self) -> dict[str, Row]:
        return {str(row[self._key]): row for row in await self._fetch()}


def first(fits: Callable[[Row], bool]) -> Callable[[Collection[Row]], Awaitable[Row | None]]:
    """What to `search` with where a row alone tells whether it is the one."""

    async def find(rows: Collection[Row]) -> Row | None:
        return next((row for row in rows if fits(row)), None)

    return find
