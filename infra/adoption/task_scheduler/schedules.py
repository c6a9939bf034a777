"""Triggers as schedules: a cron where that says it, else an interval or a recurrence rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from infra.adoption.task_scheduler.firing import firings
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

_DAY = timedelta(days=1)
_DAYS = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")
_ALL_MONTHS = frozenset(range(1, 13))
_ALL_WEEKDAYS = frozenset(range(7))


class NoEqual(Exception):  # noqa: N818  # no fault of anybody
    """No schedule fires at the same times; it says why."""


def schedules(trigger: Trigger, zone: ZoneInfo, now: datetime) -> list[dict[str, Any]]:
    """In the words of a stack file. Raises NoEqual."""
    start, end = _start(trigger, zone, now), _end(trigger, zone)
    begun = _aware(start, zone) <= now
    if isinstance(trigger.when, Once):
        return [_once(trigger, start, end, begun=begun)]
    repetition = trigger.repetition
    if repetition is not None and repetition.duration is None:
        if _DAY % repetition.interval:
            raise NoEqual("its repetition has no end and is no part of a day: each start would shift it")
        first = next(firings(replace(trigger, repetition=None, end=None), zone, _aware(start, zone)))
        return [_once(trigger, first.replace(tzinfo=None), end, begun=first <= now)]
    return list(_on_days(trigger, start, end, begun=begun))


def _on_days(trigger: Trigger, start: datetime, end: datetime | None, *, begun: bool) -> Iterator[dict[str, Any]]:
    for days_later, seconds, hours, minutes in _times(trigger, start):
        when = _later(trigger.when, days_later)
        if begun and end is None and seconds == 0 and (cron := _cron(when, hours, minutes)):
            yield {"cron": cron}
        else:
            base = (start + timedelta(days=days_later)).replace(hour=0, minute=0, second=0)
            if not begun and days_later == 0:
                base = start
            clock = f"BYHOUR={_listed(hours)};BYMINUTE={_listed(minutes)};BYSECOND={seconds}"
            yield _rule(base, f"{_rrule(when, days_later)};{clock}", end)


def _once(trigger: Trigger, start: datetime, end: datetime | None, *, begun: bool) -> dict[str, Any]:
    repetition = trigger.repetition
    if repetition is None:
        return _rule(start, "FREQ=DAILY;COUNT=1", None)
    seconds = int(repetition.interval.total_seconds())
    if repetition.duration is None and end is None and begun:
        return {"interval": seconds, "anchor_date": start.isoformat()}
    count = ""
    if repetition.duration is not None:
        count = f";COUNT={-(-repetition.duration // repetition.interval)}"
        if end is not None:
            end, count = min(end, start + repetition.duration - timedelta(seconds=1)), ""
    unit, number = ("MINUTELY", seconds // 60) if seconds % 60 == 0 else ("SECONDLY", seconds)
    return _rule(start, f"FREQ={unit};INTERVAL={number}{count}", end)


def _rule(start: datetime, rule: str, end: datetime | None) -> dict[str, Any]:
    until = f";UNTIL={end:%Y%m%dT%H%M%S}" if end is not None else ""
    return {"rrule": f"DTSTART:{start:%Y%m%dT%H%M%S}\nRRULE:{rule}{until}"}


def _times(trigger: Trigger, start: datetime) -> Iterator[tuple[int, int, list[int], list[int]]]:
    """Times of day after each start: days later, second, and hours that have the same minutes."""
    moments = [start]
    if trigger.repetition is not None and trigger.repetition.duration is not None:
        count = -(-trigger.repetition.duration // trigger.repetition.interval)
        if count > 24 * 60 * 7:
            raise NoEqual("its repetition goes on for more than a week from each start")
        moments = [start + n * trigger.repetition.interval for n in range(count)]
    minutes: defaultdict[tuple[int, int, int], set[int]] = defaultdict(set)
    for moment in moments:
        later = (moment.date() - start.date()).days
        if isinstance(trigger.when, Daily) and trigger.when.every == 1 and _aware_of_start(trigger):
            later = 0
        minutes[later, moment.second, moment.hour].add(moment.minute)
    hours: defaultdict[tuple[int, int, tuple[int, ...]], set[int]] = defaultdict(set)
    for (later, second, hour), each in minutes.items():
        hours[later, second, tuple(sorted(each))].add(hour)
    for (later, second, these), of in sorted(hours.items()):
        yield later, second, sorted(of), list(these)


def _aware_of_start(trigger: Trigger) -> bool:
    """Whether a day is like any other: no first one lies ahead, which would have nothing left from the day before."""
    return trigger.end is None


def _later(when: When, days: int) -> When:
    """The days that lie so many days after those."""
    if days == 0 or isinstance(when, Daily):
        return when
    if isinstance(when, Weekly):
        return Weekly(when.every, frozenset((day + days) % 7 for day in when.weekdays))
    raise NoEqual("its repetition goes on past midnight, which is another day of the month")


def _cron(when: When, hours: Iterable[int], minutes: Iterable[int]) -> str | None:
    clock = f"{_compact(minutes, 60)} {_compact(hours, 24)}"
    match when:
        case Daily(every=1):
            return f"{clock} * * *"
        case Weekly(every=1, weekdays=weekdays):
            return f"{clock} * * {'*' if weekdays == _ALL_WEEKDAYS else _compact(weekdays, 7)}"
        case Monthly(days=days, months=months):
            listed = [*map(str, sorted(days - {LAST})), *(["L"] if LAST in days else [])]
            return f"{clock} {','.join(listed)} {_cron_months(months)} *"
        case MonthlyByWeekday(weeks=weeks, weekdays=weekdays, months=months):
            nth = [f"L{day}" if week == LAST else f"{day}#{week}" for week in sorted(weeks) for day in sorted(weekdays)]
            return f"{clock} * {_cron_months(months)} {','.join(nth)}"
    return None


def _cron_months(months: frozenset[int]) -> str:
    return "*" if months == _ALL_MONTHS else _compact(months, 12)


def _compact(numbers: Iterable[int], size: int) -> str:
    """1-5 for five in a row, */15 for quarters of an hour, * for all, else a list."""
    values = sorted(numbers)
    if len(values) == size:
        return "*"
    steps = {b - a for a, b in pairwise(values)}
    if len(values) > 2 and steps == {1}:  # noqa: PLR2004  # two are a list
        return f"{values[0]}-{values[-1]}"
    if len(values) > 2 and len(steps) == 1:  # noqa: PLR2004
        step = steps.pop()
        if values[0] == 0 and values[-1] + step >= size > 12:  # noqa: PLR2004  # hours and minutes
            return f"*/{step}"
    return _listed(values)


def _listed(numbers: Iterable[int]) -> str:
    return ",".join(map(str, numbers))


def _rrule(when: When, days_later: int) -> str:
    match when:
        case Daily(every=every):
            return f"FREQ=DAILY;INTERVAL={every}"
        case Weekly(every=every, weekdays=weekdays):
            # The week that is counted begins on a Sunday, and so many days later for what lies so many days later.
            first = _DAYS[days_later % 7]
            return f"FREQ=WEEKLY;INTERVAL={every};WKST={first};BYDAY={','.join(_DAYS[day] for day in sorted(weekdays))}"
        case Monthly(days=days, months=months):
            return f"FREQ=MONTHLY;BYMONTHDAY={_listed(sorted(days))}{_rrule_months(months)}"
        case MonthlyByWeekday(weeks=weeks, weekdays=weekdays, months=months):
            nth = [f"{week:+d}{_DAYS[day]}" for week in sorted(weeks) for day in sorted(weekdays)]
            return f"FREQ=MONTHLY;BYDAY={','.join(nth)}{_rrule_months(months)}"
    raise NoEqual("it has no rule")


def _rrule_months(months: frozenset[int]) -> str:
    return "" if months == _ALL_MONTHS else f";BYMONTH={_listed(sorted(months))}"


def _aware(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _end(trigger: Trigger, zone: ZoneInfo) -> datetime | None:
    return _aware(trigger.end, zone).astimezone(zone).replace(tzinfo=None) if trigger.end else None


def _start(trigger: Trigger, zone: ZoneInfo, now: datetime) -> datetime:
    """By the wall clock of the zone; of a trigger that has times to come."""
    if isinstance(trigger.when, NoTime):
        raise NoEqual(f"{trigger.when.kind} fires on what happens on a machine, not at a time")
    if trigger.start is None:
        raise NoEqual("it has no StartBoundary, so no time of day")
    if trigger.end is not None and _aware(trigger.end, zone) < now:
        raise NoEqual(f"it ended on {trigger.end:%Y-%m-%d %H:%M}")
    if next(firings(trigger, zone, now), None) is None:
        raise NoEqual("it fires no more: its times are past")
    return _local(trigger.start, trigger.when, zone)


def _local(start: datetime, when: When, zone: ZoneInfo) -> datetime:
    if start.tzinfo is None:
        return start
    local = start.astimezone(zone).replace(tzinfo=None)
    if local.date() != start.date() and not isinstance(when, (Once, Daily)):
        raise NoEqual("it is synchronised across time zones, and its days are other days here")
    return local
