"""What an `up` would change of a deployment: the declared one beside the server's row, key by key.

The program declares what the model makes of a file, and the provider compares that with the server. Whatever differs
here would show in the next preview.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from infra.adoption.server.rows import Row
from infra.adoption.server.schedules import UNNAMED
from infra.model import Deployment, Schedule


def unequal(declared: Deployment, row: Row, flow_name: str) -> Iterator[tuple[str, object, object]]:
    """The key, what the server has, and what the file comes to."""
    limit = row.get("global_concurrency_limit")
    options = (row.get("concurrency_options") or {}) if limit else {}
    pairs: dict[str, tuple[object, object]] = {
        "flow_name": (flow_name, declared.flow_name),
        "entrypoint": (row["entrypoint"], declared.entrypoint),
        "description": (row.get("description"), declared.description),
        "version": (row.get("version"), declared.version),
        "tags": (list(row.get("tags") or ()), list(declared.tags)),
        "parameters": (row.get("parameters") or {}, declared.parameters),
        "paused": (bool(row.get("paused")), declared.paused),
        "concurrency_limit": (limit["limit"] if limit else None, declared.concurrency_limit),
        "collision_strategy": (
            options.get("collision_strategy", "ENQUEUE"),
            declared.collision_strategy or "ENQUEUE",
        ),
        "grace_period_seconds": (options.get("grace_period_seconds"), declared.grace_period_seconds),
        "work_pool": (row.get("work_pool_name"), declared.pool_name),
        "work_queue_name": (row.get("work_queue_name") or "default", declared.work_queue_name),
        "job_variables": (row.get("job_variables") or {}, declared.job_variables),
        "pull": (list(row.get("pull_steps") or ()), list(declared.pull or ())),
        "enforce_parameter_schema": (_enforces(row), declared.enforce_parameter_schema),
    }
    if not declared.on_trust:
        pairs["its flow's parameters"] = (row.get("parameter_openapi_schema"), declared.parameter_schema)
    for key, (theirs, ours) in pairs.items():
        if theirs != ours:
            yield key, theirs, ours
    yield from _schedules(declared, row)


def _enforces(row: Row) -> bool:
    return True if row.get("parameter_openapi_schema") is None else bool(row.get("enforce_parameter_schema"))


def _schedules(declared: Deployment, row: Row) -> Iterator[tuple[str, object, object]]:
    theirs = {each.get("slug") or f"{UNNAMED}{each['id'][:8]}": _of_row(each) for each in row.get("schedules") or ()}
    ours = {each.slug: _of_model(each) for each in declared.schedules}
    for slug in sorted(theirs.keys() | ours.keys()):
        if theirs.get(slug) != ours.get(slug):
            yield f"schedule {slug}", theirs.get(slug), ours.get(slug)


def _of_row(row: Row) -> dict[str, Any]:
    rule = row["schedule"]
    return {
        "cron": rule.get("cron"),
        "interval": rule.get("interval"),
        "rrule": rule.get("rrule"),
        "day_or": rule.get("day_or", True),
        "timezone": rule.get("timezone") or "UTC",
        "anchor_date": _moment(rule.get("anchor_date")),
        "active": row["active"],
        "parameters": row.get("parameters") or {},
    }


def _of_model(schedule: Schedule) -> dict[str, Any]:
    kept = schedule.model_dump(exclude={"slug", "anchor_date"})
    return {**kept, "anchor_date": _moment(schedule.anchor_date)}


def _moment(text: str | None) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None
