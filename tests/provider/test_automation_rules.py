"""What an automation waits for and does: judged before anything is made, and as a real server judges it."""

from __future__ import annotations

import uuid
from typing import Any, get_args

import grpc
import httpx
import pytest
from prefect.server.events.actions import ServerActionTypes

from infra.components import alerts
from infra.provider import wire
from infra.provider.kinds.action import FORMS
from infra.provider.kinds.automation import AutomationInputs
from tests.patient import Patient
from tests.provider.conftest import Resource
from tests.provider.test_judged_as_the_server_does import answer, check, told

pytestmark = pytest.mark.server

ID = str(uuid.UUID(int=7))
EVENT: dict[str, Any] = {"type": "event", "posture": "Reactive", "expect": ["a"], "threshold": 1, "within": 0}
ABSENCE = {**EVENT, "posture": "Proactive", "within": 30}
INNER = [{"type": "event", "posture": "Reactive", "expect": ["a"]}, {"type": "event", "expect": ["b"]}]
BOTH: dict[str, Any] = {"type": "compound", "require": "all", "within": 60, "triggers": INNER}
RUN = {"type": "run-deployment", "deployment_id": ID}
TELL = {"type": "send-notification", "block_document_id": ID, "body": "x"}
FIVE_LOOPS = "{% for x in y %}{% endfor %}" * 5
TWO_DEEP = "{% for a in b %}{% for c in d %}{% endfor %}{% endfor %}"

