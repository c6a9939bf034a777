"""Cron expressions as the Prefect server reads them.

The server runs croniter, which differs from other crons: a day of month *and* a day of week that are both restricted
mean either of them (`day_or`), also when one is written `*/2`, where Debian's cron and the cronsim library mean both;
Sunday is 0 and 7; `L` is the last day, `5#2` the second Friday, `L5` the last. What croniter takes but reads in a way
that nobody expects (`*/90`, `5-5`, `fri-mon/2`, a sixth field) is refused here with the reason. Everything accepted
fires exactly when the server fires it.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import cache
from typing import NamedTuple

from infra.model.rules import Rule, times

ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
LAST = -1
YEARS_SEARCHED = 50
"""How far the server looks for the next time before it gives up."""

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if name}
_WEEKDAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}


class CronError(ValueError):
    """The expression can't be used. `hint` says what to write, where that is known."""

    def __init__(self, message: str, hint: str | None = None, *, rule: Rule = times.BAD_CRON) -> None:
        super().__init__(message)
        self.hint, self.rule = hint, rule


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    names: dict[str, int]


_FIELDS = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day of month", 1, 31, {}),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 6, _WEEKDAYS),
)
_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY = _FIELDS


@dataclass(frozen=True)
class Cron:
    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    days: frozenset[int] | None
    """None for every day; `LAST` for the month's last."""
    weekdays: frozenset[int] | None
    """None for every day; Sunday is 0."""
    nth: frozenset[tuple[int, int]]
    """(weekday, n) for the n-th of a month, `LAST` for the last."""
    day_or: bool

    def times(self, after: datetime) -> Iterator[datetime]:
        """All wall-clock times later than the naive `after`, for as long as the server would look."""
        hours, minutes = sorted(self.hours), sorted(self.minutes)
        day, last_year = after.date(), min(after.year + YEARS_SEARCHED, 9998)
        while day.year <= last_year:
            if day.month not in self.months:
                day = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
                continue
            if self._on(day):
                last_year = min(day.year + YEARS_SEARCHED, 9998)
                for hour in hours:
                    for minute in minutes:
                        time = datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001  # wall clock
                        if time > after:
                            yield time
            day += timedelta(days=1)

    def fires(self) -> bool:
        # From a fixed day, over whole cycles of leap years and weekdays: the answer is the same today and tomorrow.
        return next(self.times(datetime(2024, 1, 1)), None) is not None  # noqa: DTZ001

    def is_apart_from(self, other: Cron) -> bool:
        """Whether they have no time of day, or no month, in common."""
        return not (self.hours & other.hours and self.minutes & other.minutes and self.months & other.months)

    def first_with(self, other: Cron, after: datetime, days: int) -> datetime | None:
        """The first wall-clock minute later than the naive `after` that both have, within so many days."""
        hours, minutes = sorted(self.hours & other.hours), sorted(self.minutes & other.minutes)
        months = self.months & other.months
        for number in range(days):
            day = after.date() + timedelta(days=number)
            if day.month in months and self._on(day) and other._on(day):
                for hour in hours:
                    for minute in minutes:
                        time = datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001  # wall clock
                        if time > after:
                            return time
        return None

    def _on(self, day: date) -> bool:
        on_weekday = self.weekdays is None or day.isoweekday() % 7 in self.weekdays
        if self.nth:
            on_weekday = any(_is_nth(day, weekday, n) for weekday, n in self.nth)
        if self.days is None:
            return on_weekday
        last_of_month = calendar.monthrange(day.year, day.month)[1]
        on_day = day.day in self.days or (LAST in self.days and day.day == last_of_month)
        if self.weekdays is None and not self.nth:
            return on_day
        return (on_day or on_weekday) if self.day_or else (on_day and on_weekday)


@cache
def parse(expression: str, *, day_or: bool = True) -> Cron:
    """Raises CronError for an expression that the server refuses, that never fires, or that surprises."""
    text = " ".join(expression.lower().split())
    if text.startswith("@") and text not in ALIASES:
        raise CronError(f"there is no {expression!r}", f"allowed: {', '.join(sorted(ALIASES))}")
    parts = ALIASES.get(text, text).split()
    if len(parts) != len(_FIELDS):
        raise CronError(
            f"a cron expression has 5 fields (minute, hour, day of month, month, day of week), this one {len(parts)}",
            "for seconds use `interval`" if len(parts) > len(_FIELDS) else 'for example "30 1,13,17 * * *"',
        )
    minute, hour, day, month, weekday = parts
    days = _days_of_month(day, weekday)
    nth = _nth_weekdays(weekday)
    if nth and days is not None and day_or:
        raise CronError(
            f"the server ignores the day of month {day!r} beside the day of week {weekday!r}",
            "write * as the day of month, or `day_or: false` to mean both at once",
        )
    cron = Cron(
        minutes=_set(minute, _MINUTE),
        hours=_set(hour, _HOUR),
        months=_set(month, _MONTH),
        days=days,
        weekdays=None if nth else _weekdays(weekday, day),
        nth=nth,
        day_or=day_or,
    )
    # With a day of week beside it too: the server looks for both, and its scheduler fails on the one it can't find.
    by_day = replace(cron, weekdays=None, nth=frozenset()) if day_or else cron
    if not by_day.fires():
        raise CronError(
            "it never fires: no year has such a day", "check the day of month and the month", rule=times.NEVER_FIRES
        )
    return cron


