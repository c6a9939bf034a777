"""When a trigger fires, by what its XML means: day by day, and nothing of how schedules are computed elsewhere.

A start without a zone is by the wall clock: a time that the clock skips comes as much later, one that occurs twice
comes the first time. With a zone it is a moment, and days count on that zone's clock. Repetitions go by the stop watch
from there. One that would begin just when the duration ends is none; without a duration they go on until the next
start.
"""

from __future__ import annotations

import calendar
import heapq
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from infra.adoption.task_scheduler.model import (
    LAST,
    Daily,
    Monthly,
    MonthlyByWeekday,
    NoTime,
    Once,
    Trigger,
    Weekly,
    When,
)

_WEEK = 7
_YEARS_SEARCHED = 50
"""Without a day: then there is none, such as a 30 February."""
_LAST_YEAR = 9000


def firings(trigger: Trigger, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """All times at or after the aware `after`, in the zone, in order, each once."""
    if trigger.start is None or isinstance(trigger.when, NoTime):
        return
    end = _moment(trigger.end, zone) if trigger.end else None
    last: datetime | None = None
    for moment in _all(trigger, trigger.start, zone, after.astimezone(UTC)):
        if end is not None and moment > end:
            return
        if moment >= after.astimezone(UTC) and moment != last:
            last = moment
            yield moment.astimezone(zone)


def _all(trigger: Trigger, start: datetime, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    """In order, in UTC, some of them before `after`."""
    waiting: list[datetime] = []
    bases = _bases(trigger.when, start, zone)
    base = next(bases, None)
    while base is not None:
        following = next(bases, None)
        while waiting and waiting[0] < base:
            yield heapq.heappop(waiting)
        if trigger.repetition is None:
            yield base
        elif trigger.repetition.duration is None:
            yield from _every(trigger.repetition.interval, base, following, after)
        elif base + trigger.repetition.duration >= after:
            until = base + trigger.repetition.duration
            for moment in _every(trigger.repetition.interval, base, until, after):
                heapq.heappush(waiting, moment)
        base = following
    while waiting:
        yield heapq.heappop(waiting)


def _every(interval: timedelta, base: datetime, until: datetime | None, after: datetime) -> Iterator[datetime]:
    moment = base + max(0, (after - base) // interval) * interval
    while until is None or moment < until:
        yield moment
        moment += interval


def _bases(when: When, start: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    day, first = start.date(), start.date()
    latest = day
    while day.year < min(latest.year + _YEARS_SEARCHED, _LAST_YEAR):
        if _on(when, day, first):
            latest = day
            yield _moment(datetime.combine(day, start.timetz()), zone)
        if isinstance(when, Once):
            return
        day += timedelta(days=1)


def _on(when: When, day: date, first: date) -> bool:
    match when:
        case Once():
            return True
        case Daily(every=every):
            return (day - first).days % every == 0
        case Weekly(every=every, weekdays=weekdays):
            weeks = (_sunday(day) - _sunday(first)).days // _WEEK
            return weeks % every == 0 and day.isoweekday() % _WEEK in weekdays
        case Monthly(days=days, months=months):
            last = calendar.monthrange(day.year, day.month)[1]
            return day.month in months and (day.day in days or (LAST in days and day.day == last))
        case MonthlyByWeekday(weeks=weeks_, weekdays=weekdays, months=months):
            last = calendar.monthrange(day.year, day.month)[1]
            week = (day.day - 1) // _WEEK + 1
            in_week = week in weeks_ or (LAST in weeks_ and day.day + _WEEK > last)
            return day.month in months and day.isoweekday() % _WEEK in weekdays and in_week
    return False


def _sunday(day: date) -> date:
    return day - timedelta(days=day.isoweekday() % _WEEK)


def _moment(written: datetime, zone: ZoneInfo) -> datetime:
    return (written if written.tzinfo else written.replace(tzinfo=zone, fold=0)).astimezone(UTC)