TRIGGERS: dict[bool, list[Any]] = {
    True: [
        EVENT,
        {"expect": ["a"]},
        {"match": {"prefect.resource.id": "prefect.flow-run.*", "x": ["y", "z"]}},
        {"match_related": [{"prefect.resource.role": "flow"}, {"prefect.resource.role": ["tag"]}]},
        {**EVENT, "after": ["b", "a"], "for_each": ["prefect.resource.id", "related:flow:prefect.resource.id"]},
        {**EVENT, "threshold": 0},
        {**EVENT, "within": "PT1H"},
        {**EVENT, "within": "01:00:00"},
        {**EVENT, "within": 0.5},
        ABSENCE,
        {**ABSENCE, "within": 10},
        {**ABSENCE, "within": "PT30S"},
        {**ABSENCE, "within": 0},
        {"posture": "Proactive"},
        BOTH,
        {key: value for key, value in BOTH.items() if key != "within"},
        {key: value for key, value in BOTH.items() if key != "type"},
        {**BOTH, "within": None},
        {**BOTH, "require": 2},
        {**BOTH, "require": "any"},
        {"type": "sequence", "triggers": INNER, "within": "PT1M"},
        {"triggers": [BOTH, EVENT]},
        {**BOTH, "id": ID, "triggers": [{**EVENT, "id": ID}]},
    ],
    False: [
        {**EVENT, "type": "evento"},
        {**EVENT, "posture": "reactive"},
        {**EVENT, "expect": "a"},
        {**EVENT, "expect": [1]},
        {**EVENT, "for_each": {"a": "b"}},
        {**EVENT, "match": {"a": 1}},
        {**EVENT, "match": ["a"]},
        {**EVENT, "match_related": "x"},
        {**EVENT, "match_related": [{"a": None}]},
        {**EVENT, "threshold": "x"},
        {**EVENT, "threshold": 1.5},
        {**EVENT, "within": -1},
        {**EVENT, "within": "mañana"},
        {**ABSENCE, "within": 5},
        {**BOTH, "require": 3},
        {**BOTH, "require": 0},
        {**BOTH, "require": "some"},
        {**BOTH, "triggers": {"a": "b"}},
        {**BOTH, "triggers": [{**EVENT, "within": -1}]},
        {"type": "compound", "within": 60, "triggers": INNER},
        {"type": "sequence", "within": 60},
        {"type": "metric", "metric": {"name": "lateness", "threshold": 5, "operator": ">", "range": 1}},
        {"type": "metric"},
        "a",
    ],
}
DROPPED_OR_WITHOUT_END = [
    ({**EVENT, "expekt": ["b"]}, "trigger.expekt", "did you mean 'expect'?"),
    ({**BOTH, "triggers": [{**EVENT, "treshold": 2}]}, "trigger.triggers[0].treshold", "did you mean 'threshold'?"),
    ({**EVENT, "require": "all"}, "trigger", "a trigger of type event has no require"),
    ({**EVENT, "expect": []}, "trigger", "would fire at its own firing, for ever"),
    ({**BOTH, "triggers": []}, "trigger", "needs `triggers`"),
]
ACTIONS: dict[bool, list[Any]] = {
    True: [
        *({"type": name} for name in FORMS if name.endswith("-flow-run") or name == "do-nothing"),
        *(
            {"type": name, "source": "inferred"}
            for name in FORMS
            if name.startswith(("pause-", "resume-")) and name != "resume-flow-run"
        ),
        *({"type": f"pause-{name.replace('_', '-')}", f"{name}_id": ID} for name in ("deployment", "work_pool")),
        *({"type": f"resume-{name.replace('_', '-')}", f"{name}_id": ID} for name in ("work_queue", "automation")),
        {"type": "change-flow-run-state", "state": "CANCELLED", "name": "Fuera", "message": "x", "force": True},
        RUN,
        {"type": "run-deployment", "source": "inferred"},
        {**RUN, "parameters": {"n": "{{ event.id }}", "m": {"a": ["{{ flow_run.name }}", [1]]}}, "schedule_after": 5},
        {**RUN, "schedule_after": "PT5M", "parameters": None, "job_variables": {}},
        {**RUN, "parameters": {"n": {"__prefect_kind": "jinja", "template": "{{ event.id }}"}}},
        TELL,
        {**TELL, "subject": "{{ flow.name }}", "body": "{% if flow_run %}{{ flow_run|ui_url }}{% endif %} {x}"},
        {**TELL, "body": FIVE_LOOPS * 2},
        {**TELL, "body": TWO_DEEP},
        {"type": "call-webhook", "block_document_id": ID},
        {"type": "call-webhook", "block_document_id": ID, "payload": "{{ event.id }}"},
        {"type": "call-webhook", "block_document_id": ID, "payload": {"texto": "{{ event.id }}"}},
        {"type": "call-webhook", "block_document_id": ID, "payload": None},
    ],
    False: [
        {"type": "run-deploymnet", "deployment_id": ID},
        {"type": 3},
        {"type": "run-deployment"},
        {"type": "pause-work-pool"},
        {"type": "pause-work-queue", "source": "inferred", "work_queue_id": ID},
        {**RUN, "source": "otro"},
        {**RUN, "deployment_id": "importar/lista"},
        {**RUN, "parameters": ["n"]},
        {**RUN, "parameters": {"n": "{{ event.id }"}},
        {**RUN, "parameters": {"n": {"m": "{% if %}"}}},
        {**RUN, "schedule_after": -1},
        {**RUN, "schedule_after": "mañana"},
        {"type": "change-flow-run-state"},
        {"type": "change-flow-run-state", "state": "DONE"},
        {"type": "change-flow-run-state", "state": "failed"},
        {"type": "send-notification", "block_document_id": ID},
        {"type": "send-notification", "body": "x"},
        {**TELL, "block_document_id": "slack-webhook/avisos"},
        {**TELL, "body": 3},
        {**TELL, "body": "{{ flow.name }"},
        {**TELL, "subject": "{% for x in y %}"},
        {**TELL, "body": FIVE_LOOPS * 2 + "{% for x in y %}{% endfor %}"},
        {**TELL, "body": TWO_DEEP.replace("{% endfor %}{% endfor %}", TWO_DEEP + "{% endfor %}" * 2)},
        {"type": "call-webhook", "block_document_id": ID, "payload": "{{ x"},
        "do-nothing",
    ],
}
GUESSED_OR_DROPPED = [
    ({}, "actions[0]", "needs a `type`: there are: do-nothing, run-deployment"),
    ({**RUN, "parameters": {"n": [{"m": "{% if %}"}]}}, "actions[0].parameters.n[0].m", "is no template of Jinja"),
    ({"type": "cancel-flow-run", "mesage": "x"}, "actions[0].mesage", "there are: type"),
    ({**RUN, "parametros": {}}, "actions[0].parametros", "did you mean 'parameters'?"),
]
RUNNING = {**EVENT, "expect": ["prefect.flow-run.Running"]}
LOOPS: dict[bool, list[tuple[Any, Any, bool]]] = {
    True: [
        ({**EVENT, "expect": ["prefect.flow-run.Completed"]}, {**RUN}, True),
        ({**RUNNING, "match": {"prefect.resource.name": "x"}}, RUN, True),
        ({**RUNNING, "match_related": {"prefect.resource.role": "flow"}}, RUN, True),
        ({**RUNNING, "match": {"prefect.resource.id": ["prefect.flow-run.1"]}}, RUN, True),
        ({**RUNNING, "posture": "Proactive", "within": 10}, {"type": "run-deployment", "source": "inferred"}, True),
        (RUNNING, RUN, False),
        (RUNNING, {"type": "pause-deployment", "source": "inferred"}, True),
    ],
    False: [
        (RUNNING, RUN, True),
        (RUNNING, {"type": "run-deployment", "source": "inferred"}, True),
        ({**RUNNING, "match": {"prefect.resource.name": "x"}}, {"type": "run-deployment", "source": "inferred"}, True),
        (
            {**EVENT, "expect": ["a", "prefect.flow-run.*"], "match": {"prefect.resource.id": "prefect.flow-run.*"}},
            RUN,
            True,
        ),
        (
            {
                **RUNNING,
                "match": {"prefect.resource.id": ["x", "prefect.flow-run.*"]},
                "match_related": [{"a": "b"}, {}],
            },
            RUN,
            True,
        ),
    ],
}


