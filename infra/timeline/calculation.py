"""From a stack to its timeline: who fires when, how many runs go at once, and where that is too many."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from infra.model import Area, Deployment, Schedule, Stack, runs_between
from infra.timeline.overlaps import Overlap, Run, overlaps, peaks, run
from infra.timeline.window import Cell, ClockChange, Window


@dataclass(frozen=True)
class Lane:
    """The runs of a deployment's active schedules, or of its inactive ones.

    `runs` are those that start in the window, in the order of time; `seconds` is how long each is taken to last.
    """

    deployment: str
    queue: str
    concurrency_limit: int | None
    active: bool
    slugs: tuple[str, ...]
    seconds: float
    from_history: bool
    runs: tuple[Run, ...]
    going: tuple[Run, ...]
    """Those, and the ones from before that still go when the window begins."""

    def counts(self, cells: Sequence[Cell]) -> list[int]:
        return counts(self.runs, cells)

    def peaks(self, cells: Sequence[Cell]) -> list[int]:
        """The most runs at once within each cell."""
        return peaks(self.going, cells)


@dataclass(frozen=True)
class Pool:
    """A work pool, with the lanes of its deployments."""

    name: str
    concurrency_limit: int | None
    lanes: tuple[Lane, ...]
    inactive: tuple[Lane, ...]

    @property
    def going(self) -> tuple[Run, ...]:
        return tuple(each for lane in self.lanes for each in lane.going)

    @property
    def runs(self) -> tuple[Run, ...]:
        return tuple(sorted((each for lane in self.lanes for each in lane.runs), key=_start))

    def counts(self, cells: Sequence[Cell]) -> list[int]:
        return counts(self.runs, cells)

    def peaks(self, cells: Sequence[Cell]) -> list[int]:
        """The most runs at once within each cell."""
        return peaks(self.going, cells)


@dataclass(frozen=True)
class Timeline:
    stack: str
    window: Window
    assumed_seconds: float
    pools: tuple[Pool, ...]
    overlaps: tuple[Overlap, ...]
    clock_changes: tuple[ClockChange, ...]


def calculate(
    stack: Stack,
    window: Window,
    assumed_seconds: float,
    measured: Mapping[str, float] | None = None,
    pools: Sequence[str] = (),
) -> Timeline:
    """The timeline of the stack's pools, or of those named.

    Args:
        stack: What the stack's files declare.
        window: The days to look at.
        assumed_seconds: How long a run is taken to last.
        measured: How long the runs of a deployment have lasted, in seconds, by its name; where it is known.
        pools: Names of the work pools to show; none means all.

    """
    made: list[Pool] = []
    found: list[Overlap] = []
    areas = [area for area in stack.areas if not pools or area.pool.name in pools]
    for area in areas:
        pool = _pool(area, window, assumed_seconds, measured or {})
        made.append(pool)
        found += _overlaps(area, pool, Cell(window.start, window.end))
    zones = [s.timezone for area in areas for each in area.deployments for s in each.schedules]
    return Timeline(
        stack=stack.stack,
        window=window,
        assumed_seconds=assumed_seconds,
        pools=tuple(made),
        overlaps=tuple(found),
        clock_changes=window.clock_changes([window.timezone, *zones]),
    )


def counts(runs: Sequence[Run], cells: Sequence[Cell]) -> list[int]:
    """How many of the runs start within each cell; the cells follow one another and hold them all."""
    starts = [cell.start.astimezone(UTC) for cell in cells]
    number = [0] * len(cells)
    for each in runs:
        number[bisect_right(starts, each.start) - 1] += 1
    return number


def _pool(area: Area, window: Window, assumed: float, measured: Mapping[str, float]) -> Pool:
    lanes: list[Lane] = []
    inactive: list[Lane] = []
    first = window.start.astimezone(UTC)
    for deployment in area.deployments:
        seconds = measured.get(deployment.name, assumed)
        for active, kept in ((True, lanes), (False, inactive)):
            schedules = [s for s in deployment.schedules if (s.active and not deployment.paused) is active]
            if not schedules:
                continue
            runs = sorted(_runs(deployment, schedules, window, seconds), key=_start)
            kept.append(
                Lane(
                    deployment=deployment.name,
                    queue=deployment.work_queue_name,
                    concurrency_limit=deployment.concurrency_limit,
                    active=active,
                    slugs=tuple(schedule.slug for schedule in schedules),
                    seconds=seconds,
                    from_history=deployment.name in measured,
                    runs=tuple(each for each in runs if each.start >= first),
                    going=tuple(runs),
                )
            )
    return Pool(area.pool.name, area.pool.concurrency_limit, tuple(lanes), tuple(inactive))


def _runs(deployment: Deployment, schedules: Sequence[Schedule], window: Window, seconds: float) -> Iterator[Run]:
    """Those of the window, and those of before that still go when it begins."""
    first = window.start.astimezone(UTC)
    since = first - timedelta(seconds=seconds)
    for schedule in schedules:
        for time in runs_between(schedule, since, window.end):
            made = run(time, seconds, deployment.name, schedule.slug)
            if made.end > first:
                yield made


def _overlaps(area: Area, pool: Pool, within: Cell) -> Iterator[Overlap]:
    all_going = pool.going
    yield from overlaps("pool", pool.name, pool.concurrency_limit, all_going, within, "the rest wait")
    by_name = {each.name: each for each in area.deployments}
    for queue in area.pool.queues:
        going = [each for each in all_going if by_name[each.deployment].work_queue_name == queue.name]
        yield from overlaps(
            "queue", f"{pool.name}/{queue.name}", queue.concurrency_limit, going, within, "the rest wait"
        )
    for lane in pool.lanes:
        cancels = by_name[lane.deployment].collision_strategy == "CANCEL_NEW"
        consequence = "the rest are cancelled" if cancels else "the rest wait"
        yield from overlaps("deployment", lane.deployment, lane.concurrency_limit, lane.going, within, consequence)


def _start(each: Run) -> datetime:
    return each.start
