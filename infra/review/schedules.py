"""Which schedules change, and what that means: when they fire next, and how often a day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import zip_longest
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

from infra.model import Deployment, Schedule, Stack, next_runs, runs_between
from infra.review.when import words, written
from infra.timeline.window import ClockChange, Window

Kind: TypeAlias = Literal["new", "removed", "moved", "switched on", "switched off", "changed"]

FIRINGS: Final = 5
DAYS: Final = 28
"""That runs a day are counted over: whole weeks, so that a rule for weekdays has the same mean whenever one looks."""
CLOCKS: Final = 60
"""Days ahead that changes of the clock are told for."""


@dataclass(frozen=True)
class When:
    """A schedule on one side of the change. `firings` are in its own time zone; none if it makes no runs."""

    words: str
    written: str
    timezone: str
    active: bool
    firings: tuple[datetime, ...]
    runs_a_day: float


@dataclass(frozen=True)
class ScheduleChange:
    deployment: str
    slug: str
    kind: Kind
    before: When | None
    after: When | None
    clock_changes: tuple[ClockChange, ...]

    @property
    def more_runs_a_day(self) -> float:
        return (self.after.runs_a_day if self.after else 0) - (self.before.runs_a_day if self.before else 0)


def schedule_changes(before: Stack | None, after: Stack | None, first: date) -> dict[str, tuple[ScheduleChange, ...]]:
    """By area, in the order of names. `first`: the day from whose beginning firings are told."""
    old, new = _deployments(before), _deployments(after)
    found: dict[str, list[ScheduleChange]] = {}
    for name in sorted(old.keys() | new.keys()):
        area = (new.get(name) or old[name]).area
        found.setdefault(area, []).extend(_of_deployment(name, old.get(name), new.get(name), first))
    return {area: tuple(changes) for area, changes in found.items() if changes}


def mean_runs_a_day(stack: Stack | None, first: date) -> dict[str, float]:
    """By area: what all its active schedules make."""
    means: dict[str, float] = {}
    for each in _deployments(stack).values():
        runs = sum(_runs_a_day(s, first) for s in each.schedules if s.active and not each.paused)
        means[each.area] = means.get(each.area, 0) + runs
    return means


def _deployments(stack: Stack | None) -> Mapping[str, Deployment]:
    return {each.name: each for area in stack.areas for each in area.deployments} if stack else {}


def _of_deployment(
    name: str, before: Deployment | None, after: Deployment | None, first: date
) -> Iterator[ScheduleChange]:
    for slug, old, new in _paired(before.schedules if before else (), after.schedules if after else ()):
        was, is_ = _when(old, before, first), _when(new, after, first)
        kind = _kind(was, is_, old, new)
        if kind is None:
            continue
        zones = sorted({each.timezone for each in (was, is_) if each is not None})
        changes = Window(first, CLOCKS, zones[0]).clock_changes(zones)
        yield ScheduleChange(name, slug, kind, was, is_, changes)


def _paired(
    before: Sequence[Schedule], after: Sequence[Schedule]
) -> Iterator[tuple[str, Schedule | None, Schedule | None]]:
    """By slug; then, as a slug that nobody gave is made from the rule, what is left in its order."""
    old, new = {each.slug: each for each in before}, {each.slug: each for each in after}
    for slug, schedule in new.items():
        if slug in old:
            yield slug, old[slug], schedule
    gone = [each for slug, each in old.items() if slug not in new]
    come = [each for slug, each in new.items() if slug not in old]
    for one, other in zip_longest(gone, come):
        made = other or one
        assert made is not None
        yield made.slug, one, other


def _kind(was: When | None, is_: When | None, old: Schedule | None, new: Schedule | None) -> Kind | None:
    if was is None or is_ is None:
        return "new" if was is None else "removed"
    if (was.words, was.written, was.timezone) != (is_.words, is_.written, is_.timezone):
        return "moved"
    if was.active != is_.active:
        return "switched on" if is_.active else "switched off"
    same = old is not None and new is not None and old.model_copy(update={"slug": new.slug}) == new
    return None if same else "changed"


def _when(schedule: Schedule | None, deployment: Deployment | None, first: date) -> When | None:
    if schedule is None or deployment is None:
        return None
    active = schedule.active and not deployment.paused
    return When(
        words=words(schedule),
        written=written(schedule),
        timezone=schedule.timezone,
        active=active,
        # What one that is off would do is of interest as well: it is switched on by a word.
        firings=tuple(next_runs(schedule, FIRINGS, _midnight(first, schedule.timezone))),
        runs_a_day=_runs_a_day(schedule, first) if active else 0,
    )


def _runs_a_day(schedule: Schedule, first: date) -> float:
    start = _midnight(first, schedule.timezone)
    return len(runs_between(schedule, start, _midnight(first + timedelta(days=DAYS), schedule.timezone))) / DAYS


def _midnight(day: date, timezone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(timezone))