def table(values: dict[bool, list[Any]]) -> list[Any]:
    return [
        pytest.param(value, taken, id=f"{n}-{'taken' if taken else 'refused'}")
        for taken, each in values.items()
        for n, value in enumerate(each)
    ]


def agreed(server: str, name: str, inputs: dict[str, Any]) -> tuple[dict[str, str], bool]:
    """What the check tells of it, and whether the server takes it: as it is sent, or as it was given where it isn't."""
    inputs = {"name": name, "actions": [], **inputs}
    told_ = told(check("Automation", inputs))
    taken = answer(server, "automations/", inputs if told_ else AutomationInputs(**inputs).body())
    with httpx.Client(base_url=f"{server}/", transport=Patient(), timeout=60) as client:
        # Some count every event there is: what the server writes for those keeps other tests' pools from being deleted.
        for row in client.post("automations/filter", json={"automations": {"name": {"any_": [name]}}}).json():
            client.delete(f"automations/{row['id']}").raise_for_status()
    return told_, taken


@pytest.mark.parametrize(("trigger", "taken"), table(TRIGGERS))
def test_a_trigger_is_judged_as_the_server_judges_it(
    prefect_server: str, unique: str, trigger: Any, taken: bool
) -> None:
    told_, answered = agreed(prefect_server, unique, {"trigger": trigger})

    assert (bool(told_), answered) == (not taken, taken), told_
    assert all(path.startswith("trigger") for path in told_)


