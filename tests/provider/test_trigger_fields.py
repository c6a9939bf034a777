"""Every field of a deployment's triggers: it can be set, an edit in the UI is seen, mended, and it clears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from infra.provider.kinds.trigger import Trigger
from tests.provider.test_triggers import ordered

pytestmark = pytest.mark.server
EDITABLE = ("name", "description", "enabled", "tags", "trigger", "actions", "actions_on_trigger", "actions_on_resolve")


@dataclass(frozen=True)
class Case:
    value: Any
    outside: Any
    """What somebody makes of it in the UI."""
    base: Mapping[str, Any]
    """The trigger without it."""


EVENT = {"expect": ["a"]}
ABSENCE = {"expect": ["a"], "posture": "Proactive"}
BOTH = {"require": "any", "triggers": [{"expect": ["a"]}, {"expect": ["b"]}]}
IN_ORDER = {"type": "sequence", "triggers": [{"expect": ["a"]}, {"expect": ["b"]}]}
FLOW, TAG = {"prefect.resource.role": "flow"}, {"prefect.resource.role": "tag"}
CASES = {
    "match": Case({"prefect.resource.id": "a.*"}, {"prefect.resource.id": "b.*"}, EVENT),
    "match_related": Case({**FLOW, "prefect.resource.name": ["b", "a"]}, TAG, EVENT),
    "match_related, several": Case([FLOW, TAG], [TAG], EVENT),
    "after": Case(["y", "x"], ["z"], EVENT),
    "expect": Case(["b", "c"], ["z"], {"match": {"prefect.resource.id": "a.*"}}),
    "for_each": Case(["prefect.resource.id"], ["prefect.resource.name"], EVENT),
    "posture": Case("Proactive", "Reactive", {**EVENT, "within": 30}),
    "threshold": Case(2, 3, EVENT),
    "within": Case(30, 90, EVENT),
    "within, of an absence": Case(30, 90, ABSENCE),
    "within, of several": Case(60, 90, BOTH),
    "within, of a sequence": Case("PT1M", 90, IN_ORDER),
    "require": Case("all", 1, BOTH),
    "triggers": Case([{"expect": ["a"]}, {"expect": ["c"]}], [{"expect": ["z"]}, {"expect": ["c"]}], BOTH),
    "triggers, one less": Case([{"expect": ["a"]}], [{"expect": ["a"]}, {"expect": ["b"]}], BOTH),
    "triggers, of a sequence": Case(
        [{"expect": ["b"]}, {"expect": ["a"]}], [{"expect": ["a"]}, {"expect": ["b"]}], IN_ORDER
    ),
    "triggers, inside of one": Case(
        [{"expect": ["a"]}, {"require": 1, "triggers": [{"expect": ["c"], "threshold": 2}]}],
        [{"expect": ["a"]}, {"require": 1, "triggers": [{"expect": ["c"], "threshold": 5}]}],
        BOTH,
    ),
    "job_variables": Case({"env": {"A": "b"}}, {"env": {}}, EVENT),
    "parameters": Case({"n": 1}, {"n": 2}, EVENT),
    "schedule_after": Case("PT1H", 7, EVENT),
    "description": Case("Al llegar", "UI", EVENT),
    "enabled": Case(False, True, EVENT),
}


def test_every_field_is_looked_at() -> None:
    """A name is what a trigger is known by: another one is another trigger. A metric only Prefect Cloud has."""
    looked_at = {field.partition(",")[0] for field in CASES}
    assert looked_at | {"type", "name", "metric"} == set(Trigger.model_fields)


@pytest.mark.parametrize("case", sorted(CASES))
async def test_it_can_be_set_is_seen_when_changed_in_the_ui_is_mended_and_clears(
    engine: Any, client: Any, unique: str, case: str
) -> None:
    field, it = case.partition(",")[0], CASES[case]
    await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    deployment = {"name": "d", "flow_name": f"{unique}-f", "entrypoint": "a.py:f", "work_pool_name": unique}

    async def up(trigger: Mapping[str, Any]) -> Any:
        return await engine.up("Deployment", "d", {**deployment, "triggers": [{**trigger, "name": unique}]})

    resource = await up(it.base)
    without = await there(client, resource.id)
    declared = {**it.base, field: it.value}
    await up(declared)
    written = await there(client, resource.id)
    assert written != without
    assert await engine.refresh(resource) == []

    await edit(client, resource.id, field, it.outside)
    assert await there(client, resource.id) != written
    drift = await engine.refresh(resource)
    assert drift
    assert [path for path in drift if not path.startswith(f"triggers[0].{field}")] == []

    await up(declared)
    assert await there(client, resource.id) == written
    assert await engine.refresh(resource) == []
    await up(it.base)
    assert await there(client, resource.id) == without
    assert await engine.refresh(resource) == []
    assert (await up(it.base)).steps == ["same"]


async def automation(client: Any, deployment: str) -> dict[str, Any]:
    (row,) = await client.get(f"automations/related-to/prefect.deployment.{deployment}")
    return dict(row)


async def there(client: Any, deployment: str) -> tuple[str, Any]:
    """The trigger's automation, its id, and all that can be edited of it."""
    row = await automation(client, deployment)
    return row["id"], ordered(without_ids({key: row[key] for key in EDITABLE}))


async def edit(client: Any, deployment: str, field: str, value: Any) -> None:
    row = await automation(client, deployment)
    body = {key: row[key] for key in EDITABLE}
    if field in {"description", "enabled"}:
        body[field] = value
    elif field in {"job_variables", "parameters", "schedule_after"}:
        body["actions"] = [{**body["actions"][0], field: value}]
    else:
        # Conditions in the form that the API has them in; fields are filled in by the server.
        whole = Trigger.model_validate({"require": "any", "triggers": value}) if field == "triggers" else None
        body["trigger"] = {**body["trigger"], field: whole.condition()["triggers"] if whole else value}
    await client.put(f"automations/{row['id']}", body)


def without_ids(value: Any) -> Any:
    """The server gives each condition another one with each write."""
    if isinstance(value, dict):
        return {key: without_ids(item) for key, item in value.items() if key != "id"}
    return [without_ids(item) for item in value] if isinstance(value, list) else value
