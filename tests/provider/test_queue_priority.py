"""A queue's priority: declared it is the stack's, left out it is the server's, which always has one."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.server


@pytest.fixture
async def base(engine: Any, unique: str) -> dict[str, Any]:
    await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    return {"name": "q", "work_pool_name": unique}


async def priority(client: Any, base: dict[str, Any], name: str = "q") -> int:
    return int((await client.get(f"work_pools/{base['work_pool_name']}/queues/{name}"))["priority"])


async def test_left_out_it_is_the_servers_to_choose_and_to_change(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    resource = await engine.up("WorkQueue", "q", base)
    assert await priority(client, base) == 2  # the pool's own queue has 1
    await client.patch(f"work_pools/{base['work_pool_name']}/queues/q", {"priority": 7})

    assert await engine.refresh(resource) == []
    await engine.up("WorkQueue", "q", {**base, "description": "x"})
    assert await priority(client, base) == 7


async def test_taken_out_it_stays_as_it_is_and_is_the_servers_from_then_on(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    resource = await engine.up("WorkQueue", "q", {**base, "priority": 5})
    engine.forget_calls()
    assert (await engine.up("WorkQueue", "q", base)).steps == ["update priority"]
    assert engine.transport.writes == []
    assert (await engine.up("WorkQueue", "q", base)).steps == ["same"]
    assert await priority(client, base) == 5

    await client.patch(f"work_pools/{base['work_pool_name']}/queues/q", {"priority": 9})
    assert await engine.refresh(resource) == []
    await engine.up("WorkQueue", "q", {**base, "description": "x"})
    assert await priority(client, base) == 9


async def test_another_queue_that_takes_its_number_moves_it_without_a_drift(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    resource = await engine.up("WorkQueue", "q", base)
    await engine.up("WorkQueue", "r", {**base, "name": "r", "priority": 2})
    assert (await priority(client, base), await priority(client, base, "r")) == (3, 2)
    assert await engine.refresh(resource) == []


async def test_declared_again_it_is_written_and_an_edit_is_drift(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    resource = await engine.up("WorkQueue", "q", base)
    await engine.up("WorkQueue", "q", {**base, "priority": 4})
    assert await priority(client, base) == 4
    await client.patch(f"work_pools/{base['work_pool_name']}/queues/q", {"priority": 6})
    assert await engine.refresh(resource) == ["priority"]
    await engine.up("WorkQueue", "q", {**base, "priority": 4})
    assert await priority(client, base) == 4
