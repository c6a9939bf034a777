"""Reads in bulk tell of the stack's own writes, too: however long one plugin lives."""

from __future__ import annotations

from typing import Any

import pytest

from infra.provider.listing import FEW

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def prefect_server(own_server: str) -> str:
    return own_server


async def test_what_is_made_changed_and_deleted_after_the_listing_is_seen_as_it_is(engine: Any, unique: str) -> None:
    async def pool(n: int, **more: Any) -> Any:
        return await engine.up("WorkPool", f"p{n}", {"name": f"{unique}-{n}", "type": "process", **more})

    pools = [await pool(n) for n in range(FEW + 2)]
    for resource in pools:
        assert await engine.refresh(resource) == []
    assert ("POST", "work_pools/filter") in engine.transport.calls

    late = await pool(90)
    assert await engine.refresh(late) == []
    await pool(0, description="x")
    assert await engine.refresh(pools[0]) == []
    await engine.destroy(pools[1])
    assert await engine.refresh(pools[1]) == ["gone"]
    again = await pool(1)
    assert await engine.refresh(again) == []


async def test_many_are_read_in_one_call(engine: Any, later_engine: Any, unique: str) -> None:
    pool = await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    resources = [
        await engine.up(
            "Deployment",
            f"d{n}",
            {"name": f"{unique}-{n}", "flow_name": unique, "entrypoint": "a.py:f", "work_pool_name": pool.id},
        )
        for n in range(8)
    ]
    for resource in resources:
        assert await later_engine.refresh(resource) == []
    assert len(later_engine.transport.calls) == 2 * (
        FEW + 1
    )  # deployments, and the automations that are their triggers