@pytest.mark.parametrize(("action", "taken"), table(ACTIONS))
def test_an_action_is_judged_as_the_server_judges_it(
    prefect_server: str, unique: str, action: Any, taken: bool
) -> None:
    for key in ("actions", "actions_on_trigger", "actions_on_resolve"):
        told_, answered = agreed(prefect_server, unique, {"trigger": EVENT, key: [{"type": "do-nothing"}, action]})

        assert (bool(told_), answered) == (not taken, taken), told_
        assert all(path.startswith(f"{key}[1]") for path in told_)


@pytest.mark.parametrize(("rule", "taken"), table(LOOPS))
def test_a_deployment_that_would_be_run_for_ever_is_judged_as_the_server_judges_it(
    prefect_server: str, unique: str, rule: Any, taken: bool
) -> None:
    trigger, action, enabled = rule
    told_, answered = agreed(
        prefect_server, unique, {"trigger": trigger, "actions": [{"type": "do-nothing"}, action], "enabled": enabled}
    )

    assert (bool(told_), answered) == (not taken, taken), told_
    assert [*told_] == ([] if taken else ["actions[1]"])


@pytest.mark.parametrize(("trigger", "path", "reason"), DROPPED_OR_WITHOUT_END)
def test_what_the_server_would_drop_of_a_trigger_or_have_no_end_of_is_refused(
    prefect_server: str, unique: str, trigger: Any, path: str, reason: str
) -> None:
    told_, answered = agreed(prefect_server, unique, {"trigger": trigger, "enabled": False})

    assert answered
    assert [*told_] == [path]
    assert reason in told_[path]


@pytest.mark.parametrize(("action", "path", "reason"), GUESSED_OR_DROPPED)
def test_what_the_server_would_guess_or_drop_of_an_action_or_not_look_at_is_refused(
    prefect_server: str, unique: str, action: Any, path: str, reason: str
) -> None:
    told_, answered = agreed(prefect_server, unique, {"trigger": EVENT, "actions": [action]})

    assert answered
    assert [*told_] == [path]
    assert reason in told_[path]


def test_the_actions_are_those_of_the_server_with_the_keys_that_it_has() -> None:
    theirs = {model.model_fields["type"].default: model.model_fields for model in get_args(ServerActionTypes)}

    assert {name: {*form.model_fields} for name, form in FORMS.items()} == {
        name: {*fields} for name, fields in theirs.items()
    }
    for name, fields in theirs.items():
        required = {key for key, field in fields.items() if field.is_required()} | {"type"}
        assert required == {key for key, field in FORMS[name].model_fields.items() if field.is_required()}


@pytest.mark.parametrize("block_type", ["slack-webhook", "sendgrid-email"])
@pytest.mark.parametrize("kind", ["failed", "crashed", "late", "offline"])
def test_what_alerts_of_a_stack_file_become_is_taken(
    prefect_server: str, unique: str, kind: str, block_type: str
) -> None:
    given = {
        "trigger": alerts.trigger(kind, "compras-dev"),
        "actions": [alerts.action(kind, "compras-dev", block_type, ID)],
    }

    assert agreed(prefect_server, unique, given) == ({}, True)


async def test_all_mistakes_of_an_automation_are_told_at_once_each_at_its_place(offline: Any) -> None:
    mistaken = {
        "trigger": {**BOTH, "require": "some", "triggers": [{**ABSENCE, "within": 5}, {"expekt": ["a"], "match": 3}]},
        "actions": [{"type": "send-notification", "asunto": "x", "body": "{{ x"}, {"type": "avisar"}],
        "actions_on_resolve": [{**RUN, "deployment_id": "importar/lista", "source": "otro"}],
        "tags": "x",
    }
    with pytest.raises(offline.CheckFailed) as caught:
        await offline.check(Resource("prefect:index:Automation", "a"), mistaken)

    told_ = caught.value.failures
    reasons = {
        "name": "is required",
        "tags": "expected a list, got a text",
        "trigger.require": "expected an integer or 'any' or 'all'",
        "trigger.triggers[0]": "`within` of a Proactive trigger is 10 seconds or more",
        "trigger.triggers[1].expekt": "no such property: did you mean 'expect'?",
        "trigger.triggers[1].match": "expected an object, got a number",
        "actions[0].asunto": "no such property",
        "actions[0].block_document_id": "is required",
        "actions[0].body": "is no template of Jinja: line 1: ",
        "actions[1].type": "there is no such action",
        "actions_on_resolve[0].deployment_id": "expected a UUID, got a text",
        "actions_on_resolve[0].source": "expected 'selected' or 'inferred'",
    }
    assert {*told_} == {*reasons}
    for path, reason in reasons.items():
        assert reason in told_[path]


