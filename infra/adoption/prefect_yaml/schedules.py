"""Schedules of a `prefect.yaml`. Those without a time zone are in UTC, which no stack has: they are moved, or told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from infra.model import Schedule, cron, next_runs, timezones

_DAYS_AHEAD = 3660
_COMPARED = 400
_KINDS = ("cron", "interval", "rrule")
_YES = frozenset({"true", "yes", "on"})
_NO = frozenset({"false", "no", "off"})


class NoEqual(Exception):  # noqa: N818  # no fault of anybody
    """There is no schedule that fires at the same times; it says why."""


def translate(written: Mapping[str, Any], timezone: str, now: datetime) -> list[dict[str, Any]]:
    """One schedule, as one or more of a stack file, whose time zone is `timezone`. Raises NoEqual."""
    kinds = [kind for kind in _KINDS if written.get(kind) is not None]
    if len(kinds) != 1:
        raise NoEqual(f"it has {' and '.join(kinds) or 'none'} of {', '.join(_KINDS)}")
    made = {"cron": _cron, "interval": _interval, "rrule": _rrule}[kinds[0]](written, timezone, now)
    common: dict[str, Any] = {}
    if (active := written.get("active")) is not None:
        common["active"] = truth(active, "active")
    if written.get("parameters"):
        common["parameters"] = written["parameters"]
    slug = written.get("slug")
    names = [{"slug": slug if n == 1 else f"{slug}-{n}"} if slug else {} for n in range(1, len(made) + 1)]
    return [{**each, **name, **common} for each, name in zip(made, names, strict=True)]


def truth(value: Any, name: str) -> bool:
    """YAML 1.1, which Prefect reads, has more words for it. Raises NoEqual."""
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text in _YES | _NO:
        return text in _YES
    raise NoEqual(f"`{name}` is {value!r}: what is filled in at the deploy is not known here")


def _cron(written: Mapping[str, Any], timezone: str, now: datetime) -> list[dict[str, Any]]:
    expression, day_or = str(written["cron"]), truth(written.get("day_or", True), "day_or")
    try:
        parsed = cron.parse(expression, day_or=day_or)
    except cron.CronError as error:
        raise NoEqual(f"the cron {expression!r} can't be used: {error}") from error
    either: dict[str, Any] = {} if day_or else {"day_or": False}
    zone = _zone(written)
    if zone is not None:
        return [{"cron": expression, **either, "timezone": zone}]
    texts = _shifted(cron.ALIASES.get(expression.lower(), expression).split(), parsed, _fixed_hours(timezone, now))
    made = [{"cron": " ".join(text), **either} for text in texts]
    before = next_runs(_schedule("UTC", cron=expression, day_or=day_or), _COMPARED, now)
    after = sorted(
        moment
        for each in made
        for moment in next_runs(_schedule(timezone, cron=each["cron"], day_or=day_or), _COMPARED, now)
    )
    if before != after[: len(before)]:
        raise NoEqual(f"the cron {expression!r} is in UTC and can't be moved as it is: write it in local time")
    return made


def _shifted(fields: list[str], parsed: cron.Cron, hours: int) -> Iterator[list[str]]:
    """The fields so many hours later: one cron for the hours of each day that they come to lie in."""
    minute, _, day, month, weekday = fields
    by_day: dict[int, list[int]] = {}
    for hour in sorted(parsed.hours):
        days_later, moved = divmod(hour + hours, 24)
        by_day.setdefault(days_later, []).append(moved)
    if all(field in ("*", "?") for field in (day, month, weekday)):
        moved_hours = sorted(hour for each in by_day.values() for hour in each)
        yield [minute, "*" if len(moved_hours) == 24 else ",".join(map(str, moved_hours)), *fields[2:]]  # noqa: PLR2004
        return
    for days_later, of_day in by_day.items():
        if days_later and (day not in ("*", "?") or month != "*" or parsed.weekdays is None):
            raise NoEqual(f"the cron {' '.join(fields)!r} is in UTC, and some of its times are on another day here")
        moved_days = weekday
        if days_later and parsed.weekdays is not None:
            moved_days = ",".join(str(each) for each in sorted((each + days_later) % 7 for each in parsed.weekdays))
        yield [minute, ",".join(map(str, of_day)), day, month, moved_days]


def _fixed_hours(timezone: str, now: datetime) -> int:
    zone = ZoneInfo(timezone)
    offsets = {(now + timedelta(days=days)).astimezone(zone).utcoffset() for days in range(0, _DAYS_AHEAD, 5)}
    offset = offsets.pop() or timedelta()
    if offsets or offset % timedelta(hours=1):
        raise NoEqual(f"it has no time zone, so it is in UTC, and {timezone} is now more, now less away from that")
    return offset // timedelta(hours=1)


def _interval(written: Mapping[str, Any], timezone: str, now: datetime) -> list[dict[str, Any]]:
    given = written["interval"]
    try:
        length = TypeAdapter(timedelta).validate_python(given)
    except ValidationError as error:
        raise NoEqual(f"the interval {given!r} is no length of time") from error
    if length < timedelta(seconds=1) or length % timedelta(seconds=1):
        raise NoEqual(f"the interval {given!r} is no whole number of seconds")
    made: dict[str, Any] = {"interval": int(length.total_seconds())}
    zone = _zone(written)
    if zone is not None:
        made["timezone"] = zone
    elif length >= timedelta(days=1):
        _fixed_hours(timezone, now)  # days of the wall clock are those of UTC only where the clock never changes
    local = ZoneInfo(zone or timezone)
    anchor = written.get("anchor_date")
    if anchor is not None:
        try:
            moment = datetime.fromisoformat(str(anchor))
        except ValueError as error:
            raise NoEqual(f"the anchor_date {anchor!r} is no date and time") from error
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=local if zone else UTC)
        made["anchor_date"] = moment.astimezone(local).replace(tzinfo=None).isoformat()
    return [made]


def _rrule(written: Mapping[str, Any], timezone: str, now: datetime) -> list[dict[str, Any]]:
    del timezone, now
    given = dict(written)
    text = str(written["rrule"])
    if text.lstrip().startswith("{"):
        try:
            given = {**given, **json.loads(text)}
        except (json.JSONDecodeError, TypeError) as error:
            raise NoEqual(f"the rrule {text!r} can't be read") from error
    zone = _zone(given)
    if zone is None:
        raise NoEqual("the rrule has no time zone, so it is in UTC: write it in local time")
    return [{"rrule": str(given["rrule"]), "timezone": zone}]


def _zone(written: Mapping[str, Any]) -> str | None:
    """None for UTC, said or not. Raises NoEqual."""
    name = written.get("timezone")
    if name is None:
        return None
    try:
        return timezones.normalise(str(name))
    except timezones.TimezoneError as error:
        if "is UTC" in str(error):
            return None
        raise NoEqual(f"{error} ({error.hint})") from error


def _schedule(timezone: str, *, cron: str, day_or: bool) -> Schedule:
    return Schedule(slug="x", cron=cron, day_or=day_or, timezone=timezone, active=True, parameters={})
