"""Automations that are a deployment's triggers, as `prefect.yaml` has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from infra.adoption.server.rows import NoEqual, Row

MADE_BY_PREFECT: Final = "__automation_"
"""What `prefect deploy` puts between a deployment's name and a trigger's number."""
_DEFAULTS: Final[Mapping[str, Any]] = {"type": "event", "posture": "Reactive", "threshold": 1}


def is_trigger(row: Row, deployment: str) -> bool:
    """Whether it is one that `prefect deploy` made: other automations that run the deployment are their maker's."""
    name: str = row["name"]
    return name.removeprefix(f"{deployment}{MADE_BY_PREFECT}").isdecimal() and MADE_BY_PREFECT in name


def trigger(row: Row) -> dict[str, Any]:
    """Raises: NoEqual: somebody made more of it than a trigger is."""
    if len(row["actions"]) != 1 or row["actions_on_trigger"] or row["actions_on_resolve"]:
        raise NoEqual("it does more than running the deployment")
    run = row["actions"][0]
    made: dict[str, Any] = {"name": row["name"]}
    if row.get("description"):
        made["description"] = row["description"]
    if not row["enabled"]:
        made["enabled"] = False
    made |= _condition(row["trigger"])
    for key in ("parameters", "job_variables"):
        if run.get(key) is not None:
            made[key] = run[key]
    if run.get("schedule_after"):
        made["schedule_after"] = run["schedule_after"]
    return made


def _condition(given: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in given.items():
        if key == "id" or value is None or value in ({}, []) or _DEFAULTS.get(key) == value:
            continue
        made[key] = [_condition(inner) for inner in value] if key == "triggers" else value
    if not made.get("within"):
        made.pop("within", None)
    return made
