"""A timeline's parts in words, the same in text and picture."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from infra.timeline.calculation import Lane, Timeline
from infra.timeline.overlaps import Overlap, Run
from infra.timeline.window import Cell

_SOME = 5


def title(timeline: Timeline) -> str:
    window = timeline.window
    last = window.midnights[-2]
    days = f"{window.start:%a %d %b %Y}" if window.days == 1 else f"{window.start:%a %d %b} to {last:%a %d %b %Y}"
    return f"{timeline.stack}: {days}, {window.timezone}"


def basis(timeline: Timeline) -> str:
    """What the lengths of the runs are taken from."""
    lanes = [lane for pool in timeline.pools for lane in (*pool.lanes, *pool.inactive)]
    measured = {lane.deployment for lane in lanes if lane.from_history}
    assumed = duration(timeline.assumed_seconds)
    if not measured:
        return f"Each run is taken to last {assumed}."
    rest = {lane.deployment for lane in lanes} - measured
    other = f", {assumed} for {len(rest)} without any" if rest else ""
    return f"Each run is taken to last as long as its deployment's last ones did on average{other}."


def not_shown(timeline: Timeline) -> str | None:
    """How many schedules are inactive."""
    count = sum(len(lane.slugs) for pool in timeline.pools for lane in pool.inactive)
    if not count:
        return None
    return "1 inactive schedule is left out" if count == 1 else f"{count} inactive schedules are left out"


def overlaps(timeline: Timeline) -> list[str]:
    """A line for each limit that is exceeded, however often it is."""
    by_limit: dict[tuple[str, str], list[Overlap]] = {}
    for each in timeline.overlaps:
        by_limit.setdefault((each.scope, each.name), []).append(each)
    return [_often(found) for found in by_limit.values()]


def _often(found: list[Overlap]) -> str:
    worst = max(found, key=lambda each: each.peak)
    return overlap(worst) if len(found) == 1 else f"{overlap(worst)}; {len(found)} times in all"


def overlap(found: Overlap) -> str:
    until = f"{found.end:%H:%M}" if found.end.date() == found.start.date() else f"{found.end:%a %d %H:%M}"
    names = ", ".join(_some(found.deployments[:_SOME], len(found.deployments)))
    who = "" if found.scope == "deployment" else f" ({names})"
    return (
        f"{found.scope} {found.name}: up to {found.peak} runs at once, its limit is {found.limit}, "
        f"{found.start:%a %d %H:%M} to {until}: {found.consequence}{who}"
    )


def duration(seconds: float) -> str:
    """As stack files write intervals: 45s, 5m, 1h30m."""
    rest = round(seconds)
    parts = []
    for unit, size in (("h", 3600), ("m", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def cell(of: Cell, runs: Sequence[Run], *, named: bool) -> str:
    """The runs that start within a cell: when, for some of them and, where it is not plain, whose."""
    if not runs:
        return f"{span(of.start, of.end)}: none starts"
    zone = of.start.tzinfo
    whose = (f" {each.deployment}" if named else "" for each in runs)
    told = [f"{each.start.astimezone(zone):%H:%M}{who}" for each, who in zip(runs[:_SOME], whose, strict=False)]
    count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
    return f"{span(of.start, of.end)}: {count}\n" + ("\n" if named else ", ").join(_some(told, len(runs)))


def _some(told: Sequence[str], of: int) -> list[str]:
    return [*told, f"and {of - len(told)} more"] if of > len(told) else list(told)


def span(start: datetime, end: datetime) -> str:
    midnight = end.time() == end.min.time() and end - start <= timedelta(days=1)
    return f"{start:%a %d %b %H:%M} to {'24:00' if midnight else f'{end:%H:%M}'}"


def limit(value: int | None) -> str:
    return "-" if value is None else str(value)


def lane(of: Lane) -> str:
    """A deployment's particulars, for a hover."""
    queue = "" if of.queue == "default" else f", queue {of.queue}"
    bound = "" if of.concurrency_limit is None else f", at most {of.concurrency_limit} at once"
    state = "" if of.active else "inactive: "
    return f"{of.deployment}: {state}{', '.join(of.slugs)}{queue}{bound}, taken to last {duration(of.seconds)}"
