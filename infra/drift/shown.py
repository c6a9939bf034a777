"""Values as a report shows them: short, the same each time, and never a secret."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from infra.credential_forms import is_secret_key
from infra.drift.differences import Field
from infra.drift.observation import ABSENT, Path, is_secret
from infra.model import credentials

NOTHING: Final = "none"
LATER: Final = "(known after up)"
_LONGEST: Final = 120
_UNKNOWN: Final = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""What Pulumi writes in place of a value that is known once something else was made."""


def sides(field: Field) -> dict[str, Any]:
    """What is declared, known and found, without secrets: where one of them has one, none is shown."""
    values = _veiled({"declared": field.declared, "state": field.state, "server": field.server})
    return {side: None if value is ABSENT else blind(value, field.path) for side, value in values.items()}


def _veiled(values: Mapping[str, Any]) -> dict[str, Any]:
    """What else is in an object beside a secret stays to be seen, by keys that it has on any side."""
    there = {side: value for side, value in values.items() if value is not ABSENT}
    if not is_secret(*there.values()):
        return dict(values)
    if not all(isinstance(value, Mapping) for value in there.values()):
        return {side: ABSENT if value is ABSENT else credentials.MASK for side, value in values.items()}
    made: dict[str, Any] = {side: {} if side in there else ABSENT for side in values}
    for key in dict.fromkeys(key for value in there.values() for key in value):
        of_key = _veiled({side: value.get(key, ABSENT) for side, value in there.items()})
        for side, value in of_key.items():
            if value is not ABSENT:
                made[side][key] = value
    return made


def blind(value: Any, path: Path = ()) -> Any:
    """The value without what has the form of a credential, or stands under a key that speaks of one."""
    match value:
        case Mapping():
            return {str(key): blind(inner, (*path, str(key))) for key, inner in value.items()}
        case list() | tuple():
            return [blind(inner, path) for inner in value]
        case str() if value in _UNKNOWN:
            return LATER
        case str() if path and is_secret_key(str(path[-1])) and not value.startswith("{{"):
            return credentials.MASK
        case str():
            name, equals, _ = value.partition("=")  # an environment variable, as the engine has it
            if equals and is_secret_key(name):
                return f"{name}={credentials.MASK}"
            return credentials.masked(value)
    return value


def text(value: Any) -> str:
    """In one line."""
    match value:
        case None:
            return NOTHING
        case str():
            made = value if value and value == value.strip() and "\n" not in value else json.dumps(value)
        case Mapping() if {"slug", "timezone"} <= value.keys():
            made = schedule(value)
        case _:
            made = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return made if len(made) <= _LONGEST else f"{made[: _LONGEST - 1]}…"


def schedule(value: Mapping[str, Any]) -> str:
    rule = next(f"{kind} {value[kind]}" for kind in ("cron", "interval", "rrule", "slug") if value.get(kind))
    state = "" if value.get("active", True) else ", inactive"
    given = value.get("parameters")
    parameters = f", parameters {json.dumps(given, ensure_ascii=False, sort_keys=True)}" if given else ""
    return f"{rule}, {value['timezone']}{state}{parameters}"


def moment(time: str, zone: str) -> str:
    """Local, to the minute."""
    return f"{datetime.fromisoformat(time).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
