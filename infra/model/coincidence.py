"""When two schedules first fire in the same minute."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from infra.model import cron, firing
from infra.model.stack import Schedule

HORIZON = timedelta(days=400)
"""A year, and the weeks that a rule of the n-th weekday may lie later in the next."""
BUDGET = 3_000_000
"""Microseconds of looking, for all pairs of a stack together. What more would find is not told. Counted by what each
thing cost when it was measured, not by a clock: a stack has the same findings on any machine."""
_PAIR, _DAYS, _STEP = 10, 320, 120
STEPS_OF_A_PAIR = 2_000
"""A thousand times of each, where both are frequent; a year and more where one is not."""


class Coincidences:
    """Of one stack, from one moment on. A pair of rules is looked at once, however many deployments have it."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._left = BUDGET
        self._known: dict[tuple[object, object], datetime | None] = {}

    def first(self, one: Schedule, other: Schedule) -> datetime | None:
        """The minute, in the first one's time zone; None if there is none in sight."""
        if self._left <= 0:
            return None
        self._left -= _PAIR
        pair = (_rule(one), _rule(other))
        if pair not in self._known:
            self._known[pair] = self._first(one, other)
        return self._known[pair]

    def _first(self, one: Schedule, other: Schedule) -> datetime | None:
        zone = ZoneInfo(one.timezone)
        if one.cron is not None and other.cron is not None and one.timezone == other.timezone:
            crons = [cron.parse(each.cron, day_or=each.day_or) for each in (one, other) if each.cron is not None]
            wall = self._now.astimezone(zone).replace(tzinfo=None)
            if crons[0].is_apart_from(crons[1]):
                return None
            self._left -= _DAYS
            met = crons[0].first_with(crons[1], wall, HORIZON.days)
            return met.replace(tzinfo=zone) if met else None
        walks = (_Walk(one), _Walk(other))
        minute, met_by = self._now, 0
        for step in range(min(self._left // _STEP, STEPS_OF_A_PAIR)):
            self._left -= _STEP
            found = walks[step % 2].at_or_after(minute)
            if found is None or found > self._now + HORIZON:
                return None
            met_by = met_by + 1 if found == minute else 1
            if met_by > 1:
                return found.astimezone(zone)
            minute = found
        return None


class _Walk:
    """A schedule's minutes, each time from where it is asked."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        # An rrule counts from its DTSTART each time it is asked anew: it is gone through once.
        self._going: Iterator[datetime] | None = None
        self._last: datetime | None = None

    def at_or_after(self, minute: datetime) -> datetime | None:
        if self._schedule.rrule is None:
            return _minute(next(firing.runs(self._schedule, minute), None))
        if self._going is None:
            self._going = firing.runs(self._schedule, minute)
            self._last = _minute(next(self._going, None))
        while self._last is not None and self._last < minute:
            self._last = _minute(next(self._going, None))
        return self._last


def _minute(time: datetime | None) -> datetime | None:
    return time.astimezone(UTC).replace(second=0, microsecond=0) if time is not None else None


def _rule(schedule: Schedule) -> tuple[object, ...]:
    return (
        schedule.cron, schedule.day_or, schedule.interval, schedule.anchor_date, schedule.rrule, schedule.timezone,
    )  # fmt: skip
