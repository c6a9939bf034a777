"""Schedules that were edited: the deployment's list as it is to be, what is written of the others kept as it is."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from infra.adoption.ui_edits.edits import Unsaid
from infra.adoption.ui_edits.moves import CONFLICT, moves
from infra.drift import ABSENT, Observed
from infra.model import Schedule, timezones
from infra.model.errors import KeyPath
from infra.model.recurrence import DEFAULT_ANCHOR

_RULES: Final = ("cron", "interval", "rrule")
_OF_A_RULE: Final = (*_RULES, "day_or", "anchor_date")
_DTSTART: Final = f"DTSTART:{DEFAULT_ANCHOR:%Y%m%dT%H%M%S}\n"


def schedules(
    each: Observed, written: Sequence[Any], made: Sequence[Schedule], timezone: str
) -> Iterator[tuple[KeyPath, Any]]:
    """One value, the whole list; and what of it can't be said. `written` and `made` are in the same order."""
    sides = [_by_slug(side) for side in (each.declared, each.state, each.server)]
    items = {schedule.slug: copy.deepcopy(item) for schedule, item in zip(made, written, strict=True)}
    before = copy.deepcopy(items)
    for slug, value in moves(*sides):
        declared, found = sides[0].get(slug), sides[2].get(slug)
        if value is CONFLICT:
            yield ("schedules", slug), CONFLICT
        elif found is None:
            del items[slug]
        elif (reason := _strange_zone(found["timezone"])) is not None:
            yield ("schedules", slug), Unsaid(reason)
        elif declared is None:
            items[slug] = _new(found, timezone)
        else:
            items[slug] = _changed(items[slug], slug, declared, found, timezone)
    if items != before:
        yield ("schedules",), list(items.values())


def _new(found: Mapping[str, Any], timezone: str) -> dict[str, Any]:
    made = _rule(found)
    if found["timezone"] != timezone:
        made["timezone"] = found["timezone"]
    made |= {"slug": found["slug"], "active": found.get("active", True)}
    if found.get("parameters"):
        made["parameters"] = found["parameters"]
    return made


def _changed(
    item: dict[str, Any], slug: str, declared: Mapping[str, Any], found: Mapping[str, Any], timezone: str
) -> dict[str, Any]:
    """The item with what was edited in it. It keeps its slug, and with it its id: said, where it came from the rule."""
    was, is_ = _rule(declared), _rule(found)
    if was != is_:
        kept = {key: value for key, value in item.items() if key not in _OF_A_RULE or key in is_}
        changed = {key: value for key, value in is_.items() if was.get(key, ABSENT) != value or key not in item}
        item = {**{key: kept.get(key) for key in is_ if key in _RULES}, **kept, **changed}
        item.setdefault("slug", slug)
    if declared["timezone"] != found["timezone"]:
        item["timezone"] = found["timezone"]
        if found["timezone"] == timezone:
            del item["timezone"]
    if declared.get("active", True) is not found.get("active", True):
        item["active"] = found.get("active", True)
    if (declared.get("parameters") or {}) != (found.get("parameters") or {}):
        item["parameters"] = found.get("parameters") or {}
        if not item["parameters"]:
            del item["parameters"]
    return item


def _rule(given: Mapping[str, Any]) -> dict[str, Any]:
    """As a file has it: local times, what goes without saying left out."""
    if given.get("cron") is not None:
        return {"cron": given["cron"], **({} if given.get("day_or", True) else {"day_or": False})}
    if given.get("rrule") is not None:
        return {"rrule": str(given["rrule"]).removeprefix(_DTSTART)}
    seconds = given["interval"]
    made: dict[str, Any] = {"interval": _interval(int(seconds)) if seconds == int(seconds) else seconds}
    if given.get("anchor_date"):
        moment = datetime.fromisoformat(str(given["anchor_date"])).astimezone(ZoneInfo(given["timezone"]))
        if (local := moment.replace(tzinfo=None)) != DEFAULT_ANCHOR:
            made["anchor_date"] = local.isoformat()
    return made


def _interval(seconds: int) -> str | int:
    """In the largest unit that leaves nothing over."""
    units = (("d", 86400), ("h", 3600), ("m", 60))
    return next((f"{seconds // size}{unit}" for unit, size in units if seconds % size == 0), seconds)


def _strange_zone(zone: str) -> str | None:
    try:
        known = timezones.normalise(zone)
    except timezones.TimezoneError as error:
        return f"{error} ({error.hint}): set it in the UI, or by `pulumi up`"
    return None if known == zone else f"its time zone is written {zone!r}, here it would be {known!r}"


def _by_slug(properties: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    return {str(item["slug"]): item for item in (properties or {}).get("schedules") or ()}
