"""Whole days of a time zone, cut into cells; and what happens to the clocks meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


class Cell(NamedTuple):
    """From `start` on and before `end`, both in the window's time zone."""

    start: datetime
    end: datetime


@dataclass(frozen=True)
class ClockChange:
    """At `moment`, of which the offset is that after the change, the clocks of a time zone go forward or back."""

    timezone: str
    moment: datetime
    by: timedelta

    def __str__(self) -> str:
        shown = (self.moment - self.by).strftime("%H:%M")
        way = "forward" if self.by > timedelta() else "back"
        return (
            f"{self.moment:%a %d %b %Y}, {self.timezone}: the clocks go {way}, "
            f"from {shown} to {self.moment:%H:%M}: that day has {_hours(self.moment):g} hours"
        )


@dataclass(frozen=True)
class Window:
    """`days` days from the local midnight of `first` on. Where the clocks change, a day has not 24 hours."""

    first: date
    days: int
    timezone: str

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @cached_property
    def midnights(self) -> tuple[datetime, ...]:
        """The beginning of each day, and the end of the last."""
        return tuple(_midnight(self.first + timedelta(days=n), self.zone) for n in range(self.days + 1))

    @property
    def start(self) -> datetime:
        return self.midnights[0]

    @property
    def end(self) -> datetime:
        return self.midnights[-1]

    def cells(self, minutes: int) -> tuple[Cell, ...]:
        """Of that many minutes from each midnight on; the last one of a day ends with it."""
        return tuple(
            Cell(start, end)
            for midnight, next_midnight in pairwise(self.midnights)
            for start, end in self._cells_of_day(midnight, next_midnight, timedelta(minutes=minutes))
        )

    def clock_changes(self, timezones: Sequence[str]) -> tuple[ClockChange, ...]:
        """Of these time zones within the window, in their order of time."""
        found = [change for name in sorted(set(timezones)) for change in self._changes(name)]
        return tuple(sorted(found, key=lambda change: change.moment.astimezone(UTC)))

    def _cells_of_day(self, midnight: datetime, next_midnight: datetime, step: timedelta) -> Iterator[Cell]:
        at, end = midnight.astimezone(UTC), next_midnight.astimezone(UTC)
        while at < end:
            following = min(at + step, end)
            yield Cell(at.astimezone(self.zone), following.astimezone(self.zone))
            at = following

    def _changes(self, timezone: str) -> Iterator[ClockChange]:
        zone = ZoneInfo(timezone)
        start, end = self.start.astimezone(UTC), self.end.astimezone(UTC)
        at = start - timedelta(hours=1)  # a midnight that is skipped makes its day shorter, and is where that begins
        while at < end:
            following = at + timedelta(hours=1)
            by = _offset(following, zone) - _offset(at, zone)
            if by:
                moment = _first_after(at, following, zone)
                if start <= moment < end:
                    yield ClockChange(timezone, moment.astimezone(zone), by)
            at = following


def elapsed(start: datetime, end: datetime) -> float:
    """Seconds that pass; of two times of one zone, Python's own difference is that of the wall clocks."""
    return (end.astimezone(UTC) - start.astimezone(UTC)).total_seconds()


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    # A midnight that the clock skips is the moment of the skip; of two, it is the first.
    return datetime.combine(day, time(), zone).astimezone(UTC).astimezone(zone)


def _hours(moment: datetime) -> float:
    zone = moment.tzinfo
    assert isinstance(zone, ZoneInfo)
    # When clocks go back at midnight, it is the day before that gets longer: its end is what the change is named by.
    return elapsed(_midnight(moment.date(), zone), _midnight(moment.date() + timedelta(days=1), zone)) / 3600


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _first_after(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first second with the offset of `after`."""
    new = _offset(after, zone)
    while after - before > _SECOND:
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if _offset(middle, zone) == new:
            after = middle
        else:
            before = middle
    return after
