"""Runs that wait for a worker while what they wait at is replaced: made again where their deployment is now.

A run holds on to its deployment and its queue by their ids, and no call of the API moves it. The server deletes a
deployment's waiting runs with it, and leaves those of a queue that goes without one: no worker finds them any more.
Which runs are lost is looked at afterwards, so that none runs twice: what a worker has taken meanwhile is not waiting.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from infra.provider.api import Api
from infra.provider.kinds.kind import owned
from infra.provider.listing import Row


async def of_deployment(api: Api, deployment_id: str) -> list[Row]:
    """All but those that the deployment's schedules will make again."""
    now = datetime.now(UTC)
    rows = await _waiting(api, {"deployments": {"id": {"any_": [deployment_id]}}})
    return [row for row in rows if not row["auto_scheduled"] or datetime.fromisoformat(_due(row)) <= now]


async def of_other_schedules(api: Api, deployment_id: str, schedule_id: str) -> list[Row]:
    """Overdue runs that other schedules of the deployment made."""
    rows = await of_deployment(api, deployment_id)
    return [row for row in rows if row["auto_scheduled"] and (row["created_by"] or {}).get("id") != schedule_id]


async def of_pool(api: Api, pool: str) -> list[Row]:
    return await _waiting(api, {"work_pools": {"name": {"any_": [pool]}}})


async def of_queue(api: Api, queue_id: str) -> list[Row]:
    return await _waiting(api, {"work_pool_queues": {"id": {"any_": [queue_id]}}})


async def of_no_queue(api: Api, former: str, owner: str) -> list[Row]:
    """Runs that a queue of this name has left without one when it went, of deployments that are the stack's."""
    rows = await _waiting(api, {}, work_queue_name={"any_": [former]})
    left = [row for row in rows if row["work_queue_id"] is None and row["deployment_id"] is not None]
    deployments = {id_: await api.get_or_none(f"deployments/{id_}") for id_ in {row["deployment_id"] for row in left}}
    return [row for row in left if owned((deployments[row["deployment_id"]] or {}).get("labels"), owner)]


async def follow(api: Api, rows: Iterable[Row], successor: str) -> None:
    """Make those of `rows` again that are gone, for the deployment in the place of theirs."""
    for row in rows:
        if await api.get_or_none(f"flow_runs/{row['id']}") is None:
            await _again(api, row, successor)


async def find_a_queue(api: Api, deployments: Iterable[str]) -> None:
    """Make those runs of the deployments again that are without a queue, where the deployment has one."""
    for id_ in sorted(set(deployments)):
        stranded = [row for row in await of_deployment(api, id_) if row["work_queue_id"] is None]
        deployment = await api.get_or_none(f"deployments/{id_}") if stranded else None
        if deployment is None or deployment["work_queue_id"] is None:
            continue
        for row in stranded:
            await _again(api, row, id_)
            await api.delete(f"flow_runs/{row['id']}")  # no worker can have taken it


async def _waiting(api: Api, where: Mapping[str, Any], **runs: Any) -> list[Row]:
    """Of objects `where` that is so, runs that are so."""
    scheduled = {"state": {"type": {"any_": ["SCHEDULED"]}}, **runs}
    rows = await api.find("flow_runs/filter", {**where, "flow_runs": scheduled})
    # One that has begun before goes on by itself; one that waits for a slot, the server leaves as it is.
    return [row for row in rows if not row["run_count"] and row["state"]["name"] != "AwaitingConcurrencySlot"]


async def _again(api: Api, row: Row, deployment_id: str) -> None:
    """The key makes one of two calls: the one before may have been killed, or its answer lost."""
    kept = ("name", "parameters", "tags", "context", "empirical_policy", "job_variables", "parent_task_run_id")
    body = {
        **{key: row[key] for key in kept if row.get(key) is not None},
        "state": {"type": "SCHEDULED", "state_details": {"scheduled_time": _due(row)}},
        "idempotency_key": f"again {row['id']}",
        "enforce_parameter_schema": False,  # it was let in when it was made
    }
    await api.post(f"deployments/{deployment_id}/create_flow_run", body)


def _due(row: Row) -> str:
    return str(row["next_scheduled_start_time"] or row["expected_start_time"])
