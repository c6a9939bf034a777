"""An edit since the last refresh: a change of something else doesn't overwrite it unseen, and a refresh shows it."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from tests.provider.fields import SUBJECTS, edited, filled

pytestmark = pytest.mark.server
AUTOMATION = SUBJECTS["Automation"]
TRIGGER = {"name": "t", "expect": ["a"]}


TOGETHER: tuple[set[str], ...] = (
    {"work_pool_name", "work_queue_name"},
    {"parameter_openapi_schema", "enforce_parameter_schema"},
    {"concurrency_limit", "collision_strategy", "grace_period_seconds"},
    {"job_defaults", "job_configuration", "base_job_template"},
)
"""What means something in one with another is written with it, as declared: a queue is of its pool."""


@pytest.mark.thorough
@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, it in SUBJECTS.items() for name in it.fields])
async def test_of_any_field_whichever_else_is_changed(
    engine: Any, later_engine: Any, client: Any, unique: str, kind: str, name: str
) -> None:
    subject, case = SUBJECTS[kind], SUBJECTS[kind].fields[name]
    names = {"name": f"{unique}-u", "pool": unique}
    for pool in (unique, f"{unique}-2"):
        await engine.up("WorkPool", pool, {"name": pool, "type": "process"})
    declared = filled({**subject.base, **case.beside, name: case.value}, names)
    resource = await engine.up(kind, "r", declared)
    await edited(client, filled(subject.path, {**names, "id": resource.id}), subject, case, name, names)

    async def there() -> Any:
        return (await later_engine.import_(kind, "there", resource.id)).values.get(name)

    seen = await there()
    for other, of_other in subject.fields.items():
        if other == name or any({name, other} <= group for group in TOGETHER):
            continue
        changed = filled({**of_other.beside, **declared, other: of_other.value}, names)
        await engine.up(kind, "r", changed)
        assert (other, await there()) == (other, seen)
    await engine.up(kind, "r", declared)
    drift = await engine.refresh(resource)

    assert drift
    assert all(place.startswith(name) for place in drift)
    await engine.up(kind, "r", declared)
    assert await engine.refresh(resource) == []


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
