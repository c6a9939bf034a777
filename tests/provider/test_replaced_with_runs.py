"""Runs that wait at a deployment, queue or pool which is replaced: none of them is lost, and none runs twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

pytestmark = pytest.mark.server
AT = {"soon": timedelta(hours=3), "late": timedelta(hours=-1)}
SCHEDULE = {"slug": "a", "cron": "0 1 * * *", "timezone": "UTC"}


@pytest.fixture
async def base(engine: Any, unique: str) -> dict[str, Any]:
    """A pool, and a deployment of it that has a parameter."""
    pool = await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    return {
        "name": f"{unique}-d",
        "flow_name": f"{unique}-f",
        "entrypoint": "a.py:f",
        "work_pool_name": unique,
        "work_pool_id": pool.values["work_pool_id"],
        "schedules": [SCHEDULE],
    }


async def made(client: Any, deployment: str) -> dict[str, Any]:
    """Runs asked for by hand, to wait and overdue, and one that a worker has taken; by what they are for."""
    path, now, runs = f"deployments/{deployment}/create_flow_run", datetime.now(UTC), {}
    for name, ahead in AT.items():
        state = {"type": "SCHEDULED", "state_details": {"scheduled_time": (now + ahead).isoformat()}}
        body = {"name": name, "parameters": {"n": 7}, "tags": ["a mano"], "state": state}
        runs[name] = await client.post(path, body)
    runs["running"] = await client.post(path, {"name": "running"})
    running = {"state": {"type": "RUNNING"}, "force": True}
    await client.post(f"flow_runs/{runs['running']['id']}/set_state", running)
    await client.post(f"deployments/{deployment}/schedule", {"min_runs": 2})
    return runs


async def waiting(client: Any, pool: str) -> dict[str, Any]:
    """What the pool's workers are offered in the next hours, by name: those of schedules left out."""
    until = datetime.now(UTC) + timedelta(hours=6)
    body = {"scheduled_before": until.isoformat(), "limit": 200}
    offered = await client.post(f"work_pools/{pool}/get_scheduled_flow_runs", body)
    return {row["flow_run"]["name"]: row["flow_run"] for row in offered if not row["flow_run"]["auto_scheduled"]}


async def kept(client: Any, pool: str, runs: dict[str, Any], deployment: str) -> None:
    """That workers of `pool` find the waiting runs as they were, once each, and the running one goes on."""
    found = await waiting(client, pool)
    assert set(found) == set(AT)
    for name, run in found.items():
        for key in ("parameters", "tags", "next_scheduled_start_time"):
            assert run[key] == runs[name][key], key
        assert run["deployment_id"] == deployment
    everywhere = {"flow_runs": {"name": {"any_": list(AT)}}, "deployments": {"id": {"any_": [deployment]}}}
    rows = await client.find("flow_runs/filter", everywhere)
    assert sorted(row["name"] for row in rows) == sorted(AT)
    running = await client.get(f"flow_runs/{runs['running']['id']}")
    assert running["state"]["type"] == "RUNNING"


@pytest.mark.parametrize("field", ["name", "flow_name"])
async def test_a_replaced_deployments_waiting_runs_wait_at_its_successor(
    engine: Any, client: Any, base: dict[str, Any], field: str
) -> None:
    resource = await engine.up("Deployment", "d", base)
    before, runs = resource.id, await made(client, resource.id)

    await engine.up("Deployment", "d", {**base, field: f"{base[field]}-nuevo"})

    assert resource.steps == ["create", "delete"]
    assert resource.id != before
    await kept(client, base["work_pool_name"], runs, resource.id)
    # A run that has begun goes on as one of the deployment that is no more.
    assert (await client.get(f"flow_runs/{runs['running']['id']}"))["deployment_id"] == before


async def test_a_deployment_that_goes_for_good_takes_its_waiting_runs_along(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    resource = await engine.up("Deployment", "d", base)
    runs = await made(client, resource.id)

    await engine.destroy(resource)

    assert await waiting(client, base["work_pool_name"]) == {}
    assert (await client.get(f"flow_runs/{runs['running']['id']}"))["state"]["type"] == "RUNNING"


async def test_a_removed_schedule_takes_no_overdue_run_of_another_one_along(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    """The server does, when one is deleted."""
    hourly = {"slug": "cada-hora", "cron": "30 * * * *", "timezone": "UTC"}
    resource = await engine.up("Deployment", "d", {**base, "schedules": [SCHEDULE, hourly]})
    assert len(await overdue(client, resource.id)) == 2
    await engine.up("Deployment", "d", {**base, "schedules": [SCHEDULE]})

    rows = await client.find("flow_runs/filter", {"deployments": {"id": {"any_": [resource.id]}}})
    now, times = datetime.now(UTC), [datetime.fromisoformat(row["expected_start_time"]) for row in rows]
    assert {time.strftime("%H:%M") for time in times if time < now} == {"01:00"}


@pytest.mark.parametrize("change", ["name", "flow_name", "pool"])
async def test_a_schedules_overdue_run_is_offered_once_by_what_has_come_in_the_place_of_its_deployment_or_pool(
    engine: Any, client: Any, base: dict[str, Any], change: str
) -> None:
    resource = await engine.up("Deployment", "d", base)
    late = await overdue(client, resource.id)
    await client.post(f"deployments/{resource.id}/schedule", {"min_runs": 2})

    if change == "pool":
        pool = await engine.up("WorkPool", "p", {"name": base["work_pool_name"], "type": "docker"})
        await engine.up("Deployment", "d", {**base, "work_pool_id": pool.values["work_pool_id"]})
    else:
        await engine.up("Deployment", "d", {**base, change: f"{base[change]}-nuevo"})

    body = {"scheduled_before": (datetime.now(UTC) + timedelta(days=30)).isoformat(), "limit": 200}
    offered = await client.post(f"work_pools/{base['work_pool_name']}/get_scheduled_flow_runs", body)
    runs = [row["flow_run"] for row in offered]
    # Those to come are the scheduler's to make again.
    assert [(run["name"], run["next_scheduled_start_time"]) for run in runs] == list(late.items())
    assert {run["deployment_id"] for run in runs} == {resource.id}


async def overdue(client: Any, deployment: str) -> dict[str, str]:
    """Runs of each schedule that no worker has taken in time: their times by their names."""
    now = datetime.now(UTC)
    past = {"start_time": (now - timedelta(days=1)).isoformat(), "end_time": now.isoformat(), "min_runs": 1}
    await client.post(f"deployments/{deployment}/schedule", {**past, "max_runs": 1, "min_time": 0})
    rows = await client.find("flow_runs/filter", {"deployments": {"id": {"any_": [deployment]}}})
    return {row["name"]: row["next_scheduled_start_time"] for row in rows}


async def test_runs_that_wait_at_a_pool_of_another_type_are_found_in_the_new_one(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    resource = await engine.up("Deployment", "d", base)
    runs = await made(client, resource.id)

    pool = await engine.up("WorkPool", "p", {"name": base["work_pool_name"], "type": "docker"})
    assert pool.steps == ["delete", "create"]
    assert await waiting(client, base["work_pool_name"]) == {}  # until the deployment is attached again
    await engine.up("Deployment", "d", {**base, "work_pool_id": pool.values["work_pool_id"]})

    assert resource.steps == ["update work_pool_id"]
    await kept(client, base["work_pool_name"], runs, resource.id)


async def test_runs_that_wait_at_a_renamed_pool_are_found_in_the_new_one(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    """As the engine does it: the new pool, the deployment, and last the old pool's end."""
    resource = await engine.up("Deployment", "d", base)
    runs = await made(client, resource.id)
    old, name = engine.resources["prefect:index:WorkPool", "p"], f"{base['work_pool_name']}-n"

    new = await engine.up("WorkPool", "p2", {"name": name, "type": "process"})
    moved = {**base, "work_pool_name": name, "work_pool_id": new.values["work_pool_id"]}
    await engine.up("Deployment", "d", moved)
    assert set(await waiting(client, base["work_pool_name"])) == set(AT)  # its workers go on meanwhile
    await engine.destroy(old)

    await kept(client, name, runs, resource.id)


async def test_runs_that_wait_at_a_renamed_queue_are_found_in_the_new_one(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    where = {"work_pool_name": base["work_pool_name"]}
    await engine.up("WorkQueue", "q", {**where, "name": "urgente"})
    resource = await engine.up("Deployment", "d", {**base, "work_queue_name": "urgente"})
    runs = await made(client, resource.id)
    old = engine.resources["prefect:index:WorkQueue", "q"]

    await engine.up("WorkQueue", "q2", {**where, "name": "primero"})
    await engine.up("Deployment", "d", {**base, "work_queue_name": "primero"})
    await engine.destroy(old)

    await kept(client, base["work_pool_name"], runs, resource.id)
    assert {run["work_queue_name"] for run in (await waiting(client, base["work_pool_name"])).values()} == {"primero"}
