"""An edit since the last refresh: a change of something else doesn't overwrite it unseen, and a refresh shows it."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from tests.provider.fields import SUBJECTS, edited, filled

pytestmark = pytest.mark.server
AUTOMATION = SUBJECTS["Automation"]
TRIGGER = {"name": "t", "expect": ["a"]}


@pytest.mark.parametrize("name", AUTOMATION.fields)
async def test_of_an_automation_whichever_else_is_changed(engine: Any, client: Any, unique: str, name: str) -> None:
    case, names = AUTOMATION.fields[name], {"name": unique}
    declared = filled({**AUTOMATION.base, name: case.value}, names)
    resource = await engine.up("Automation", "a", declared)
    path = f"automations/{resource.id}"
    await edited(client, path, AUTOMATION, case, name, names)
    row = await client.get(path)

    for other, of_other in AUTOMATION.fields.items():
        if other == name:
            continue
        assert (await engine.up("Automation", "a", {**declared, other: of_other.value})).steps
        now = await client.get(path)
        assert without_ids(now[name]) == without_ids(row[name])
    await engine.up("Automation", "a", declared)
    drift = await engine.refresh(resource)

    assert drift
    assert all(place.startswith(name) for place in drift)
    await engine.up("Automation", "a", declared)
    assert await engine.refresh(resource) == []


def without_ids(value: Any) -> Any:
    return {key: item for key, item in value.items() if key != "id"} if isinstance(value, dict) else value


async def test_tags_that_people_give_to_a_triggers_automation_stay(engine: Any, client: Any, unique: str) -> None:
    await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    base = {"name": "d", "flow_name": f"{unique}-f", "entrypoint": "a.py:f", "work_pool_name": unique}
    resource = await engine.up("Deployment", "d", {**base, "triggers": [{**TRIGGER, "name": unique}]})
    path = f"automations/{resource.values['trigger_ids'][unique]}"
    row = await client.get(path)
    (ours,) = row["tags"]
    await client.put(path, {**{key: row[key] for key in AUTOMATION.whole}, "tags": ["ui", ours]})
    assert await engine.refresh(resource) == []

    await engine.up("Deployment", "d", {**base, "triggers": [{**TRIGGER, "name": unique, "threshold": 2}]})

    now = await client.get(path)
    assert (now["tags"], now["trigger"]["threshold"]) == (["ui", ours], 2)
    assert await engine.refresh(resource) == []


@pytest.mark.parametrize("edit", [{"description": "de otro"}, {"tags": ["de otro"]}, {"enabled": False}])
async def test_an_automation_that_is_otherwise_like_ours_is_somebody_elses(
    engine: Any, client: Any, unique: str, edit: dict[str, Any]
) -> None:
    declared = filled(AUTOMATION.base, {"name": unique})
    theirs = await client.post("automations/", {**declared, "actions": [], **edit})
    with pytest.raises(grpc.aio.AioRpcError, match="adopt: true"):
        await engine.up("Automation", "a", declared)
    assert await client.get(f"automations/{theirs['id']}") == theirs
