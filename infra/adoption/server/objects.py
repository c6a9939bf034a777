"""Pools, queues, variables and limits of a server, as a stack declares them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from infra.adoption.naming import deployment_name, function_name
from infra.adoption.server.rows import NoEqual, Row
from infra.model.declared import AREA_NAME

DEFAULT_QUEUE: Final = "default"
_AS_MADE: Final = {"priority": 1, "concurrency_limit": None, "is_paused": False}
_MADE_DESCRIPTIONS: Final = ("The work pool's default queue.", "", None)
_WORKER_TYPES: Final = ("process", "docker")
_RESERVED_LIMITS: Final = ("deployment:", "tag:")


def area(row: Row, queue_rows: Iterable[Row], name: str, environment: str) -> dict[str, Any]:
    """An area that has the pool. Raises: NoEqual: no area can have one of this kind."""
    if row["type"] not in _WORKER_TYPES:
        raise NoEqual(f"its type is {row['type']!r}: areas have work pools of {' and '.join(_WORKER_TYPES)}")
    made: dict[str, Any] = {}
    if row["name"] != f"{name}-{environment}":
        made["work_pool_name"] = row["name"]
    if row.get("description"):
        made["description"] = row["description"]
    if row.get("concurrency_limit") is not None:
        made["concurrency_limit"] = row["concurrency_limit"]
    if row.get("is_paused"):
        made["paused"] = True
    made["workers"] = {"type": row["type"]}
    if declared := queues(queue_rows):
        made["queues"] = declared
    return made


def area_name(pool: str, environment: str) -> str:
    """What an area of the pool would be called: the name without the environment, if that is how it is made up."""
    name = pool.removesuffix(f"-{environment}")
    if re.fullmatch(AREA_NAME, name):
        return name
    return function_name(deployment_name(name, "area").replace("-", "_"))


def queues(rows: Iterable[Row]) -> dict[str, dict[str, Any]]:
    """The most urgent first. `default`, which every pool has, only if somebody changed it."""
    made: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda each: (each["priority"], each["name"])):
        untouched = all(row.get(key) == value for key, value in _AS_MADE.items())
        if row["name"] == DEFAULT_QUEUE and untouched and row.get("description") in _MADE_DESCRIPTIONS:
            continue
        queue: dict[str, Any] = {"priority": row["priority"]}
        if row.get("concurrency_limit") is not None:
            queue["concurrency_limit"] = row["concurrency_limit"]
        if row.get("description") and (row["name"], row["description"]) != (DEFAULT_QUEUE, _MADE_DESCRIPTIONS[0]):
            queue["description"] = row["description"]
        if row.get("is_paused"):
            queue["paused"] = True
        made[row["name"]] = queue
    return made


def variable(row: Row) -> dict[str, Any]:
    made = {"value": row["value"]}
    return {**made, "tags": list(row["tags"])} if row.get("tags") else made


def is_shared_limit(row: Row) -> bool:
    """Whether a global limit is one of its own: those of deployments and tags are among them, too."""
    return not row["name"].startswith(_RESERVED_LIMITS)


def global_concurrency_limit(row: Row) -> int | dict[str, Any]:
    more: Mapping[str, Any] = {
        **({} if row.get("active", True) else {"active": False}),
        **({"slot_decay_per_second": row["slot_decay_per_second"]} if row.get("slot_decay_per_second") else {}),
    }
    limit: int = row["limit"]
    return {"limit": limit, **more} if more else limit