def _days_of_month(text: str, weekday_text: str) -> frozenset[int] | None:
    if text in ("*", "?"):
        return None
    terms = text.split(",")
    plain = [term for term in terms if term != "l"]
    days = _set(",".join(plain), _DAY) if plain else frozenset()
    if len(plain) < len(terms):
        return days | {LAST}
    # croniter's rule: all days written out are a * only beside a day of week that has one.
    everything = len(days) == _DAY.high and ("*" in weekday_text or weekday_text == "?")
    return None if "*" in terms or everything else days


def _weekdays(text: str, day_text: str) -> frozenset[int] | None:
    if text in ("*", "?") or "*" in text.split(","):
        return None
    weekdays = _set(text, _WEEKDAY)
    everything = len(weekdays) == len(_WEEKDAYS) and ("*" in day_text or day_text == "?")
    return None if everything else weekdays


def _nth_weekdays(text: str) -> frozenset[tuple[int, int]]:
    if "#" not in text and not re.search(r"(^|,)l\d", text):
        return frozenset()
    nth = set()
    for term in text.split(","):
        if last := re.fullmatch(r"l(\d)", term):
            nth.add((_number(last[1], _WEEKDAY), LAST))
        elif counted := re.fullmatch(r"(\w+)#([1-5])", term):
            nth.add((_number(counted[1], _WEEKDAY), int(counted[2])))
        else:
            raise CronError(
                f"the day of week {text!r} mixes {term!r} with the n-th of a month", "say it in two schedules"
            )
    return frozenset(nth)


def _set(text: str, field: _Field) -> frozenset[int]:
    values: set[int] = set()
    for term in text.split(","):
        values.update(_term(term, field))
    return frozenset(values)


def _term(term: str, field: _Field) -> Iterator[int]:
    """One of `*`, `5`, `1-5`, and those with a `/step`."""
    span, slash, step_text = term.partition("/")
    step = 1
    if slash:
        if not step_text.isascii() or not step_text.isdigit() or not 1 <= int(step_text) <= field.high - field.low:
            raise CronError(
                f"the {field.name} step is {step_text!r}: it goes from 1 to {field.high - field.low}",
                'each field repeats by itself, so "*/90" does not mean 90 minutes: use `interval`',
            )
        step = int(step_text)
    if span == "*":
        low, high = field.low, field.high
    elif "-" in span[1:]:
        first, _, last = span.partition("-")
        low, high = _number(first, field), _number(last, field)
        if low == high:
            raise CronError(f"the {field.name} {term!r} begins where it ends; the server reads that as all", "write *")
        if low > high and step == 1 and field.names:
            yield from range(low, field.high + 1)
            low = field.low
        elif low > high:
            raise CronError(f"the {field.name} {term!r} ends before it begins", "write the values, with commas")
    else:
        low = _number(span, field)
        high = field.high if slash else low
        if slash and low == high:
            raise CronError(
                f"the {field.name} {term!r} begins where it ends; the server counts from {field.low}", f"write {span}"
            )
    yield from range(low, high + 1, step)


def _number(text: str, field: _Field) -> int:
    if text in field.names:
        return field.names[text]
    names = f" or {'..'.join([*field.names][:: len(field.names) - 1])}" if field.names else ""
    allowed = f"{field.low} to {field.high}{names}"
    if not text.isascii() or not text.isdigit() or len(text) > len("59"):
        raise CronError(f"the {field.name} is {text!r}: it must be {allowed}, *, a list, a range or a step")
    number = int(text)
    if field is _WEEKDAY and number == len(_WEEKDAYS):
        number = 0
    if not field.low <= number <= field.high:
        raise CronError(f"the {field.name} is {text}: it goes from {allowed}")
    return number


def _is_nth(day: date, weekday: int, n: int) -> bool:
    if day.isoweekday() % 7 != weekday:
        return False
    if n == LAST:
        return day.day + 7 > calendar.monthrange(day.year, day.month)[1]
    return (day.day - 1) // 7 + 1 == n
