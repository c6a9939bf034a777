"""A global limit that several deployments share: the server takes it for each one's own, and would write to it."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

pytestmark = pytest.mark.server


@pytest.fixture
async def base(engine: Any, unique: str) -> dict[str, Any]:
    await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    return {"name": "d", "flow_name": f"{unique}-f", "entrypoint": "a.py:f", "work_pool_name": unique}


@pytest.fixture
async def limit(engine: Any, unique: str) -> str:
    made = await engine.up("GlobalConcurrencyLimit", "g", {"name": f"{unique}-g", "limit": 5})
    return str(made.values["limit_id"])


async def number(client: Any, limit: str) -> int:
    return int((await client.get(f"v2/concurrency_limits/{limit}"))["limit"])


async def test_it_is_set_seen_mended_and_cleared(engine: Any, client: Any, base: dict[str, Any], limit: str) -> None:
    shared = {**base, "global_concurrency_limit_id": limit, "collision_strategy": "CANCEL_NEW"}
    resource = await engine.up("Deployment", "d", shared)
    path = f"deployments/{resource.id}"
    assert (await client.get(path))["global_concurrency_limit"]["id"] == limit
    assert await engine.refresh(resource) == []

    await client.patch(path, {"global_concurrency_limit_id": None})
    assert "global_concurrency_limit_id" in await engine.refresh(resource)
    await engine.up("Deployment", "d", shared)
    assert await engine.refresh(resource) == []

    await engine.up("Deployment", "d", base)
    assert await engine.refresh(resource) == []
    assert (await client.get(path))["global_concurrency_limit"] is None
    assert await number(client, limit) == 5


async def test_one_that_somebody_has_attached_is_let_go_of_and_stays_as_it_is(
    engine: Any, client: Any, base: dict[str, Any], limit: str
) -> None:
    own = {**base, "concurrency_limit": 2}
    resource = await engine.up("Deployment", "d", own)
    await client.patch(f"deployments/{resource.id}", {"concurrency_limit": None})
    await client.patch(f"deployments/{resource.id}", {"global_concurrency_limit_id": limit})

    assert await engine.refresh(resource) == ["concurrency_limit", "global_concurrency_limit_id"]
    await engine.up("Deployment", "d", own)

    row = await client.get(f"deployments/{resource.id}")
    assert (row["global_concurrency_limit"]["limit"], row["global_concurrency_limit"]["id"] == limit) == (2, False)
    assert await number(client, limit) == 5
    assert await engine.refresh(resource) == []


async def test_it_stays_when_no_refresh_has_seen_it(engine: Any, client: Any, base: dict[str, Any], limit: str) -> None:
    resource = await engine.up("Deployment", "d", base)
    await client.patch(f"deployments/{resource.id}", {"global_concurrency_limit_id": limit})

    await engine.up("Deployment", "d", {**base, "concurrency_limit": 2})

    assert await number(client, limit) == 5
    assert await engine.refresh(resource) == []


async def test_from_a_limit_of_its_own_to_a_shared_one_and_back(
    engine: Any, client: Any, base: dict[str, Any], limit: str
) -> None:
    resource = await engine.up("Deployment", "d", {**base, "concurrency_limit": 2})
    await engine.up("Deployment", "d", {**base, "global_concurrency_limit_id": limit})
    assert await engine.refresh(resource) == []
    # Nobody would ever delete it.
    assert await client.get_or_none(f"v2/concurrency_limits/deployment:{resource.id}") is None

    await engine.up("Deployment", "d", {**base, "concurrency_limit": 3})
    assert await engine.refresh(resource) == []
    assert await number(client, limit) == 5


@pytest.mark.parametrize("owners", [{}, {"global_concurrency_limit_id": "ui"}])
async def test_it_outlives_the_deployment(
    engine: Any, client: Any, base: dict[str, Any], limit: str, owners: dict[str, str]
) -> None:
    resource = await engine.up("Deployment", "d", {**base, "global_concurrency_limit_id": limit, "owners": owners})
    await engine.destroy(resource)
    assert await number(client, limit) == 5


async def test_a_deployment_that_is_taken_over_lets_go_of_it(
    engine: Any, client: Any, base: dict[str, Any], limit: str
) -> None:
    flow = await client.post("flows/", {"name": base["flow_name"]})
    body = {"name": "d", "flow_id": flow["id"], "global_concurrency_limit_id": limit}
    await client.post("deployments/", body)

    resource = await engine.up("Deployment", "d", {**base, "concurrency_limit": 1, "adopt": True})

    assert await number(client, limit) == 5
    assert await engine.refresh(resource) == []


async def test_a_wrong_id_is_told(engine: Any, base: dict[str, Any]) -> None:
    nobody = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    with pytest.raises(grpc.aio.AioRpcError, match=f"no global concurrency limit {nobody}"):
        await engine.up("Deployment", "d", {**base, "global_concurrency_limit_id": nobody})


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({"concurrency_limit": 1, "global_concurrency_limit_id": "x"}, "global_concurrency_limit_id"),
        ({"grace_period_seconds": 90}, "grace_period_seconds"),
        ({"grace_period_seconds": 59, "concurrency_limit": 1}, "grace_period_seconds"),
    ],
)
async def test_what_cant_go_together_fails_the_check(
    engine: Any, base: dict[str, Any], wrong: dict[str, Any], at: str
) -> None:
    with pytest.raises(engine.CheckFailed) as caught:
        await engine.up("Deployment", "d", {**base, **wrong})
    assert [*caught.value.failures] == [at]
