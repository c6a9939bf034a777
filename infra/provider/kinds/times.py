"""What the server takes for a cron expression, an RRULE, a time zone: judged by the libraries that it uses itself.

It refuses the others with a text that repeats the whole request, when the deployment is being made. A test has each
value judged by a real server as well.
"""

from __future__ import annotations

import importlib.util
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from infra.provider.nearness import near

FIELDS: Final = ("minute", "hour", "day of month", "month", "day of week", "second", "year")
UNIX_FIELDS: Final = 5
RANDOM: Final = frozenset({"h", "r"})
CRON_EXAMPLE: Final = "`30 1,13,17 * * *`"
RRULE_EXAMPLE: Final = "`FREQ=WEEKLY;BYDAY=MO`"
ZONE_EXAMPLE: Final = "America/Argentina/Buenos_Aires"
LONGEST_RRULE: Final = 6500
_ANCHOR: Final = len("DTSTART:20200101T000000\n")  # what the server writes before a rule that has none
SHOWN: Final = 80  # characters of a rule that has more
_NO_PLACES: Final = re.compile(r"(posix|right)/.*|posixrules|localtime")
"""What the machine's time zones have beside those that have a name everywhere."""


def wrong_cron(text: str) -> str | None:
    """Why the server would refuse it, and what would be right; None where it takes it."""
    croniter = _croniter()
    if croniter is None or _valid(croniter, text):
        return None
    fields = text.split()
    if text.startswith("@"):
        return f"there is no {text!r}: @hourly, @daily, @weekly, @monthly and @yearly, or five fields: {CRON_EXAMPLE}"
    if not UNIX_FIELDS <= len(fields) <= len(FIELDS):
        named = ", ".join(FIELDS[:UNIX_FIELDS])
        return f"a cron expression has five fields ({named}), got {len(fields)}: one is {CRON_EXAMPLE}"
    told = [
        f"the {FIELDS[n]} is {field!r}, which is none"
        for n, field in enumerate(fields)
        if not _valid(croniter, " ".join([*"*" * n, field, *"*" * (len(fields) - n - 1)]))
    ]
    return f"{'; '.join(told) or f'{text!r} is no cron expression'}: one is {CRON_EXAMPLE}"


def _valid(croniter: Any, text: str) -> bool:
    try:
        # croniter could choose a time by itself; the server doesn't let it.
        return bool(croniter.is_valid(text)) and not any(field.casefold() in RANDOM for field in text.split())
    except Exception:  # noqa: BLE001  # what it stumbles over is an answer of 500 of the server
        return False


@cache
def _croniter() -> Any:
    """Prefect's own copy of it, by its file: to import Prefect takes two seconds. None: this Prefect has none."""
    prefect = importlib.util.find_spec("prefect")
    for folder in (prefect and prefect.submodule_search_locations) or ():
        spec = importlib.util.spec_from_file_location("_croniter", f"{folder}/_vendor/croniter/croniter.py")
        if spec is not None and spec.loader is not None:
            module = importlib.util.module_from_spec(spec)
            try:
                spec.loader.exec_module(module)
            except OSError:
                return None
            return module.croniter
    return None


def wrong_rrule(text: str) -> str | None:
    """As above. That the rule makes no runs is no reason: the server takes such rules, too."""
    from dateutil.rrule import rrulestr  # noqa: PLC0415  # few calls of the plugin have a use for it

    most = LONGEST_RRULE - (0 if "DTSTART" in text.upper() else _ANCHOR)
    if len(text) > most:
        return f"the server takes {most} characters of such a rule, got {len(text)}: say it in several schedules"
    try:
        rrulestr(text)
    except Exception as error:  # noqa: BLE001  # likewise
        told = str(error) if isinstance(error, ValueError) else "without FREQ, or with a value that can't be read"
        return f"{text[:SHOWN]!r} is no RFC 5545 rule ({told}): one is {RRULE_EXAMPLE}"
    for step in re.findall(r"INTERVAL=([+-]?\d+)", text.upper()):
        if int(step) < 1:  # the server's scheduler would look for the next time for ever
            return f"the INTERVAL is {step}, and must be 1 or more: one is `FREQ=DAILY;INTERVAL=2`"
    return None


def wrong_zone(name: str) -> str | None:
    """As above."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones, such as America
        close = near(name, available_timezones())
        hint = close if close.startswith("did you mean") else f"one is {ZONE_EXAMPLE}"
        return f"there is no time zone {name!r}: {hint}"
    if _NO_PLACES.fullmatch(name):
        return f"the server knows no time zone {name!r}: one is {ZONE_EXAMPLE}"
    return None


def wrong_interval(seconds: float) -> str | None:
    """As above."""
    try:
        if timedelta(seconds=seconds) > timedelta(0):
            return None
    except OverflowError:
        return "is more than the server can count: expected seconds, such as 3600 for an hour"
    return "is less than the server can count: expected seconds, such as 3600 for an hour"


def moment(text: str, zone: str) -> str:
    """A moment without an offset is local to the zone; the form is the same whoever wrote it.

    Raises: ValueError: it is none.
    """
    try:
        given = datetime.fromisoformat(text)
        if given.tzinfo is None:
            given = given.replace(tzinfo=ZoneInfo(zone))
        return given.astimezone(UTC).isoformat()
    except (ValueError, OverflowError) as error:
        raise ValueError(f"expected a date and a time, such as 2026-01-01T08:00:00, got {text!r}") from error