async def test_what_is_as_it_was_is_not_judged_again(offline: Any) -> None:
    """An older version may have taken what this one refuses: the stack stays usable until it is changed."""
    odd = {"name": "a", "trigger": {**EVENT, "expekt": ["b"]}, "actions": [{"type": "cancel-flow-run", "a": "b"}]}
    before = Resource("prefect:index:Automation", "a", inputs=wire.encode(odd))

    await offline.check(before, {**odd, "description": "x", "actions_on_resolve": odd["actions"]})

    for changed in (
        {"trigger": {**odd["trigger"], "threshold": 2}},
        {"actions": [{"type": "cancel-flow-run", "b": 1}]},
    ):
        with pytest.raises(offline.CheckFailed):
            await offline.check(before, {**odd, **changed})


WORDS = {
    "trigger": {"require": "all", "triggers": [{"expect": ["a"]}, {"posture": "Proactive", "expect": ["b"]}]},
    "actions": [{"type": "run-deployment", "source": "inferred", "schedule_after": "PT1H"}],
}


async def test_it_may_be_said_in_the_words_of_prefect_yaml(engine: Any, client: Any, unique: str) -> None:
    inputs = {"name": unique, **WORDS}
    resource = await engine.up("Automation", "a", inputs)
    row = await client.get(f"automations/{resource.id}")
    assert (row["trigger"]["type"], row["trigger"]["within"]) == ("compound", None)
    assert [(each["posture"], each["within"]) for each in row["trigger"]["triggers"]] == [
        ("Reactive", 0.0),
        ("Proactive", 10.0),
    ]
    assert row["actions"][0]["schedule_after"] == 3600.0
    assert await engine.refresh(resource) == []
    engine.forget_calls()
    assert (await engine.up("Automation", "a", inputs)).steps == ["same"]
    assert engine.transport.calls == []

    engine.resources.clear()  # as if the `up` that made it had been killed
    assert (await engine.up("Automation", "a", inputs)).id == resource.id


async def test_a_metric_trigger_on_a_self_hosted_server_is_refused_in_words(engine: Any, unique: str) -> None:
    metric = {"name": "lateness", "threshold": 5, "operator": ">"}
    with pytest.raises(grpc.aio.AioRpcError, match="no metric triggers, Prefect Cloud has"):
        await engine.up("Automation", "a", {"name": unique, "trigger": {"type": "metric", "metric": metric}})


async def test_nulls_of_an_import_and_of_an_older_state_are_no_difference(
    engine: Any, client: Any, unique: str
) -> None:
    """The server tells null for what was left out, and a change would make the trigger begin anew."""
    made = await engine.up("Automation", "a", {"name": unique, **WORDS})
    row = await client.get(f"automations/{made.id}")
    assert row["actions"][0]["parameters"] is None

    imported = await engine.import_("Automation", "b", made.id)
    program = {key: value for key, value in imported.values.items() if key in {"name", "trigger", "actions"}}
    state = {**imported.values, "trigger": {**program["trigger"], "within": None}, "actions": row["actions"]}
    engine.forget_calls()
    for known in (imported.state, wire.encode(state)):
        imported.state = known
        assert (await engine.up("Automation", "b", program)).steps == ["same"]
    assert engine.transport.calls == []
