"""RFC 5545 rules: those that the server can run for good, in the form in which it keeps them.

The server takes whatever dateutil can parse, and finds out in its scheduler that a rule makes no sense: an hour 25, or
a day that never comes, which dateutil seeks up to the year 9999. So values are checked, and a rule must fire once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any

from dateutil.rrule import DAILY, MINUTELY, rrule, rruleset, rrulestr

from infra.model.recurrence import DEFAULT_ANCHOR, ScheduleError
from infra.model.rules import Rule, times

LONGEST = 6500
"""What the server takes."""
_EXAMPLE = 'for example "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=0"'
_YEARS = range(1970, 2100)
_CYCLE = 28
_LAST_CYCLES = 9944
"""A year from which there are two of them to 9999; its place in the cycle of leap years is that of 2016."""
_RANGES = {
    "BYSECOND": (0, 59),
    "BYMINUTE": (0, 59),
    "BYHOUR": (0, 23),
    "BYMONTH": (1, 12),
    "BYMONTHDAY": (-31, 31),
    "BYYEARDAY": (-366, 366),
    "BYWEEKNO": (-53, 53),
    "BYSETPOS": (-366, 366),
    "BYEASTER": (-366, 366),
    "INTERVAL": (1, 10_000),
    "COUNT": (1, 1_000_000),
}
_OTHERS = ("FREQ", "UNTIL", "BYDAY", "BYWEEKDAY", "WKST")
_ZERO_IS_A_VALUE = frozenset({"BYSECOND", "BYMINUTE", "BYHOUR", "BYEASTER"})
_UNREADABLE = (ValueError, TypeError, AttributeError, IndexError, KeyError, OverflowError)


class RruleError(ScheduleError):
    def __init__(self, message: str, hint: str | None = None, *, rule: Rule = times.BAD_RRULE) -> None:
        super().__init__(message, hint, rule=rule)


@cache
def normal(written: str) -> str:
    """The rule with its DTSTART: without one the server would add it, and show it as a change ever after.

    Raises:
        RruleError: The rule can't be used.

    """
    text = "\n".join(line.strip() for line in written.strip().splitlines() if line.strip())
    folded = text.upper()
    if len(text) > LONGEST:
        raise RruleError(f"the rrule has {len(text)} characters: at most {LONGEST}")
    if "TZID" in folded or re.search(r"\d{6}Z\b", folded):
        raise RruleError(
            f"the rrule {_short(written)} says its own time zone", "its times are local: leave out the Z and the TZID"
        )
    for key, values in _parts(folded, written):
        _check_values(key, values, written)
    try:
        parsed = parse(text)
        _check(parsed, written, anchored="DTSTART" in folded)
    except _UNREADABLE as error:
        if isinstance(error, RruleError):
            raise
        raise RruleError(
            f"the rrule {_short(written)} can't be read: {str(error) or type(error).__name__}", _EXAMPLE
        ) from error
    if "DTSTART" in folded:
        return text
    return f"DTSTART:{DEFAULT_ANCHOR:%Y%m%dT%H%M%S}\n{text}"


def parse(text: str) -> rrule | rruleset:
    parsed: rrule | rruleset = rrulestr(text, dtstart=DEFAULT_ANCHOR)
    return parsed


def _parts(folded: str, written: str) -> Iterator[tuple[str, str]]:
    for line in folded.splitlines():
        name, colon, value = line.rpartition(":")
        if colon and not re.match(r"(RRULE|RDATE|EXDATE|DTSTART)\b", name):
            raise RruleError(
                f"the rrule {_short(written)} has the line {line!r}", "allowed: RRULE, RDATE, EXDATE, DTSTART"
            )
        if not colon or name == "RRULE":
            for pair in value.split(";"):
                key, _, values = pair.partition("=")
                yield key, values


def _check_values(key: str, values: str, written: str) -> None:
    if key not in _RANGES:
        if key not in _OTHERS:
            raise RruleError(
                f"the rrule {_short(written)} has an unknown part {key!r}",
                f"allowed: {', '.join(sorted((*_RANGES, *_OTHERS)))}",
            )
        return
    low, high = _RANGES[key]
    for value in values.split(","):
        sound = re.fullmatch(r"[+-]?\d{1,7}", value, re.ASCII) and low <= int(value) <= high
        if not sound or (int(value) == 0 and key not in _ZERO_IS_A_VALUE):
            beside = "" if low >= 0 else ", without 0" if key not in _ZERO_IS_A_VALUE else ""
            raise RruleError(f"the rrule {_short(written)} has {key} {value!r}: it goes from {low} to {high}{beside}")


def _check(parsed: rrule | rruleset, written: str, *, anchored: bool) -> None:
    fields = vars(parsed)
    rules: list[rrule] = [parsed] if isinstance(parsed, rrule) else fields["_rrule"]
    for rule in rules:
        _check_rule(rule, vars(rule), written, anchored=anchored)
    dates: list[datetime] = [] if isinstance(parsed, rrule) else [*fields["_rdate"], *fields["_exdate"]]
    if any(date.tzinfo is not None for date in dates):
        raise RruleError(f"the rrule {_short(written)} has a date with a time zone", "its times are local")
    if not rules and (isinstance(parsed, rrule) or not fields["_rdate"]):
        raise RruleError(
            f"the rrule {_short(written)} never fires: it has no RRULE and no RDATE", rule=times.NEVER_FIRES
        )


def _check_rule(rule: rrule, fields: dict[str, Any], written: str, *, anchored: bool) -> None:
    start: datetime = fields["_dtstart"]
    if start.tzinfo is not None or start.year not in _YEARS:
        raise RruleError(
            f"the rrule {_short(written)} begins in the year {start.year}",
            f"DTSTART is a local time from {_YEARS.start} to {_YEARS.stop - 1}",
        )
    if fields["_freq"] >= MINUTELY and not anchored:
        raise RruleError(
            f"the rrule {_short(written)} repeats each minute or second: from 2020 on the server would count them all",
            "use `interval`, or begin it with a recent DTSTART:20260101T000000 on a line of its own",
        )
    often = fields["_freq"] > DAILY
    if often and fields["_bysetpos"]:
        raise RruleError(f"the rrule {_short(written)} has BYSETPOS, which goes with a day, week, month or year")
    if next(iter(_at_the_end_of_time(rule, start, fields["_interval"], often=often)), None) is None:
        raise RruleError(
            f"the rrule {_short(written)} never fires: no day is all that it asks for", rule=times.NEVER_FIRES
        )
    if next(iter(rule), None) is None:
        raise RruleError(f"the rrule {_short(written)} never fires: it ends before it begins", rule=times.NEVER_FIRES)


def _at_the_end_of_time(rule: rrule, start: datetime, interval: int, *, often: bool) -> rrule:
    """The rule moved to where dateutil soon gives up: it seeks up to the year 9999, without a way to stop it earlier.

    Which days are right doesn't depend on how often in a day, and years with the same calendar come again after 28.
    With an interval the phase counts: all days come again, on the same weekdays, after 400 years.
    """
    if often or interval == 1:
        moved = start.replace(year=_LAST_CYCLES + start.year % _CYCLE)
    else:
        moved = start.replace(year=start.year + 19 * 400)
    return rule.replace(
        freq=DAILY if often else vars(rule)["_freq"],
        interval=1 if often else interval,
        dtstart=moved,
        until=None,
        count=None,
    )


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:57]}...")  # noqa: PLR2004
