"""Schedules in words, Spanish or English: "cada día a las 7", "lunes a viernes 07:30", "every 15 minutes".

A phrase is a time (or several) and days, in any order; or `cada`/`every` so many minutes or hours. What is left over
and not understood is an error: nothing is guessed. Times are local, as everywhere.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from infra.guided import calendar_words as calendar
from infra.model import cron
from infra.model.recurrence import DEFAULT_ANCHOR

EXAMPLES: Final = (
    "cada día a las 7",
    "lunes a viernes 07:30",
    "every 15 minutes",
    "el primer día del mes a las 6",
    "30 1,13,17 * * *",
)
_HINT: Final = "for example " + ", ".join(f'"{example}"' for example in EXAMPLES)
_CRON: Final = re.compile(r"@\w+|[\d*?,/l#-]\S*(?:\s+[\da-z*?,/#-]+){4}")
_RRULE: Final = re.compile(r"(RRULE:|DTSTART|FREQ=)", re.IGNORECASE)
_SHORT_INTERVAL: Final = re.compile(r"(\d+[smhd])+")
_EVERY: Final = re.compile(
    r"(?:cada|every|each) (?:(?P<count>\d+) )?"
    r"(?P<unit>segundos?|seconds?|minutos?|minutes?|min|horas?|hours?|dias|days)(?: (?P<rest>.*))?"
)
_HOURS: Final = re.compile(
    r"(?:de|desde|from|entre|between)(?: las)? (?P<first>\d{1,2}) "
    r"(?:a|hasta|to|y|and)(?: las)? (?P<last>\d{1,2})(?: hs| horas)?\b"
)
_MOMENT: Final = (
    r"(?:(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d{2}))?"
    r"(?: ?(?P<part>am|pm|a\.m|p\.m|hs|hrs|horas|de la manana|de la tarde|de la noche"
    r"|in the morning|in the afternoon|in the evening)\b)?(?P<more> y media\b| y cuarto\b)?"
    r"|(?P<named>mediodia|noon|medianoche|midnight)\b)(?![\w:])"
)
_LEAD: Final = r"(?:a las|a la|al|a|las|at)"
_FIRST: Final = re.compile(rf"(?:\b(?P<lead>{_LEAD}) )?(?<![\w:]){_MOMENT}")
_NEXT: Final = re.compile(rf"(?:\s?,\s?| y | and | e )(?:{_LEAD} )?{_MOMENT}")
_AFTERNOON: Final = frozenset({"pm", "p.m", "de la tarde", "de la noche", "in the afternoon", "in the evening"})
_NOON: Final = 12


class SpokenError(ValueError):
    """It can't be understood. `hint` says what to write."""

    def __init__(self, message: str, hint: str = _HINT) -> None:
        super().__init__(message)
        self.hint = hint


class Time(NamedTuple):
    hour: int
    minute: int


def schedules(text: str) -> tuple[dict[str, Any], ...]:
    """What a stack file says for it: one schedule, or one for each minute that differs ("a las 7 y a las 8:30").

    A cron expression, an interval such as 15m and an rrule are taken as they are.

    Raises:
        SpokenError: It is not understood.

    """
    if _RRULE.match(text.strip()):
        return ({"rrule": text.strip()},)
    plain = _plain(text)
    if _CRON.fullmatch(plain):
        return ({"cron": " ".join(text.split())},)
    if _SHORT_INTERVAL.fullmatch(plain):
        return ({"interval": plain},)
    if not plain:
        raise SpokenError("the schedule is empty")
    if re.search(r"\b(utc|gmt|z)\b", plain):
        raise SpokenError(f"{text!r} names UTC: times are local", "leave it out, and say the local time")
    if (every := _EVERY.fullmatch(plain)) is not None:
        return _repeated(every, text)
    times, rest = _times(plain, text)
    days = _days(rest, text)
    if not times:
        raise SpokenError(f"{text!r} doesn't say at what time", f'add it: "{text.strip()} a las 7", or "at 7:30"')
    return _at(times, days)


