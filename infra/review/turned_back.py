"""The declaration as it was at the last `up`, from a plan's old inputs: for want of a base revision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from infra.model import Area, Deployment, Schedule, Stack
from infra.review.plan import Plan

_POOL, _DEPLOYMENT = "prefect:index:WorkPool", "prefect:index:Deployment"


def turned_back(stack: Stack, plan: Plan) -> Stack:
    """The stack with the plan's changes of deployments and limits of pools taken back.

    Areas that the plan makes anew are left out; one that it removes can't be told in full, and is not there either,
    unless its deployments live on under another name.
    """
    old = {str(step.inputs.get("name")): step.old for step in plan.of_type(_DEPLOYMENT)}
    pools = {str(step.inputs.get("name")): step.old for step in plan.of_type(_POOL)}
    areas = [_area(area, old, pools, stack.environment) for area in stack.areas]
    return stack.model_copy(update={"areas": tuple(area for area in areas if area is not None)})


def _area(
    area: Area,
    deployments: Mapping[str, Mapping[str, Any] | None],
    pools: Mapping[str, Mapping[str, Any] | None],
    environment: str,
) -> Area | None:
    pool, name = area.pool, area.name
    if pool.name in pools:
        was = pools[pool.name] or _former(area, deployments, pools)
        if was is None:
            return None
        former = str(was.get("name", pool.name))
        pool = pool.model_copy(update={"name": former, "concurrency_limit": was.get("concurrency_limit")})
        name = former.removesuffix(f"-{environment}")
    made = []
    for each in area.deployments:
        inputs = deployments.get(each.name)
        if each.name not in deployments:
            made.append(each)
        elif inputs is not None:
            made.append(_deployment(each, inputs, environment))
    return area.model_copy(update={"name": name, "pool": pool, "deployments": tuple(made)})


def _former(
    area: Area, deployments: Mapping[str, Mapping[str, Any] | None], pools: Mapping[str, Mapping[str, Any] | None]
) -> Mapping[str, Any] | None:
    """The pool that the area's deployments come from, when that goes: then the area was renamed."""
    names = {str(old.get("work_pool_name")) for each in area.deployments if (old := deployments.get(each.name))}
    return pools.get(names.pop()) if len(names) == 1 else None


def _deployment(deployment: Deployment, inputs: Mapping[str, Any], environment: str) -> Deployment:
    pool = str(inputs.get("work_pool_name") or deployment.pool_name)
    update = {
        "area": pool.removesuffix(f"-{environment}"),
        "pool_name": pool,
        "schedules": tuple(made for row in inputs.get("schedules") or () if (made := _schedule(row)) is not None),
        "paused": bool(inputs.get("paused", False)),
        "concurrency_limit": inputs.get("concurrency_limit"),
        "work_queue_name": inputs.get("work_queue_name") or "default",
    }
    return deployment.model_copy(update=update)


def _schedule(row: Mapping[str, Any]) -> Schedule | None:
    keys = {key: value for key, value in row.items() if key in Schedule.model_fields}
    if isinstance(keys.get("interval"), float):
        keys["interval"] = round(keys["interval"])
    try:
        return Schedule(**{"active": True, "parameters": {}, **keys})
    except (ValidationError, TypeError):
        return None  # of another version of the provider
