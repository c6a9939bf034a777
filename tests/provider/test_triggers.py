"""Triggers of deployments: real automations of a real server, and the very ones that `prefect deploy` would make."""

from __future__ import annotations

import uuid
from typing import Any

import grpc
import httpx
import pytest
from prefect.events.schemas.deployment_triggers import DeploymentTriggerTypes
from pydantic import TypeAdapter

from infra.provider import wire
from infra.provider.kinds.trigger import Trigger, named
from tests.provider.test_killed_anywhere import act, lifecycle

pytestmark = pytest.mark.server

EVENT = {
    "name": "al-terminar",
    "match": {"prefect.resource.id": "prefect.flow-run.*"},
    "match_related": {"prefect.resource.role": "flow", "prefect.resource.name": ["b", "a"]},
    "expect": ["prefect.flow-run.Completed", "prefect.flow-run.Cached"],
    "parameters": {"n": "{{ event.id }}"},
    "schedule_after": "PT1H",
}
SPECS: dict[str, dict[str, Any]] = {
    "event": EVENT,
    "event without a name": {"expect": ["a"]},
    "absence": {"posture": "Proactive", "expect": ["x"], "after": ["y"], "for_each": ["prefect.resource.id"]},
    "absence within": {"posture": "Proactive", "within": 30, "threshold": 2, "enabled": False, "description": "x"},
    "metric": {"posture": "Metric", "metric": {"name": "lateness", "threshold": 5, "operator": ">", "range": 600}},
    "metric by type": {"type": "metric", "metric": {"name": "duration", "threshold": 5, "operator": "<="}},
    "compound": {"require": "all", "within": 60, "triggers": [{"type": "event", "expect": ["a"]}, {"expect": ["b"]}]},
    "sequence": {
        "type": "sequence",
        "within": "00:01:00",
        "triggers": [{"expect": ["b"]}, {"type": "compound", "require": 1, "triggers": [{"expect": ["c"]}]}],
    },
    "related by several": {
        "expect": ["a"],
        "match_related": [{"prefect.resource.role": "flow"}, {"prefect.resource.role": "tag"}],
    },
    "job variables": {"expect": ["a"], "job_variables": {"env": {"A": "b"}}},
}
ON_A_SERVER_OF_ONES_OWN = [key for key in SPECS if not key.startswith("metric")]