def _plain(text: str) -> str:
    """Small letters without accents, numbers as digits, one space between words."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    plain = " ".join("".join(c for c in folded if not unicodedata.combining(c)).split()).strip(" .;")
    plain = re.sub(r"\b(?:media hora|half an hour|half hour)\b", "30 minutos", plain)
    plain = re.sub(r"\b(?:un )?cuarto de hora\b", "15 minutos", plain)
    return re.sub(r"[a-z]+", lambda word: calendar.NUMBERS.get(word[0], word[0]), plain)


def _repeated(every: re.Match[str], text: str) -> tuple[dict[str, Any], ...]:
    count, unit, rest = int(every["count"] or 1), every["unit"], every["rest"] or ""
    if unit.startswith("d"):
        return _each_days(count, rest, text)
    letter = unit[0]
    if not rest:
        return ({"interval": f"{count}{letter}"},)
    if letter == "s" or count < 1 or (24 if letter == "h" else 60) % count:
        raise SpokenError(f"{text!r}: with days or hours, it must be a whole part of an hour or a day", _HINT)
    hours = _HOURS.search(rest)
    span = "*"
    if hours is not None:
        first, last = int(hours["first"]), int(hours["last"])
        # "Each hour from 8 to 18" runs at 18:00 as well; "each 15 minutes" ends before 18.
        last = last if letter == "h" else last - 1
        if not 0 <= first < last <= 23:  # noqa: PLR2004  # hours of a day
            raise SpokenError(f"{text!r}: from {hours['first']} to {hours['last']} are no hours of one day", _HINT)
        span, rest = f"{first}-{last}", rest[: hours.start()] + rest[hours.end() :]
    days = _days(rest, text)
    if days.rule is not None:
        raise SpokenError(f"{text!r}: on a working day of the month, say the times", _HINT)
    step = f"/{count}" if count > 1 else ""
    minutes, when = ("0", span + step) if letter == "h" else (f"*{step}", span)
    return (_checked(f"{minutes} {when} {days.of_month} {days.month} {days.of_week}", text),)


def _each_days(count: int, rest: str, text: str) -> tuple[dict[str, Any], ...]:
    times, left = _times(rest, text)
    if left.strip(" ,"):
        raise _not_understood(left, text)
    if not times:
        raise SpokenError(f"{text!r} doesn't say at what time", f'add it: "{text.strip()} a las 7", or "at 7:30"')
    if count == 1:
        return _at(times, calendar.EACH_DAY)
    start = [DEFAULT_ANCHOR.replace(hour=time.hour, minute=time.minute).isoformat() for time in times]
    made = [{"interval": f"{count}d", "anchor_date": each} for each in start]
    if len(made) > 1:
        made = [
            {**each, "slug": f"each-{count}d-{time.hour}-{time.minute:02}"}
            for each, time in zip(made, times, strict=True)
        ]
    return tuple(made)


def _times(plain: str, text: str) -> tuple[list[Time], str]:
    """The times of day that it names, and the rest of it."""
    for found in _FIRST.finditer(plain):
        # A bare number may be a day of the month: a time has a word before it, or says so itself.
        if found["lead"] in ("a las", "a la", "las", "at") or found["minute"] or found["part"] or found["named"]:
            break
    else:
        return [], plain
    times, end = [_time(found, text)], found.end()
    while (following := _NEXT.match(plain, end)) is not None:
        times.append(_time(following, text))
        end = following.end()
    return sorted(set(times)), f"{plain[: found.start()]} {plain[end:]}"


def _time(found: re.Match[str], text: str) -> Time:
    if found["named"]:
        return Time(_NOON if found["named"] in ("mediodia", "noon") else 0, 0)
    hour, minute, part = int(found["hour"]), int(found["minute"] or 0), found["part"] or ""
    if found["more"]:
        minute += 30 if "media" in found["more"] else 15
    if part in _AFTERNOON and hour < _NOON:
        hour += _NOON
    elif hour == _NOON and part in ("am", "a.m", "de la noche"):
        hour = 0
    if hour > 23 or minute > 59:  # noqa: PLR2004  # of a clock
        raise SpokenError(f"{found[0].strip(' ,')!r} in {text!r} is no time of day", 'write it as in "a las 7:30"')
    return Time(hour, minute)


def _days(rest: str, text: str) -> calendar.Days:
    try:
        return calendar.days(rest)
    except calendar.UnknownWords as unknown:
        raise _not_understood(str(unknown), text) from unknown


def _at(times: Sequence[Time], days: calendar.Days) -> tuple[dict[str, Any], ...]:
    if days.rule is not None:
        return tuple({"rrule": f"{days.rule};BYHOUR={time.hour};BYMINUTE={time.minute};BYSECOND=0"} for time in times)
    by_minute: dict[int, list[int]] = {}
    for time in times:
        by_minute.setdefault(time.minute, []).append(time.hour)
    return tuple(
        _checked(f"{minute} {','.join(map(str, hours))} {days.of_month} {days.month} {days.of_week}")
        for minute, hours in by_minute.items()
    )


def _checked(expression: str, text: str = "") -> dict[str, Any]:
    try:
        cron.parse(expression)
    except cron.CronError as error:
        raise SpokenError(f"{text or expression!r}: {error}", error.hint or _HINT) from error
    return {"cron": expression}


def _not_understood(words: str, text: str) -> SpokenError:
    return SpokenError(f"{' '.join(words.split())!r} in {text!r} is not understood")
