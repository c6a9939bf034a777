"""Variables, limits and automations: one life each, against a real server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from infra.provider import wire

pytestmark = pytest.mark.server

TRIGGER = {
    "type": "event",
    "posture": "Reactive",
    "expect": ["prefect.flow-run.Failed"],
    "match": {"prefect.resource.id": "prefect.flow-run.*"},
    "threshold": 1,
    "within": 0,
}


@dataclass(frozen=True)
class Life:
    """A kind, with what is needed to lead an object of it through its life."""

    kind: str
    base: dict[str, Any]
    change: dict[str, Any]
    outside: tuple[str, str, dict[str, Any]]
    """Method, path and body of an edit by somebody else; `{id}` stands for the object's id."""
    drift: str
    delete: str
    foreign: tuple[str, dict[str, Any]]
    identity: str = "name"


LIVES = {
    "variable": Life(
        "Variable",
        {"value": {"a": [1, 2]}, "tags": ["x"]},
        {"value": "otro", "tags": []},
        ("patch", "variables/name/{id}", {"value": 5}),
        "value",
        "variables/name/{id}",
        ("variables/", {"value": "de otro"}),
    ),
    "global limit": Life(
        "GlobalConcurrencyLimit",
        {"limit": 3, "slot_decay_per_second": 0.5},
        {"limit": 4, "active": False},
        ("patch", "v2/concurrency_limits/{id}", {"limit": 77}),
        "limit",
        "v2/concurrency_limits/{id}",
        ("v2/concurrency_limits/", {"limit": 1}),
    ),
    "tag limit": Life(
        "TagConcurrencyLimit",
        {"concurrency_limit": 3},
        {"concurrency_limit": 4},
        ("post", "concurrency_limits/", {"tag": "{id}", "concurrency_limit": 9}),
        "concurrency_limit",
        "concurrency_limits/tag/{id}",
        ("concurrency_limits/", {"concurrency_limit": 1}),
        identity="tag",
    ),
    "automation": Life(
        "Automation",
        {"trigger": TRIGGER, "actions": [{"type": "cancel-flow-run"}], "description": "x"},
        {"trigger": {**TRIGGER, "threshold": 2}, "actions": [{"type": "suspend-flow-run"}]},
        ("patch", "automations/{id}", {"enabled": False}),
        "enabled",
        "automations/{id}",
        ("automations/", {"trigger": TRIGGER, "actions": [{"type": "do-nothing"}]}),
    ),
}


@pytest.fixture(params=sorted(LIVES))
def life(request: pytest.FixtureRequest) -> Life:
    return LIVES[request.param]


async def test_an_object_lives_through_its_life(engine: Any, client: Any, unique: str, life: Life) -> None:
    inputs = {life.identity: unique, **life.base}
    resource = await engine.up(life.kind, "r", inputs)
    assert resource.steps == ["create"]
    assert await engine.refresh(resource) == []
    engine.forget_calls()
    assert (await engine.up(life.kind, "r", inputs)).steps == ["same"]
    assert engine.transport.calls == []

    changed = {life.identity: unique, **life.base, **life.change}
    id_ = resource.id
    assert (await engine.up(life.kind, "r", changed)).steps[0].startswith("update")
    assert resource.id == id_
    assert await engine.refresh(resource) == []

    method, path, body = life.outside
    body = {key: value.format(id=id_) if isinstance(value, str) else value for key, value in body.items()}
    await getattr(client, method)(path.format(id=id_), body)
    assert [path.split(".")[0].split("[")[0] for path in await engine.refresh(resource)] == [life.drift]
    await engine.up(life.kind, "r", changed)
    assert await engine.refresh(resource) == []

    await client.delete(life.delete.format(id=id_))
    assert await engine.refresh(resource) == ["gone"]
    assert (await engine.up(life.kind, "r", changed)).steps == ["create"]
    await engine.destroy(resource)
    assert await engine.refresh(resource) == ["gone"]


async def test_what_a_killed_up_left_behind_is_found_again(engine: Any, unique: str, life: Life) -> None:
    inputs = {life.identity: unique, **life.base}
    first = (await engine.up(life.kind, "r", inputs)).id
    engine.resources.clear()

    assert (await engine.up(life.kind, "r", inputs)).id == first


async def test_somebody_elses_is_refused_and_taken_with_adopt(
    engine: Any, client: Any, unique: str, life: Life
) -> None:
    path, body = life.foreign
    await client.post(path, {life.identity: unique, **body})
    inputs = {life.identity: unique, **life.base}

    with pytest.raises(grpc.aio.AioRpcError, match="adopt: true"):
        await engine.up(life.kind, "r", inputs)

    adopted = await engine.up(life.kind, "r", {**inputs, "adopt": True})
    assert await engine.refresh(adopted) == []


async def test_an_imported_object_is_the_same_at_the_next_up(engine: Any, unique: str, life: Life) -> None:
    inputs = {life.identity: unique, **life.base}
    made = await engine.up(life.kind, "r", inputs)

    imported = await engine.import_(life.kind, "r", made.id)

    shown = {key: value for key, value in imported.values.items() if key in {life.identity, *life.base}}
    if life.kind != "Automation":  # the server's completed form of a rule is what can be imported
        assert shown == inputs
    assert (await engine.up(life.kind, "r", shown)).steps == ["same"]


async def test_switching_an_automation_off_keeps_its_triggers_state(engine: Any, unique: str) -> None:
    inputs = {"name": unique, "trigger": TRIGGER}
    await engine.up("Automation", "r", inputs)
    engine.forget_calls()

    await engine.up("Automation", "r", {**inputs, "enabled": False})

    assert [method for method, _ in engine.transport.calls] == ["PATCH"]


async def test_a_refresh_mends_a_state_that_another_version_wrote(engine: Any, unique: str, life: Life) -> None:
    inputs = {life.identity: unique, **life.base}
    resource = await engine.up(life.kind, "r", inputs)
    engine.resources["prefect:index:" + life.kind, "r"].state = wire.encode({"gone": 1, **inputs})
    with pytest.raises(grpc.aio.AioRpcError, match="`pulumi refresh` writes it anew"):
        await engine.up(life.kind, "r", {**inputs, **life.change})
    await engine.refresh(resource)
    await engine.up(life.kind, "r", {**inputs, **life.change})
    assert await engine.refresh(resource) == []
