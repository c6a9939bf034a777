"""How many runs go at once, and where that is more than a limit lets through.

A run counts from its scheduled time on, for as long as it is taken to last. What then really happens, that one waits or
is cancelled and so moves others, is not played through: what is shown is what the schedules ask for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

from infra.timeline.window import Cell

Scope: TypeAlias = Literal["pool", "queue", "deployment"]


class Run(NamedTuple):
    """One run as scheduled; it goes from `start` on and is over at `end`, both UTC."""

    start: datetime
    end: datetime
    deployment: str
    schedule: str


class Level(NamedTuple):
    """`going` runs go at once from `start` on and before `end`, both UTC."""

    start: datetime
    end: datetime
    going: int


@dataclass(frozen=True)
class Overlap:
    """A stretch of time in which more runs are asked for than may go at once."""

    scope: Scope
    name: str
    limit: int
    start: datetime
    end: datetime
    peak: int
    deployments: tuple[str, ...]
    consequence: str


def run(start: datetime, seconds: float, deployment: str, schedule: str) -> Run:
    moment = start.astimezone(UTC)
    return Run(moment, moment + timedelta(seconds=seconds), deployment, schedule)


def levels(runs: Iterable[Run]) -> Iterator[Level]:
    """The number of runs over time, from the first one's start to the last one's end, gaps with 0 included."""
    changes: dict[datetime, int] = {}
    for each in runs:
        for moment, by in ((each.start, 1), (each.end, -1)):
            changes[moment] = changes.get(moment, 0) + by
    moments = sorted(changes)
    count = 0
    for moment, following in pairwise(moments):
        count += changes[moment]
        yield Level(moment, following, count)


def peaks(runs: Iterable[Run], cells: Sequence[Cell]) -> list[int]:
    """The most runs at once within each cell; the cells follow one another."""
    most = [0] * len(cells)
    ends = [cell.end.astimezone(UTC) for cell in cells]
    starts = [cell.start.astimezone(UTC) for cell in cells]
    first = 0
    for level in levels(runs):
        while first < len(cells) and ends[first] <= level.start:
            first += 1
        n = first
        while n < len(cells) and starts[n] < level.end:
            most[n] = max(most[n], level.going)
            n += 1
    return most


def overlaps(
    scope: Scope, name: str, limit: int | None, runs: Sequence[Run], within: Cell, consequence: str
) -> Iterator[Overlap]:
    """Where more than `limit` of the runs go at once: one for each unbroken stretch, cut to `within`."""
    if limit is None:
        return
    zone = within.start.tzinfo
    for stretch in _above(limit, levels(runs), within):
        start, end = stretch[0].start, stretch[-1].end
        involved = {each.deployment for each in runs if each.start < end and each.end > start}
        yield Overlap(
            scope=scope,
            name=name,
            limit=limit,
            start=start.astimezone(zone),
            end=end.astimezone(zone),
            peak=max(level.going for level in stretch),
            deployments=tuple(sorted(involved)),
            consequence=consequence,
        )


def _above(limit: int, found: Iterable[Level], within: Cell) -> Iterator[list[Level]]:
    first, last = within.start.astimezone(UTC), within.end.astimezone(UTC)
    stretch: list[Level] = []
    for level in found:
        if level.going > limit and level.start < last and level.end > first:
            stretch.append(Level(max(level.start, first), min(level.end, last), level.going))
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch
