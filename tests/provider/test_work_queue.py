"""Whose a queue is: what is taken over, and what is refused, against a real server."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

pytestmark = pytest.mark.server


@pytest.fixture
async def pool(engine: Any, unique: str) -> str:
    return str((await engine.up("WorkPool", "p", {"name": unique, "type": "process"})).id)


@pytest.fixture
def declared(pool: str) -> dict[str, Any]:
    return {"work_pool_name": pool, "name": "urgente", "concurrency_limit": 2, "description": "x"}


async def queue(client: Any, pool: str, name: str = "urgente") -> Any:
    return await client.get(f"work_pools/{pool}/queues/{name}")


async def test_a_queue_made_in_the_ui_is_refused_with_what_it_has_and_both_ways_out(
    engine: Any, client: Any, pool: str, declared: dict[str, Any]
) -> None:
    theirs = {"name": "urgente", "concurrency_limit": 7, "description": "de otro", "is_paused": True}
    before = await client.post(f"work_pools/{pool}/queues", theirs)
    engine.forget_calls()

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await engine.up("WorkQueue", "q", declared)

    told = refused.value.details()
    assert refused.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert f"work queue 'urgente' of the pool {pool!r} exists already" in told
    assert "it has concurrency_limit 7, description 'de otro', is_paused True" in told
    assert f"`pulumi import prefect:index:WorkQueue NAME {pool}/urgente`" in told
    assert "`adopt: true`" in told
    assert [method for method, _ in engine.transport.writes] == ["POST"]
    assert (await queue(client, pool))["updated"] == before["updated"]


async def test_with_adopt_it_is_overwritten_and_stays_the_same_queue(
    engine: Any, client: Any, pool: str, declared: dict[str, Any]
) -> None:
    theirs = await client.post(f"work_pools/{pool}/queues", {"name": "urgente", "concurrency_limit": 7, "priority": 4})

    adopted = await engine.up("WorkQueue", "q", {**declared, "priority": 1, "adopt": True})

    row = await queue(client, pool)
    assert (adopted.values["work_queue_id"], row["id"]) == (theirs["id"], theirs["id"])
    assert (row["concurrency_limit"], row["description"], row["priority"]) == (2, "x", 1)
    assert await engine.refresh(adopted) == []
    assert (await engine.up("WorkQueue", "q", {**declared, "priority": 1})).steps == ["same"]


async def test_taking_over_leaves_to_people_what_is_theirs(engine: Any, client: Any, pool: str) -> None:
    await client.post(f"work_pools/{pool}/queues", {"name": "urgente", "concurrency_limit": 7, "is_paused": True})
    inputs = {"work_pool_name": pool, "name": "urgente", "description": "x", "adopt": True}

    await engine.up("WorkQueue", "q", {**inputs, "owners": {"is_paused": "ui"}})

    row = await queue(client, pool)
    assert (row["is_paused"], row["concurrency_limit"], row["description"]) == (True, None, "x")


async def test_an_imported_queue_is_the_same_at_the_next_up(engine: Any, client: Any, pool: str) -> None:
    await client.post(f"work_pools/{pool}/queues", {"name": "urgente", "concurrency_limit": 7})

    imported = await engine.import_("WorkQueue", "q", f"{pool}/urgente")

    inputs = {"work_pool_name": pool, "name": "urgente", "concurrency_limit": 7}
    assert imported.id == f"{pool}/urgente"
    assert (await engine.up("WorkQueue", "q", {**inputs, "priority": 2})).steps == ["same"]
    assert (await engine.up("WorkQueue", "q", {**inputs, "priority": 2, "concurrency_limit": 3})).steps != ["same"]
    assert (await queue(client, pool))["concurrency_limit"] == 3


async def test_a_queue_that_a_killed_up_left_behind_is_found_again_without_a_write(
    engine: Any, pool: str, declared: dict[str, Any]
) -> None:
    inputs = {**declared, "priority": 1, "is_paused": True}
    first = (await engine.up("WorkQueue", "q", inputs)).values["work_queue_id"]
    engine.resources.clear()
    engine.forget_calls()

    again = await engine.up("WorkQueue", "q", inputs)

    assert again.values["work_queue_id"] == first
    assert [method for method, _ in engine.transport.writes] == ["POST"]  # which the server answers with 409


async def test_a_queue_as_it_stands_is_taken_over_by_declaring_it_so(engine: Any, client: Any, pool: str) -> None:
    theirs = await client.post(f"work_pools/{pool}/queues", {"name": "urgente", "concurrency_limit": 7})
    inputs = {"work_pool_name": pool, "name": "urgente", "concurrency_limit": 7}

    taken = await engine.up("WorkQueue", "q", inputs)
    assert taken.values["work_queue_id"] == theirs["id"]

    await engine.up("WorkQueue", "q", {**inputs, "concurrency_limit": 1})
    assert (await queue(client, pool))["concurrency_limit"] == 1


async def test_anothers_priority_is_not_overwritten_either(engine: Any, client: Any, pool: str) -> None:
    await client.post(f"work_pools/{pool}/queues", {"name": "urgente", "priority": 5})

    with pytest.raises(grpc.aio.AioRpcError, match=r"it has priority 5 .*`adopt: true`"):
        await engine.up("WorkQueue", "q", {"work_pool_name": pool, "name": "urgente", "priority": 1})


async def test_the_default_queue_is_taken_over_whatever_became_of_it(engine: Any, client: Any, pool: str) -> None:
    await client.patch(f"work_pools/{pool}/queues/default", {"concurrency_limit": 9, "description": "UI"})

    taken = await engine.up("WorkQueue", "q", {"work_pool_name": pool, "name": "default", "concurrency_limit": 2})

    row = await queue(client, pool, "default")
    assert (row["concurrency_limit"], row["description"]) == (2, "")
    assert await engine.refresh(taken) == []


async def test_a_queue_that_the_server_made_for_a_deployment_is_taken_over(
    engine: Any, client: Any, pool: str, declared: dict[str, Any]
) -> None:
    deployment = {"name": pool, "flow_name": pool, "entrypoint": "a.py:f", "work_pool_name": pool}
    await engine.up("Deployment", "d", {**deployment, "work_queue_name": "urgente"})
    made = await queue(client, pool)

    taken = await engine.up("WorkQueue", "q", {**declared, "priority": 1})

    row = await queue(client, pool)
    assert taken.values["work_queue_id"] == row["id"] == made["id"]
    assert (row["priority"], row["concurrency_limit"], row["description"]) == (1, 2, "x")


async def test_a_queue_for_a_deployment_that_somebody_has_worked_on_is_theirs(
    engine: Any, client: Any, pool: str, declared: dict[str, Any]
) -> None:
    deployment = {"name": pool, "flow_name": pool, "entrypoint": "a.py:f", "work_pool_name": pool}
    await engine.up("Deployment", "d", {**deployment, "work_queue_name": "urgente"})
    await client.patch(f"work_pools/{pool}/queues/urgente", {"concurrency_limit": 5})

    with pytest.raises(grpc.aio.AioRpcError, match="concurrency_limit 5"):
        await engine.up("WorkQueue", "q", declared)


async def test_a_queue_deleted_in_the_ui_comes_back(
    engine: Any, client: Any, pool: str, declared: dict[str, Any]
) -> None:
    made = await engine.up("WorkQueue", "q", declared)
    await client.delete(f"work_pools/{pool}/queues/urgente")

    assert await engine.refresh(made) == ["gone"]
    assert (await engine.up("WorkQueue", "q", declared)).steps == ["create"]
    assert (await queue(client, pool))["concurrency_limit"] == 2
