"""A schedule of a server, as a stack file has it: at the very same times, known by the very same slug."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from infra.adoption.server.rows import NoEqual, Row
from infra.model import timezones
from infra.model.recurrence import DEFAULT_ANCHOR

UNNAMED: Final = "unnamed-"
"""What the provider calls a schedule without a slug, with the beginning of its id behind."""
_DTSTART: Final = f"DTSTART:{DEFAULT_ANCHOR:%Y%m%dT%H%M%S}\n"


def schedule(row: Row, timezone: str, *, active: bool) -> dict[str, Any]:
    """`timezone`: the stack's. `active`: whether schedules are unless they say otherwise.

    Raises:
        NoEqual: It is in UTC, or such as no stack has. It says why.

    """
    rule = row["schedule"]
    zone = rule.get("timezone") or "UTC"  # what the server takes a missing one for
    try:
        known = timezones.normalise(zone)
    except timezones.TimezoneError as error:
        raise NoEqual(f"{error}: no stack has schedules in it") from error
    if known != zone:
        raise NoEqual(f"its time zone is written {zone!r}, here it would be {known!r}: the same times, and a change")
    made = _rule(rule, zone)
    if zone != timezone:
        made["timezone"] = zone
    made["slug"] = row.get("slug") or f"{UNNAMED}{row['id'][:8]}"
    if row["active"] is not active:
        made["active"] = row["active"]
    if row.get("parameters"):
        made["parameters"] = row["parameters"]
    return made


def _rule(rule: Row, zone: str) -> dict[str, Any]:
    if rule.get("cron") is not None:
        return {"cron": rule["cron"], **({} if rule.get("day_or", True) else {"day_or": False})}
    if rule.get("rrule") is not None:
        return {"rrule": rule["rrule"].removeprefix(_DTSTART)}
    if rule.get("interval") is None:
        raise NoEqual("it is none of cron, interval and rrule")
    if rule["interval"] != int(rule["interval"]):
        raise NoEqual(f"its interval is {rule['interval']} seconds, which is no whole number")
    made: dict[str, Any] = {"interval": int(rule["interval"])}
    if rule.get("anchor_date"):
        moment = datetime.fromisoformat(rule["anchor_date"])
        local = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) if moment.tzinfo else moment
        if local != DEFAULT_ANCHOR:
            made["anchor_date"] = local.isoformat()
    return made