def ordered(value: Any) -> Any:
    """With what are sets to Prefect in one order."""
    if isinstance(value, dict):
        sets = {"after", "expect", "for_each"}
        return {key: sorted(item) if key in sets else ordered(item) for key, item in value.items()}
    return [ordered(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("spec", sorted(SPECS))
def test_a_trigger_makes_the_automation_that_prefect_deploy_would_make(spec: str) -> None:
    id_ = uuid.uuid4()
    theirs = TypeAdapter(DeploymentTriggerTypes).validate_python({"name": "importar__automation_1", **SPECS[spec]})
    theirs.set_deployment_id(id_)
    expected = theirs.as_automation().model_dump(mode="json")
    (ours,) = named([Trigger.model_validate(SPECS[spec])], "importar")

    body = ours.body(str(id_), "p/s")

    assert expected.pop("owner_resource") == f"prefect.deployment.{id_}"
    assert body.pop("tags") == ["prefect-infra.stack:p/s"]
    assert expected.pop("tags") == []
    assert ordered(body) == ordered(expected)


@pytest.fixture
async def base(engine: Any, unique: str) -> dict[str, Any]:
    pool = await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    return {
        "name": f"{unique}-d",
        "flow_name": f"{unique}-f",
        "entrypoint": "flows/a.py:f",
        "work_pool_name": pool.id,
    }


async def automations(client: Any, deployment_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = await client.get(f"automations/related-to/prefect.deployment.{deployment_id}")
    return sorted(rows, key=lambda row: row["name"])


async def names(client: Any, deployment_id: str) -> list[str]:
    return [row["name"] for row in await automations(client, deployment_id)]


@pytest.mark.parametrize("spec", ON_A_SERVER_OF_ONES_OWN)
async def test_each_form_of_trigger_lives_through_its_life(
    engine: Any, client: Any, base: dict[str, Any], spec: str
) -> None:
    with_it = {**base, "triggers": [SPECS[spec]]}
    resource = await engine.up("Deployment", "d", with_it)
    (row,) = await automations(client, resource.id)
    assert resource.values["trigger_ids"] == {row["name"]: row["id"]}
    assert await engine.refresh(resource) == []
    engine.forget_calls()
    assert (await engine.up("Deployment", "d", with_it)).steps == ["same"]
    assert engine.transport.calls == []

    await engine.up("Deployment", "d", {**base, "triggers": [{**SPECS[spec], "schedule_after": 7}]})
    (changed,) = await automations(client, resource.id)
    assert (changed["id"], changed["actions"][0]["schedule_after"]) == (row["id"], 7.0)
    assert await engine.refresh(resource) == []

    await engine.up("Deployment", "d", base)
    assert await automations(client, resource.id) == []
    assert resource.values.get("trigger_ids", {}) == {}

    await engine.up("Deployment", "d", with_it)
    await engine.destroy(resource)
    assert await automations(client, resource.id) == []


async def test_edits_in_the_ui_are_drift_and_are_mended_under_the_same_id(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    inputs = {**base, "triggers": [EVENT, SPECS["compound"]]}
    resource = await engine.up("Deployment", "d", inputs)
    rows = await automations(client, resource.id)
    ids = {row["name"]: row["id"] for row in rows}
    whole = next(row for row in rows if row["name"] == "al-terminar")
    keys = ("name", "description", "enabled", "tags", "trigger", "actions", "actions_on_trigger", "actions_on_resolve")
    body = {key: whole[key] for key in keys}
    run = body["actions"][0]
    edits: list[tuple[dict[str, Any], str]] = [
        ({"enabled": False}, "enabled"),
        ({"description": "UI"}, "description"),
        ({"name": "otro"}, "name"),
        ({"trigger": {**body["trigger"], "expect": ["z"]}}, "expect"),
        ({"trigger": {**body["trigger"], "match": {"a": "b"}}}, "match"),
        ({"actions": [{**run, "parameters": {"n": 1}}]}, "parameters"),
        ({"actions": [{**run, "schedule_after": 1}]}, "schedule_after"),
        ({"actions": [run, {"type": "do-nothing"}]}, "triggers"),
        ({"tags": [], "enabled": False}, "enabled"),
    ]
    for edit, place in edits:
        await client.put(f"automations/{ids['al-terminar']}", {**body, **edit})
        assert any(place in path for path in await engine.refresh(resource)), edit
        await engine.up("Deployment", "d", inputs)
        assert await engine.refresh(resource) == []
        now = {row["name"]: row["id"] for row in await automations(client, resource.id)}
        assert set(now) == set(ids)
        if "name" not in edit:
            assert now == ids, edit
        ids = now
    await client.delete(f"automations/{ids['al-terminar']}")
    assert any("triggers" in path for path in await engine.refresh(resource))
    await engine.up("Deployment", "d", inputs)
    assert await names(client, resource.id) == sorted(ids)


async def test_a_trigger_whose_runs_would_fire_it_again_fails_the_check(engine: Any, base: dict[str, Any]) -> None:
    endless = {"expect": ["prefect.flow-run.Running"]}
    with pytest.raises(engine.CheckFailed) as caught:
        await engine.up("Deployment", "d", {**base, "triggers": [EVENT, endless]})
    assert "its own runs would fire it" in caught.value.failures["triggers[1]"]
    off = {**base, "triggers": [{**endless, "enabled": False}]}
    assert (await engine.up("Deployment", "d", off)).steps == ["create"]


async def test_switching_one_off_leaves_its_state_and_the_others_alone(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    inputs = {**base, "triggers": [EVENT, SPECS["compound"]]}
    await engine.up("Deployment", "d", inputs)
    engine.forget_calls()
    await engine.up("Deployment", "d", {**base, "triggers": [{**EVENT, "enabled": False}, SPECS["compound"]]})
    assert [method for method, _ in engine.transport.writes] == ["PATCH"]


async def test_an_automation_of_its_own_that_runs_the_deployment_is_none_of_its_triggers(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    resource = await engine.up("Deployment", "d", base)
    action = {"type": "run-deployment", "source": "selected", "deployment_id": resource.id}
    trigger = {"type": "event", "posture": "Reactive", "expect": ["x"]}
    apart = {"name": base["name"] + "-aparte", "trigger": trigger, "actions": [action]}
    await client.post("automations/", apart)

    assert await engine.refresh(resource) == []
    await engine.up("Deployment", "d", {**base, "triggers": [EVENT]})
    await engine.up("Deployment", "d", base)
    assert await names(client, resource.id) == [apart["name"]]


async def test_triggers_of_prefect_deploy_are_imported_and_taken_over_and_none_is_doubled(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    made = await engine.up("Deployment", "d", base)
    theirs = TypeAdapter(DeploymentTriggerTypes).validate_python(
        {**SPECS["compound"], "name": f"{base['name']}__automation_1"}
    )
    theirs.set_deployment_id(uuid.UUID(made.id))
    row = await client.post("automations/", theirs.as_automation().model_dump(mode="json"))

    imported = await engine.import_("Deployment", "d", made.id)
    assert imported.values["trigger_ids"] == {row["name"]: row["id"]}
    assert (await engine.up("Deployment", "d", {**base, "triggers": [SPECS["compound"]]})).steps == ["same"]
    await engine.up("Deployment", "d", {**base, "triggers": [{**SPECS["compound"], "within": 90}]})
    assert [item["id"] for item in await automations(client, made.id)] == [row["id"]]


async def test_triggers_left_by_a_deployment_that_was_deleted_in_the_ui_go_when_it_comes_back(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    inputs = {**base, "triggers": [{**EVENT, "name": base["name"]}]}
    resource = await engine.up("Deployment", "d", inputs)
    await client.delete(f"deployments/{resource.id}")
    assert await engine.refresh(resource) == ["gone"]

    await engine.up("Deployment", "d", inputs)

    found = await client.find("automations/filter", {"automations": {"name": {"any_": [base["name"]]}}})
    assert [row["actions"][0]["deployment_id"] for row in found] == [resource.id]


async def test_triggers_that_were_there_just_as_declared_are_no_orphans_once_their_deployment_was_deleted_in_the_ui(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    made = await engine.up("Deployment", "d", base)
    named_so = {**SPECS["compound"], "name": f"{base['name']}__automation_1"}
    theirs = TypeAdapter(DeploymentTriggerTypes).validate_python(named_so)
    theirs.set_deployment_id(uuid.UUID(made.id))
    row = await client.post("automations/", theirs.as_automation().model_dump(mode="json"))
    inputs = {**base, "triggers": [SPECS["compound"]]}
    await engine.up("Deployment", "d", inputs)
    assert [(item["id"], item["tags"]) for item in await automations(client, made.id)] == [
        (row["id"], ["prefect-infra.stack:prefect-infra/pruebas"])
    ]

    await client.delete(f"deployments/{made.id}")
    assert await engine.refresh(made) == ["gone"]
    anew = await engine.up("Deployment", "d", inputs)

    found = await client.find("automations/filter", {"automations": {"name": {"any_": [named_so["name"]]}}})
    assert [item["actions"][0]["deployment_id"] for item in found] == [anew.id]


async def test_a_metric_trigger_on_a_self_hosted_server_is_refused_in_words(engine: Any, base: dict[str, Any]) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="no metric triggers, Prefect Cloud has"):
        await engine.up("Deployment", "d", {**base, "triggers": [SPECS["metric"]]})


@pytest.mark.parametrize(
    ("wrong", "path", "hint"),
    [
        ({"expekt": ["x"]}, "triggers[0].expekt", "no such property: did you mean 'expect'?"),
        ({"expect": "x"}, "triggers[0].expect", "expected a list, got a text"),
        ({"require": "all", "triggers": [{"expect": ["a"], "x": 1}]}, "triggers[0].triggers[0].x", "no such property"),
        ({"require": 3, "triggers": [{"expect": ["a"]}]}, "triggers[0]", "from 1 to the number of triggers, 1"),
        ({"type": "compound", "triggers": [{"expect": ["a"]}]}, "triggers[0]", "needs `require`"),
        ({"type": "sequence"}, "triggers[0]", "needs `triggers`"),
        ({"type": "sequence", "triggers": [{"expect": ["a"]}], "threshold": 2}, "triggers[0]", "has no threshold"),
        ({"posture": "Proactive", "within": 5}, "triggers[0]", "10 seconds or more"),
        ({"posture": "Metric"}, "triggers[0]", "needs `metric`"),
        ({"description": "x"}, "triggers[0]", "would fire at its own firing, for ever"),
        ({"within": "mañana"}, "triggers[0].within", "PT1H"),
        ({"type": "evento"}, "triggers[0].type", "'event'"),
    ],
)
async def test_wrong_triggers_fail_the_check_at_their_place(
    engine: Any, base: dict[str, Any], wrong: dict[str, Any], path: str, hint: str
) -> None:
    with pytest.raises(engine.CheckFailed) as caught:
        await engine.up("Deployment", "d", {**base, "triggers": [wrong]})
    assert hint in caught.value.failures[path]


async def test_two_triggers_of_one_name_and_wrong_parameters_fail_the_check(engine: Any, base: dict[str, Any]) -> None:
    with pytest.raises(engine.CheckFailed) as caught:
        await engine.up("Deployment", "d", {**base, "triggers": [EVENT, EVENT]})
    assert "two triggers of one name: al-terminar" in caught.value.failures["triggers"]
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    wrong = [EVENT, {"expect": ["x"], "parameters": {"n": "x", "m": 1}}]
    with pytest.raises(engine.CheckFailed) as caught:
        await engine.up("Deployment", "d", {**base, "parameter_openapi_schema": schema, "triggers": wrong})
    assert set(caught.value.failures) == {"triggers[1].parameters.n", "triggers[1].parameters.m"}


@pytest.mark.parametrize("after", [False, True])
async def test_making_and_changing_them_may_be_killed_at_any_call(
    prefect_server: str, client: Any, unique: str, after: bool
) -> None:
    pool, deployment = lifecycle("WorkPool"), lifecycle("Deployment")
    await act(prefect_server, None, lambda s: pool.create(s, {"name": unique, "type": "process"}))
    for calls in range(1, 20):
        inputs = {
            "name": f"{unique}-{calls}",
            "flow_name": f"{unique}-f",
            "entrypoint": "a.py:f",
            "work_pool_name": unique,
            "triggers": [{"name": "kept", "expect": ["a"]}, {"name": "changed", "expect": ["b"]}, {"expect": ["c"]}],
        }
        wanted = {
            **inputs,
            "triggers": [
                *inputs["triggers"][:1],
                {"name": "changed", "expect": ["z"]},
                {"name": "new", "expect": ["n"]},
            ],
        }
        made: list[Any] = []

        async def create(session: Any, given: Any = inputs, out: Any = made) -> None:
            out.append(await deployment.create(session, given))

        lived = await act(prefect_server, (calls, after), create)
        await act(prefect_server, None, create)
        live = made[-1]
        third = f"{inputs['name']}__automation_3"
        assert await names(client, live.id) == sorted(["kept", "changed", third])

        async def update(session: Any, live: Any = live, wanted: Any = wanted) -> None:
            await deployment.update(session, live.id, live.state(), wanted)

        lived_again = await act(prefect_server, (calls, after), update)
        await act(prefect_server, None, update)
        rows = {row["name"]: row for row in await automations(client, live.id)}
        assert set(rows) == {"kept", "changed", "new"}
        assert rows["kept"]["id"] == live.outputs.trigger_ids["kept"]
        assert (rows["changed"]["id"], rows["changed"]["trigger"]["expect"]) == (
            live.outputs.trigger_ids["changed"],
            ["z"],
        )

        async def delete(session: Any, live: Any = live) -> None:
            await deployment.delete(session, live.id, live.state())

        await act(prefect_server, (calls, after), delete)
        await act(prefect_server, None, delete)
        assert await automations(client, live.id) == []
        if lived and lived_again:
            return
    raise AssertionError("it takes more calls than was thought")


async def test_one_whose_answer_was_lost_is_not_made_twice(
    engine: Any, client: Any, base: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []
    send = type(engine.transport).handle_async_request

    async def losing(self: Any, request: httpx.Request) -> httpx.Response:
        response = await send(self, request)
        if request.method == "POST" and request.url.path == "/api/automations/" and not lost:
            lost.append("once")
            raise httpx.ReadError("the connection was lost")
        return response

    monkeypatch.setattr(type(engine.transport), "handle_async_request", losing)
    resource = await engine.up("Deployment", "d", {**base, "triggers": [EVENT]})
    assert lost
    assert await names(client, resource.id) == ["al-terminar"]


async def test_a_deployment_without_triggers_goes_by_one_call_and_one_with_takes_them_along(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    plain = await engine.up("Deployment", "d", base)
    engine.forget_calls()
    await engine.destroy(plain)
    # A busy server's 503 has it sent again.
    assert set(engine.transport.writes) == {("DELETE", f"deployments/{plain.id}")}

    triggered = await engine.up("Deployment", "d", {**base, "triggers": [{**EVENT, "name": base["name"]}]})
    known = wire.decode(triggered.state).values
    triggered.state = wire.encode({**known, "trigger_ids": {}})  # as if the `up` that made it had been killed
    await engine.destroy(triggered)
    assert await client.find("automations/filter", {"automations": {"name": {"any_": [base["name"]]}}}) == []
