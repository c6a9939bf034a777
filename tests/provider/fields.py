"""What can be declared of each kind on the server, field by field, and what somebody else could make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ZONE = "America/Argentina/Buenos_Aires"
RULE = {"type": "event", "posture": "Reactive", "expect": ["a"], "threshold": 1, "within": 0}
RUN: Mapping[str, Any] = {"type": "do-nothing"}


@dataclass(frozen=True)
class Case:
    """A value to declare, and what somebody else makes of it."""

    value: Any
    outside: Any
    beside: dict[str, Any] = field(default_factory=dict)
    """What must be declared along with it."""
    sent: dict[str, Any] | None = None
    """The body of the edit, where it isn't the field's name with the other value."""
    none: Any = None
    """What says that there is to be none, where leaving it out says nothing."""


@dataclass(frozen=True)
class Subject:
    """A kind: what it can't do without, where it is edited, and its fields."""

    base: dict[str, Any]
    path: str
    fields: dict[str, Case]
    whole: tuple[str, ...] = ()
    """The API has no partial edits: what must be sent along."""
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Fields that are no part of this, with the reason."""


WORK_POOL_ID = {"work_pool_id": "a pool made anew: test_deployment.py"}
SUBJECTS = {
    "WorkPool": Subject(
        {"name": "{name}", "type": "process"},
        "work_pools/{id}",
        {
            "description": Case("x", "UI"),
            "concurrency_limit": Case(4, 1),
            "is_paused": Case(True, False),
            "job_defaults": Case({"stream_output": False}, None),  # inside of the template: see `edited`
            "job_configuration": Case({"command": "true"}, None),  # so is this one
            "base_job_template": Case(
                {"job_configuration": {"command": "{{ command }}"}, "variables": {"properties": {"command": {}}}},
                {"job_configuration": {"command": "true"}, "variables": {"properties": {"command": {}}}},
            ),
            "storage_configuration": Case(
                {"bundle_upload_step": {"prefect_aws.experimental.bundles.upload": {"bucket": "b"}}},
                {"bundle_execution_step": {"prefect_aws.experimental.bundles.execute": {"bucket": "ui"}}},
                none={},
            ),
        },
    ),
    "WorkQueue": Subject(
        {"name": "{name}", "work_pool_name": "{pool}"},
        "work_pools/{pool}/queues/{name}",
        {
            "priority": Case(3, 5),
            "concurrency_limit": Case(2, 7),
            "is_paused": Case(True, False),
            "description": Case("x", "UI"),
        },
    ),
    "Deployment": Subject(
        {"name": "{name}", "flow_name": "{name}-f", "entrypoint": "a.py:f", "work_pool_name": "{pool}"},
        "deployments/{id}",
        {
            "entrypoint": Case("b.py:g", "c.py:h"),
            "work_pool_name": Case("{pool}-2", "{pool}"),
            "work_queue_name": Case("urgente", "otra", sent={"work_pool_name": "{pool}", "work_queue_name": "otra"}),
            "description": Case("x", "UI"),
            "version": Case("3", "9"),
            "tags": Case(["a", "b"], ["ui"]),
            "parameters": Case({"n": 1}, {"n": 5}),
            "parameter_openapi_schema": Case(
                {"type": "object", "properties": {"n": {"type": "integer"}}}, {"type": "object", "properties": {}}
            ),
            "enforce_parameter_schema": Case(
                False, True, beside={"parameter_openapi_schema": {"type": "object", "properties": {}}}
            ),
            "job_variables": Case({"env": {"A": "b"}}, {"env": {}}),
            "pull_steps": Case([{"prefect.deployments.steps.set_working_directory": {"directory": "/srv"}}], []),
            "path": Case("/srv", "/ui"),
            "paused": Case(True, False),
            "concurrency_limit": Case(2, 7),
            "collision_strategy": Case(
                "CANCEL_NEW",
                None,
                beside={"concurrency_limit": 2},
                sent={"concurrency_limit": 2, "concurrency_options": {"collision_strategy": "ENQUEUE"}},
            ),
            "grace_period_seconds": Case(
                120,
                None,
                beside={"concurrency_limit": 2},
                sent={"concurrency_options": {"collision_strategy": "ENQUEUE", "grace_period_seconds": 900}},
            ),
            "schedules": Case(
                [{"slug": "a", "cron": "0 6 * * *", "timezone": ZONE}],
                None,
                sent={"schedules": [{"slug": "a", "schedule": {"cron": "0 7 * * *", "timezone": ZONE}}]},
            ),
        },
        elsewhere={
            **WORK_POOL_ID,
            "triggers": "automations: test_triggers.py",
            "global_concurrency_limit_id": "another object: test_shared_limit.py",
        },
    ),
    "Block": Subject(
        {"name": "{name}", "type_slug": "secret", "data": {"value": "x"}},
        "block_documents/{id}",
        {"data": Case({"value": "y"}, {"value": "UI"})},
    ),
    "Variable": Subject(
        {"name": "{name}", "value": 1},
        "variables/name/{name}",
        {"value": Case({"a": [1]}, "UI"), "tags": Case(["x"], ["ui"])},
    ),
    "GlobalConcurrencyLimit": Subject(
        {"name": "{name}", "limit": 1},
        "v2/concurrency_limits/{name}",
        {"limit": Case(3, 9), "active": Case(False, True), "slot_decay_per_second": Case(0.5, 0.25)},
    ),
    "TagConcurrencyLimit": Subject(
        {"tag": "{name}", "concurrency_limit": 1},
        "concurrency_limits/",
        {"concurrency_limit": Case(3, 9, sent={"tag": "{name}", "concurrency_limit": 9})},
    ),
    "Automation": Subject(
        {"name": "{name}", "trigger": RULE},
        "automations/{id}",
        {
            "description": Case("x", "UI"),
            "enabled": Case(False, True),
            "tags": Case(["x", "y"], ["ui"]),
            "trigger": Case({**RULE, "threshold": 2}, {**RULE, "threshold": 3}),
            "actions": Case([RUN], []),
            "actions_on_trigger": Case([RUN], []),
            "actions_on_resolve": Case([RUN], []),
        },
        whole=(
            "name",
            "description",
            "enabled",
            "tags",
            "trigger",
            "actions",
            "actions_on_trigger",
            "actions_on_resolve",
        ),
        elsewhere={"name": "names aren't unique on the server: test_automation_names.py"},
    ),
}


OF_OTHER_OBJECTS: Mapping[tuple[str, str], Case] = {
    ("Deployment", "triggers"): Case([{"name": "{name}-t", "expect": ["a"]}], ["ui"]),
    ("Deployment", "global_concurrency_limit_id"): Case("{limit}", "{limit-of-people}"),
}
"""Fields whose edit is one of another object, or names one."""


def filled(value: Any, names: Mapping[str, str]) -> Any:
    match value:
        case str():
            for name, text in names.items():
                value = value.replace(f"{{{name}}}", text)
            return value
        case dict():
            return {key: filled(item, names) for key, item in value.items()}
        case list():
            return [filled(item, names) for item in value]
        case _:
            return value


async def edited(client: Any, path: str, subject: Subject, case: Case, name: str, names: Mapping[str, str]) -> None:
    body = filled(case.sent if case.sent is not None else {name: case.outside}, names)
    if subject.whole:
        row = await client.get(path)
        await client.put(path, {**{key: row[key] for key in subject.whole}, **body})
    elif name == "triggers":
        (row,) = await client.get(f"automations/related-to/prefect.deployment.{path.rpartition('/')[2]}")
        kept = {key: row[key] for key in SUBJECTS["Automation"].whole}
        await client.put(f"automations/{row['id']}", {**kept, "trigger": {**row["trigger"], "expect": case.outside}})
    elif name in {"job_defaults", "job_configuration"}:
        template = (await client.get(path))["base_job_template"]
        if name == "job_defaults":
            template["variables"]["properties"]["stream_output"]["default"] = True
        else:
            template["job_configuration"]["command"] = "false"
        await client.patch(path, {"base_job_template": template})
    elif path.endswith("/"):
        await client.post(path, body)
    else:
        await client.patch(path, body)
