"""An automation's name: not unique on the server, and no part of what tells one from another."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

pytestmark = pytest.mark.server
TRIGGER = {"type": "event", "posture": "Reactive", "expect": ["a"], "threshold": 1, "within": 0}


async def test_two_of_one_name_are_told_with_their_ids_and_neither_is_touched(
    engine: Any, client: Any, unique: str
) -> None:
    body = {"name": unique, "trigger": TRIGGER, "actions": [{"type": "do-nothing"}]}
    ids = [(await client.post("automations/", body))["id"] for _ in range(2)]
    before = [await client.get(f"automations/{id_}") for id_ in ids]

    for adopt in (False, True):
        with pytest.raises(grpc.aio.AioRpcError, match=r"there are 2 automations .* delete all but one") as told:
            await engine.up("Automation", "a", {"name": unique, "trigger": TRIGGER, "adopt": adopt})
        assert all(id_ in str(told.value.details()) for id_ in ids)

    assert [await client.get(f"automations/{id_}") for id_ in ids] == before


async def test_another_name_that_somebody_gave_it_is_drift_and_is_put_back(
    engine: Any, client: Any, unique: str
) -> None:
    declared = {"name": unique, "trigger": TRIGGER}
    resource = await engine.up("Automation", "a", declared)
    id_ = resource.id
    row = await client.get(f"automations/{id_}")
    keys = ("description", "enabled", "tags", "trigger", "actions", "actions_on_trigger", "actions_on_resolve")
    await client.put(f"automations/{id_}", {**{key: row[key] for key in keys}, "name": f"{unique}-ui"})

    assert await engine.refresh(resource) == ["name"]
    assert (await engine.up("Automation", "a", declared)).steps == ["update name"]

    assert (resource.id, (await client.get(f"automations/{id_}"))["name"]) == (id_, unique)
    assert await engine.refresh(resource) == []


async def test_it_is_renamed_in_place_and_there_is_no_second_one(engine: Any, client: Any, unique: str) -> None:
    resource = await engine.up("Automation", "a", {"name": unique, "trigger": TRIGGER})
    id_ = resource.id

    renamed = await engine.up("Automation", "a", {"name": f"{unique}-2", "trigger": TRIGGER})

    assert (renamed.steps, renamed.id) == (["update name"], id_)
    names = {"automations": {"name": {"any_": [unique, f"{unique}-2"]}}}
    assert [row["id"] for row in await client.find("automations/filter", names)] == [id_]
    assert await engine.refresh(renamed) == []


async def test_who_lost_the_state_finds_it_again_in_whatever_order_the_server_tells_its_sets(
    engine: Any, client: Any, unique: str
) -> None:
    """It has them as sets of texts: the order is that of a process, and another one after each start."""
    several = TRIGGER | {"expect": [f"{unique}.{n}" for n in range(8)], "for_each": ["a", "b", "c"]}
    declared = {"name": unique, "trigger": {"type": "compound", "triggers": [several], "require": 1, "within": 60}}
    made = await engine.up("Automation", "a", declared)

    again = await engine.up("Automation", "b", declared)

    assert again.id == made.id
    names = {"automations": {"name": {"any_": [unique]}}}
    assert [row["id"] for row in await client.find("automations/filter", names)] == [made.id]
    assert await engine.refresh(again) == []
