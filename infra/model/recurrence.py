"""Ways to say when: cron and interval (rrule has a module of its own), and what a schedule is called by default."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from infra.model import cron
from infra.model.rules import Rule, times

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST_INTERVAL = 366 * 86400
DEFAULT_ANCHOR = datetime(2020, 1, 1)  # noqa: DTZ001  # local to whichever time zone; fixed, so that each run agrees
_INTERVAL = re.compile(r"(?:\d{1,9}[smhd])+")


class ScheduleError(ValueError):
    """It can't be a schedule. `hint` says what to write."""

    def __init__(self, message: str, hint: str | None = None, *, rule: Rule) -> None:
        super().__init__(message)
        self.hint, self.rule = hint, rule


def cron_expression(written: str, *, day_or: bool) -> str:
    try:
        cron.parse(written, day_or=day_or)
    except cron.CronError as error:
        raise ScheduleError(f"the cron {written!r} can't be used: {error}", error.hint, rule=error.rule) from error
    return " ".join(written.split())


def interval_seconds(written: object) -> int:
    """Seconds from a number, or from text such as 15m, 2h or 1d12h."""
    hint = "write seconds, or 30s, 15m, 2h, 1d, 1h30m"
    seconds: object = written
    if isinstance(written, str):
        text = "".join(written.lower().split())
        if not _INTERVAL.fullmatch(text):
            raise ScheduleError(
                f"the interval is {written!r}, which is no length of time", hint, rule=times.BAD_INTERVAL
            )
        seconds = sum(int(count) * UNITS[unit] for count, unit in re.findall(r"(\d+)([smhd])", text))
    if isinstance(seconds, float) and seconds.is_integer():
        seconds = int(seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise ScheduleError(
            f"the interval is {written!r}: it must be whole seconds or a text", hint, rule=times.BAD_INTERVAL
        )
    if not 1 <= seconds <= LONGEST_INTERVAL:
        raise ScheduleError(
            f"the interval is {written!r}: it goes from 1 second to 366 days", hint, rule=times.BAD_INTERVAL
        )
    return seconds


def anchor(written: str | None, timezone: str) -> str:
    """The moment that an interval counts from, with the offset it has in the time zone."""
    zone = ZoneInfo(timezone)
    if written is None:
        return DEFAULT_ANCHOR.replace(tzinfo=zone).isoformat()
    hint = 'local date and time, for example "2026-01-01T08:00:00"'
    try:
        moment = datetime.fromisoformat(written)
        if moment.tzinfo is None:
            return moment.replace(tzinfo=zone).isoformat()
        if moment.utcoffset() == timedelta(0) and zone.utcoffset(moment.replace(tzinfo=None)) != timedelta(0):
            raise ScheduleError(f"the anchor_date {written!r} is in UTC", hint, rule=times.UTC)
        return moment.astimezone(zone).isoformat()
    except (ValueError, OverflowError) as error:
        if isinstance(error, ScheduleError):
            raise
        raise ScheduleError(f"the anchor_date {written!r} is no date and time", hint, rule=times.BAD_ANCHOR) from error


def slug(*, cron: str | None = None, interval: int | None = None, rrule: str | None = None) -> str:
    """What a schedule is called that has no slug of its own: from its rule alone, so that it stays what it is."""
    if cron is not None:
        fields = cron.removeprefix("@").lower().split()
        while fields and fields[-1] == "*":
            fields.pop()
        return f"cron-{_plain('-'.join(_spoken(field) for field in fields)) or 'every-minute'}"
    if interval is not None:
        unit = next(unit for unit in reversed(UNITS) if interval % UNITS[unit] == 0)
        return f"each-{interval // UNITS[unit]}{unit}"
    rule = re.sub(r"DTSTART\S*", "", rrule or "", flags=re.IGNORECASE).lower()
    rule = rule.replace("rrule:", "").replace("freq=", "")
    return f"rrule-{_plain(rule)}"[:100].rstrip("-")


def _spoken(field: str) -> str:
    """A cron field without signs, so that two that differ stay different."""
    for sign, word in (("*/", "each"), ("*", "x"), ("?", "x"), ("/", "by"), ("#", "nth"), ("-", "to")):
        field = field.replace(sign, word)
    return field


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")
