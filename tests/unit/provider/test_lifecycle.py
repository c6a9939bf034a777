"""Checks, previews and diffs, the same for every kind: what may be unknown, and what may not be wrong."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.provider.errors import StaleState
from infra.provider.kinds import KINDS
from infra.provider.kinds.kind import Session
from infra.provider.lifecycle import Lifecycle
from infra.provider.wire import UNKNOWN, Path

ZONE = "America/Argentina/Buenos_Aires"
STEPS = [{"prefect.deployments.steps.git_clone": {"repository": "https://x", "access_token": "t"}}]
FULL: dict[str, dict[str, Any]] = {
    "WorkPool": {
        "name": "compras-dev",
        "type": "docker",
        "description": "Compras",
        "concurrency_limit": 4,
        "is_paused": True,
        "job_defaults": {"image": "sha256:1", "env": {"A": "b"}, "networks": ["n"]},
        "job_configuration": {"command": "nice {{ command }}"},
        "base_job_template": {
            "job_configuration": {"command": "{{ command }}"},
            "variables": {"properties": {"image": {}, "env": {}, "networks": {}}},
        },
        "storage_configuration": {
            "bundle_upload_step": {"s": {"bucket": "b"}},
            "default_result_storage_block_id": "f3",
        },
    },
    "WorkQueue": {
        "work_pool_name": "compras-dev",
        "work_pool_id": "f2",
        "name": "urgente",
        "priority": 1,
        "concurrency_limit": 2,
        "is_paused": True,
        "description": "x",
    },
    "Deployment": {
        "name": "importar-lista",
        "flow_name": "importar",
        "entrypoint": "flows/a.py:f",
        "work_pool_name": "compras-dev",
        "work_pool_id": "f2",
        "work_queue_name": "urgente",
        "description": "x",
        "version": "1",
        "tags": ["a", "b"],
        "parameters": {"n": [1, {"x": None}]},
        "parameter_openapi_schema": {"type": "object", "properties": {}},
        "enforce_parameter_schema": False,
        "job_variables": {"env": {"TOKEN": "x"}, "command": "y"},
        "pull_steps": STEPS,
        "path": "/srv",
        "paused": True,
        "concurrency_limit": 1,
        "collision_strategy": "CANCEL_NEW",
        "grace_period_seconds": 120,
        "schedules": [
            {"slug": "b", "cron": "0 1 * * *", "timezone": ZONE, "active": False, "parameters": {"n": 1}},
            {"slug": "a", "interval": 3600, "timezone": ZONE, "anchor_date": "2026-01-01T00:00:00"},
            {"slug": "c", "rrule": "FREQ=DAILY", "timezone": ZONE},
        ],
        "triggers": [
            {
                "name": "b",
                "description": "x",
                "enabled": False,
                "parameters": {"n": "{{ event.id }}"},
                "job_variables": {"env": {"A": "b"}},
                "schedule_after": 60.0,
                "match": {"prefect.resource.id": "prefect.flow-run.*", "x": ["y"]},
                "match_related": [{"prefect.resource.role": "flow"}],
                "after": ["a"],
                "expect": ["e"],
                "for_each": ["prefect.resource.id"],
                "posture": "Proactive",
                "threshold": 2,
                "within": 30.0,
            },
            {
                "name": "a",
                "type": "compound",
                "require": 1,
                "within": 60.0,
                "triggers": [{"expect": ["e"]}, {"type": "sequence", "triggers": [{"expect": ["f"]}]}],
            },
            {"name": "m", "type": "metric", "metric": {"name": "lateness", "threshold": 5, "operator": ">"}},
        ],
    },
    "Block": {"name": "clave", "type_slug": "secret", "data": {"value": "x", "more": [1]}},
    "Variable": {"name": "limite", "value": {"a": [1]}, "tags": ["x"]},
    "GlobalConcurrencyLimit": {"name": "base", "limit": 3, "active": False, "slot_decay_per_second": 0.5},
    "TagConcurrencyLimit": {"tag": "base", "concurrency_limit": 3},
    "Automation": {
        "name": "avisar",
        "description": "x",
        "enabled": False,
        "tags": ["x"],
        "trigger": {
            "type": "compound",
            "require": 1,
            "within": "PT1H",
            "triggers": [{"type": "event", "match": {"a": "b"}, "match_related": [{"c": ["d"]}], "for_each": ["a"]}],
        },
        "actions": [
            {
                "type": "run-deployment",
                "deployment_id": "0196a1b2-0000-7000-8000-000000000000",
                "parameters": {"n": "{{ event.id }}", "m": [1]},
                "job_variables": {"env": {"A": "b"}},
                "schedule_after": "PT5M",
            },
            {"type": "pause-work-pool", "source": "inferred"},
        ],
        "actions_on_trigger": [{"type": "change-flow-run-state", "state": "FAILED", "message": "x"}],
        "actions_on_resolve": [
            {
                "type": "send-notification",
                "block_document_id": "0196a1b2-0000-7000-8000-000000000000",
                "body": "{{ flow_run|ui_url }}",
            }
        ],
    },
    "Profile": {
        "name": "prefect-infra-dev",
        "api_url": "http://127.0.0.1:4200/api",
        "auth_string": "admin:x",
        "ca_certificate": "PEM",
        "settings": {"PREFECT_LOGGING_LEVEL": "INFO"},
        "activate": True,
        "file": "/tmp/p.toml",
    },
    "HostPort": {"bind": "127.0.0.1", "port": "auto", "other_than": 4200, "host": "ssh://deploy@machine"},
    "GeneratedSecret": {"length": 16, "rotation": 2},
    "PidsLimit": {"container_id": "c", "limit": 64},
    "CompletedRun": {"container_id": "c", "timeout_seconds": 60},
    "HandedOver": {
        "name": "x",
        "container_id": "c",
        "labels": {"a": "b"},
        "ends_former": False,
        "comes_and_goes": False,
        "timeout_seconds": 60,
    },
    "LocalCertificate": {"hosts": ["127.0.0.1"], "valid_days": 30, "rotation": 2},
    "PushedImage": {"name": "registry:5000/x:1", "image_id": "sha256:0"},
    "SwarmService": {
        "namespace": "n",
        "name": "api",
        "service": {"image": "x"},
        "beside": {"networks": {}},
        "timeout_seconds": 60,
    },
    "NodeImage": {"name": "x-image", "image": "registry:5000/x@sha256:0", "constraint": "node.labels.a==b"},
    "NodeVolume": {"name": "datos", "node": "node-1", "image": "x", "user": "10001:999"},
    "EncryptionCheck": {"name": "cifrado", "image": "x"},
}
LIFECYCLES = {kind.token.rsplit(":", 1)[-1]: Lifecycle(kind) for kind in KINDS}
REQUIRED = {
    name: {key for key, field in lifecycle.kind.inputs.model_fields.items() if field.is_required()}
    for name, lifecycle in LIFECYCLES.items()
}
each = pytest.mark.parametrize("name", sorted(LIFECYCLES))


def places(value: Any, at: Path = ()) -> list[Path]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return ([at] if at else []) + [path for step, item in items for path in places(item, (*at, step))]


def with_(values: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    changed = copy.deepcopy(values)
    inner: Any = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return changed


def unknowns(value: Any, at: Path = ()) -> list[Path]:
    """Places of unknown values; those inside of a list by the list, which may come in another order."""
    if value is UNKNOWN:
        return [at]
    if isinstance(value, dict):
        return [path for key, item in value.items() for path in unknowns(item, (*at, key))]
    if isinstance(value, list | tuple):
        return [at for item in value for _ in unknowns(item)]
    return []


INSTEAD = {"Deployment": {"global_concurrency_limit_id"}}
"""Inputs that stand in for another one."""


def test_every_kind_is_looked_at_with_every_input() -> None:
    assert {name: set(inputs) | INSTEAD.get(name, set()) for name, inputs in FULL.items()} == {
        name: set(lifecycle.kind.inputs.model_fields) - lifecycle.kind.incomparable
        for name, lifecycle in LIFECYCLES.items()
    }


@each
def test_an_unknown_value_at_any_place_is_no_mistake_and_stays_unknown(name: str) -> None:
    for path in places(FULL[name]):
        given_ = with_(FULL[name], path, UNKNOWN)
        checked = LIFECYCLES[name].check({}, given_)
        assert (path, checked.failures) == (path, ())
        assert (path, unknowns(checked.inputs)) == (path, unknowns(given_))


@each
def test_beside_an_unknown_value_other_mistakes_are_still_told(name: str) -> None:
    for path in places(FULL[name]):
        given_ = with_(FULL[name], path, UNKNOWN)
        for key in REQUIRED[name] - {path[0]}:
            checked = LIFECYCLES[name].check({}, {other: given_[other] for other in given_ if other != key})
            assert (path, key, "is required") in {(path, f.path[0], f.reason) for f in checked.failures}
        for wrong in ({"no_such": 1}, {"no_such": UNKNOWN}, {"no_such": {"a": UNKNOWN}}):
            failures = LIFECYCLES[name].check({}, {**given_, **wrong}).failures
            assert [(f.path, f.reason.split(";")[0]) for f in failures] == [(("no_such",), "no such property")]
        if path[0] != "adopt":
            failures = LIFECYCLES[name].check({}, {**given_, "adopt": "maybe"}).failures
            assert [f.path for f in failures] == [("adopt",)]


def test_beside_an_unknown_value_in_a_schedule_its_own_mistakes_are_still_told() -> None:
    schedule = {"cron": UNKNOWN, "timezone": "America/Baires", "extra": UNKNOWN}
    checked = LIFECYCLES["Deployment"].check({}, {**FULL["Deployment"], "schedules": [schedule]})
    told = {failure.path: failure.reason for failure in checked.failures}
    assert set(told) == {("schedules", 0, "slug"), ("schedules", 0, "timezone"), ("schedules", 0, "extra")}


def test_beside_an_unknown_image_the_kinds_own_rules_still_hold() -> None:
    given_ = {"name": "a/b", "type": "docker", "job_defaults": {"image": UNKNOWN}}
    assert [failure.path for failure in LIFECYCLES["WorkPool"].check({}, given_).failures] == [("name",)]


@each
def test_the_canonical_form_is_its_own_canonical_form(name: str) -> None:
    once = LIFECYCLES[name].check({}, FULL[name])
    assert once.failures == ()
    twice = LIFECYCLES[name].check({}, once.inputs)
    assert twice.inputs == once.inputs
    assert LIFECYCLES[name].diff(once.inputs, twice.inputs).changes == ()


@each
def test_what_equals_a_default_is_as_good_as_left_out(name: str) -> None:
    fields = LIFECYCLES[name].kind.inputs.model_fields
    defaults = {
        key: field.get_default(call_default_factory=True) for key, field in fields.items() if not field.is_required()
    }
    bare = {key: FULL[name][key] for key in REQUIRED[name]}
    assert LIFECYCLES[name].check({}, {**defaults, **bare}).inputs == LIFECYCLES[name].check({}, bare).inputs


@each
def test_with_an_unknown_value_the_rest_still_is_in_canonical_form_where_it_can_be(name: str) -> None:
    """Else a preview would show changes that there are not."""
    known = LIFECYCLES[name].check({}, FULL[name]).inputs
    for path in places(FULL[name]):
        inputs = LIFECYCLES[name].check(known, with_(FULL[name], path, UNKNOWN)).inputs
        fields = {change.field for change in LIFECYCLES[name].diff(known, inputs).changes}
        assert (path, fields) == (path, {path[0]})


@each
def test_the_preview_of_a_creation_knows_the_inputs_and_none_of_the_outputs(name: str) -> None:
    inputs = LIFECYCLES[name].check({}, FULL[name]).inputs
    planned = LIFECYCLES[name].preview_create(inputs)
    outputs = set(LIFECYCLES[name].kind.outputs.model_fields)
    assert {key: value for key, value in planned.items() if key not in outputs} == inputs
    assert {key for key in outputs if planned[key] is UNKNOWN} == outputs


@each
def test_a_change_of_what_identifies_an_object_makes_the_new_one_first(name: str) -> None:
    lifecycle = LIFECYCLES[name]
    inputs = lifecycle.check({}, FULL[name]).inputs
    assert lifecycle.diff(inputs, inputs).replaces == ()
    for key in lifecycle.kind.renamed_by:
        assert lifecycle.diff(inputs, {**inputs, key: "otro"}).replaces == ()
    for key in (set(lifecycle.kind.replaced_by) | set(lifecycle.kind.identity)) - lifecycle.kind.renamed_by:
        plan = lifecycle.diff(inputs, {**inputs, key: UNKNOWN})
        assert [change.field for change in plan.replaces] == [key]
        assert plan.delete_first is (key not in lifecycle.kind.identity)


@each
def test_how_to_act_is_no_difference(name: str) -> None:
    inputs = LIFECYCLES[name].check({}, FULL[name]).inputs
    assert LIFECYCLES[name].diff(inputs, {**inputs, "adopt": True}).changes == ()


json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3) | st.just(UNKNOWN),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_no_input_at_all_makes_a_check_fall_over(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(LIFECYCLES)))
    path = data.draw(st.sampled_from(places(FULL[name])))
    other = data.draw(st.sampled_from(places(FULL[name])))
    values = with_(FULL[name], path, data.draw(json))
    if path != other[: len(path)]:
        values = with_(values, other, data.draw(json))
    checked = LIFECYCLES[name].check({}, values)
    if not checked.failures and not unknowns(values):
        assert LIFECYCLES[name].check({}, checked.inputs) == checked


def test_an_old_state_that_the_kind_no_longer_understands_doesnt_disturb_a_check() -> None:
    assert LIFECYCLES["WorkPool"].check({"gone": 1}, {"name": "a", "type": "process"}).failures == ()


@each
@pytest.mark.parametrize("verb", ["update", "delete"])
async def test_a_state_that_another_version_wrote_is_told_in_words_with_what_to_do(name: str, verb: str) -> None:
    lifecycle = LIFECYCLES[name]
    inputs = lifecycle.check({}, FULL[name]).inputs
    outputs = dict.fromkeys(lifecycle.kind.outputs.model_fields, "x")
    stale = {**inputs, **outputs, min(REQUIRED[name] or inputs): [["canary"]]}

    def connect() -> Any:
        raise AssertionError("nothing may be asked of a server")

    session = Session(owner="p/s", connect=connect)
    work = (
        lifecycle.update(session, "id", stale, inputs) if verb == "update" else lifecycle.delete(session, "id", stale)
    )
    with pytest.raises(StaleState, match=r"another version of the provider.*`pulumi refresh`") as told:
        await work
    assert "canary" not in str(told.value)


@pytest.mark.parametrize("unknown", ["work_pool_id", "concurrency_limit", "work_pool_name"])
def test_beside_an_unknown_input_a_kinds_rules_over_the_others_still_hold(unknown: str) -> None:
    values = {**FULL["Deployment"], "name": "a/b", "entrypoint": "a.py"}
    for old in ({}, LIFECYCLES["Deployment"].check({}, FULL["Deployment"]).inputs):
        failures = LIFECYCLES["Deployment"].check(old, {**values, unknown: UNKNOWN}).failures
        assert {failure.path for failure in failures} == {("name",), ("entrypoint",)}
