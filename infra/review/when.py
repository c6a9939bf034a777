"""A schedule in words: `Mon to Fri at 07:00`. What is too odd for words stays as it is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from infra.model import Schedule
from infra.model.cron import LAST, Cron, CronError, parse
from infra.timeline.words import duration

_WEEKDAYS: Final = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_OF_RULES: Final = {"SU": 0, "MO": 1, "TU": 2, "WE": 3, "TH": 4, "FR": 5, "SA": 6}
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ORDINALS: Final = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", LAST: "last"}
_MOST_TIMES: Final = 6
"""That are told one by one."""
_HOURS, _MINUTES, _WEEK = 24, 60, 7


def words(schedule: Schedule) -> str:
    """When it fires, without its time zone."""
    if schedule.cron is not None:
        try:
            return _cron(parse(schedule.cron, day_or=schedule.day_or)) or f"by the cron {schedule.cron}"
        except CronError:
            return f"by the cron {schedule.cron}"
    if schedule.interval is not None:
        since = f", counted from {schedule.anchor_date[:16].replace('T', ' ')}" if schedule.anchor_date else ""
        return f"every {duration(schedule.interval)}{since}"
    return _rule(schedule.rrule or "")


def written(schedule: Schedule) -> str:
    """As the file has it, for those who read that sooner."""
    if schedule.cron is not None:
        return schedule.cron
    if schedule.interval is not None:
        return f"interval {duration(schedule.interval)}"
    return _without_start(schedule.rrule or "")


def _cron(cron: Cron) -> str | None:
    time, days = _time(sorted(cron.hours), sorted(cron.minutes)), _days(cron)
    if time is None or days is None:
        return None
    if not days and time.startswith("at "):
        return f"every day {time}"
    return " ".join(part for part in (days, time) if part)


def _time(hours: Sequence[int], minutes: Sequence[int]) -> str | None:
    times = [f"{hour:02}:{minute:02}" for hour in hours for minute in minutes]
    if len(times) <= _MOST_TIMES:
        return f"at {_listed(times)}"
    within = "" if len(hours) == _HOURS else f" from {times[0]} to {times[-1]}" if _step(hours) == 1 else None
    if within is None:
        step = _step(hours)
        if step is None or len(minutes) != 1:
            return None
        return f"every {step} hours from {times[0]} to {times[-1]}"
    if len(minutes) == _MINUTES:
        return f"every minute{within}"
    if len(minutes) == 1:
        return f"every hour{within}" if within else f"every hour at :{minutes[0]:02}"
    step = _step(minutes)
    if step is not None and len(minutes) * step == _MINUTES and minutes[0] < step:
        offset = "" if within or not minutes[0] else f" from :{minutes[0]:02} on"
        return f"every {step} minutes{within}{offset}"
    return f"each hour at {_listed([f':{minute:02}' for minute in minutes])}{within}" if len(minutes) <= 4 else None  # noqa: PLR2004  # more are no words


def _days(cron: Cron) -> str | None:
    """Empty for every day."""
    parts = []
    if cron.weekdays is not None and not cron.nth:
        parts.append(_weekdays(cron.weekdays))
    parts += [f"on the {_ORDINALS.get(n, str(n))} {_WEEKDAYS[weekday]} of the month" for weekday, n in sorted(cron.nth)]
    if cron.days is not None:
        parts.append(_days_of_month(cron.days))
    either = len(parts) > 1 and (cron.day_or or bool(cron.nth))
    if len(parts) > 1 and not either:
        return None
    told = " or ".join(parts)
    if len(cron.months) < len(_MONTHS):
        told = f"{told} in {_listed([_MONTHS[month - 1] for month in sorted(cron.months)])}".strip()
    return told


def _weekdays(days: Iterable[int]) -> str:
    found = sorted(day or _WEEK for day in days)  # a week begins on Monday
    if len(found) > 2 and _step(found) == 1:  # noqa: PLR2004  # two are as short without
        return f"{_WEEKDAYS[found[0]]} to {_WEEKDAYS[found[-1] % _WEEK]}"
    return _listed([_WEEKDAYS[day % _WEEK] for day in found])


def _days_of_month(days: Iterable[int]) -> str:
    numbers = [str(day) for day in sorted(days) if day != LAST]
    told = [f"day{'' if len(numbers) == 1 else 's'} {_listed(numbers)}"] if numbers else []
    return f"on {_listed([*told, *('the last day' for day in days if day == LAST)])} of the month"


def _rule(text: str) -> str:
    """Of a rule that says no more than days of the week and times; others stay as they are."""
    rule = _without_start(text)
    parts = dict(part.split("=", 1) for part in rule.split(";") if "=" in part)
    known = {"FREQ", "BYDAY", "BYHOUR", "BYMINUTE", "BYSECOND"}
    raw = f"by the rule {rule}"
    if set(parts) - known or parts.get("FREQ") not in ("DAILY", "WEEKLY") or "BYHOUR" not in parts:
        return raw
    try:
        hours = sorted(int(each) for each in parts["BYHOUR"].split(","))
        minutes = sorted(int(each) for each in parts.get("BYMINUTE", "0").split(","))
        days = [_OF_RULES[each] for each in parts["BYDAY"].split(",")] if "BYDAY" in parts else []
    except (KeyError, ValueError):
        return raw
    if parts["FREQ"] == "WEEKLY" and not days:
        return raw
    time = _time(hours, minutes)
    return raw if time is None else f"{_weekdays(days) if days else 'every day'} {time}"


def _without_start(rule: str) -> str:
    """The start is always written, and says something of few rules."""
    lines = [line.removeprefix("RRULE:") for line in rule.splitlines() if not line.startswith("DTSTART")]
    return " ".join(lines) or rule


def _step(numbers: Sequence[int]) -> int | None:
    steps = {later - earlier for earlier, later in pairwise(numbers)}
    return steps.pop() if len(steps) == 1 else None


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
