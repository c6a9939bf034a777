"""What a server has in a stack's areas, read in a few calls; and deleted, one by one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

from infra.cli.pulumi import Pulumi
from infra.drift.undeclared import Inventory, Undeclared, undeclared
from infra.model import Stack
from infra.provider.api import Api
from infra.provider.connection import Connection

DEADLINE_SECONDS: Final = 30.0
_T = TypeVar("_T")


def found(connection: Connection, stack: Stack, state: frozenset[str]) -> tuple[Undeclared, ...]:
    """What no file declares, each with its last run. Raises ProviderError."""
    return _with(connection, lambda api: _found(api, stack, state))


def delete(connection: Connection, which: Sequence[Undeclared]) -> None:
    """Raises ProviderError."""
    _with(connection, lambda api: _delete(api, which))


def ids_in_state(pulumi: Pulumi) -> frozenset[str]:
    """The UUIDs of all objects that Pulumi's state has; none where there is no state."""
    answer = pulumi.ask("stack", "export", "--stack", pulumi.stack)
    if answer.returncode != 0:
        return frozenset()
    resources = (json.loads(answer.stdout).get("deployment") or {}).get("resources") or ()
    outputs = (each.get("outputs") or {} for each in resources if str(each.get("type")).startswith("prefect:"))
    return frozenset(str(value) for each in outputs for key, value in each.items() if key.endswith("_id"))


def _with(connection: Connection, work: Callable[[Api], Awaitable[_T]]) -> _T:
    async def run() -> _T:
        api = Api(connection, deadline=DEADLINE_SECONDS)
        try:
            return await work(api)
        finally:
            await api.close()

    return asyncio.run(run())


async def _found(api: Api, stack: Stack, state: frozenset[str]) -> tuple[Undeclared, ...]:
    ours = [area.pool.name for area in stack.areas]
    pools, deployments = await asyncio.gather(api.find("work_pools/filter", {}), api.find("deployments/filter", {}))
    there = [row["name"] for row in pools if row["name"] in ours]
    queues = await asyncio.gather(*(api.find(f"work_pools/{name}/queues/filter", {}) for name in there))
    flows = await api.find("flows/filter", {}) if deployments else []
    inventory = Inventory(
        pools=pools,
        deployments=deployments,
        queues=dict(zip(there, queues, strict=True)),
        flows={str(row["id"]): str(row["name"]) for row in flows},
        state=state,
    )
    listed = undeclared(stack, inventory)
    last = await asyncio.gather(*(_last_run(api, each) for each in listed))
    return tuple(each.with_last_run(at) for each, at in zip(listed, last, strict=True))


async def _last_run(api: Api, each: Undeclared) -> str | None:
    """When its last run began."""
    filters: dict[str, Any] = {"flow_runs": {"start_time": {"is_null_": False}}}
    match each.kind:
        case "deployment":
            filters["deployments"] = {"id": {"any_": [each.id]}}
        case "work pool":
            filters["work_pools"] = {"id": {"any_": [each.id]}}
        case "queue":
            filters["work_pool_queues"] = {"id": {"any_": [each.id]}}
    rows = await api.post("flow_runs/filter", {**filters, "sort": "START_TIME_DESC", "limit": 1})
    return str(rows[0]["start_time"]) if rows else None


async def _delete(api: Api, which: Sequence[Undeclared]) -> None:
    """Deployments first: a pool that goes leaves its deployments without one."""
    for each in sorted(which, key=lambda one: ("deployment", "queue", "work pool").index(one.kind)):
        match each.kind:
            case "deployment":
                await api.delete(f"automations/owned-by/prefect.deployment.{each.id}")
                await api.delete(f"deployments/{each.id}")
            case "queue":
                pool, _, queue = each.name.partition("/")
                await api.delete(f"work_pools/{pool}/queues/{queue}")
            case "work pool":
                await api.delete(f"work_pools/{each.name}")
