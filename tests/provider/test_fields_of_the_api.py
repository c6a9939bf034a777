"""Every field that Prefect's API takes of an object is one of ours, or is left out for a reason that is told here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from prefect.client.schemas import actions as theirs
from prefect.client.schemas import schedules
from prefect.client.schemas.objects import ConcurrencyOptions, WorkPoolStorageConfiguration
from prefect.server.events.schemas import automations
from prefect.server.schemas import actions as servers

from infra.provider.kinds import KINDS
from infra.provider.kinds.kind import HOW_TO_ACT
from infra.provider.kinds.schedule import Schedule
from infra.provider.kinds.work_pool import StorageConfiguration

BY_NAME = {kind.token.rsplit(":", 1)[-1]: kind for kind in KINDS}
RUNTIME = "it counts what goes on, and is nobody's to declare"
BLOCKS_OF_PREFECT_2 = "a block of Prefect 2, which Prefect 3 doesn't look at"
CLOUD = "Prefect Cloud alone keeps it"


@dataclass(frozen=True)
class Taken:
    """What the API takes of a kind, and what becomes of it here."""

    models: tuple[Any, ...]
    called: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Fields that have other names here, each with those."""
    left: Mapping[str, str] = field(default_factory=dict)
    """Fields that are left out, each with the reason."""


def both(*names: str) -> tuple[Any, ...]:
    """The models of these names, as Prefect's client has them and as its server has them."""
    return tuple(getattr(module, name) for module in (theirs, servers) for name in names if hasattr(module, name))


TAKEN = {
    "WorkPool": Taken(both("WorkPoolCreate", "WorkPoolUpdate")),
    "WorkQueue": Taken(
        both("WorkQueueCreate", "WorkQueueUpdate"),
        left={
            "filter": "deprecated: of queues without a pool, which Prefect 3 has no more",
            "last_polled": RUNTIME,
        },
    ),
    "Deployment": Taken(
        both("DeploymentCreate", "DeploymentUpdate"),
        called={
            "flow_id": ("flow_name",),
            "concurrency_options": ("collision_strategy", "grace_period_seconds"),
        },
        left={
            "labels": "they hold the owner's mark, and the API takes them only when a deployment is made",
            "storage_document_id": BLOCKS_OF_PREFECT_2,
            "infrastructure_document_id": BLOCKS_OF_PREFECT_2,
            **dict.fromkeys(("version_info", "branch", "base", "root"), CLOUD),
        },
    ),
    "Block": Taken(
        both("BlockDocumentCreate", "BlockDocumentUpdate"),
        called={"block_type_id": ("type_slug",)},
        left={
            "block_schema_id": "the newest of its type, whenever the data is written",
            "is_anonymous": "an anonymous one has no name to declare it by",
            "merge_existing_data": "how to write, and not what: the data is always written whole",
        },
    ),
    "Variable": Taken(both("VariableCreate", "VariableUpdate")),
    "GlobalConcurrencyLimit": Taken(
        both(
            *("GlobalConcurrencyLimitCreate", "GlobalConcurrencyLimitUpdate"),
            *("ConcurrencyLimitV2Create", "ConcurrencyLimitV2Update"),
        ),
        left={"active_slots": RUNTIME, "denied_slots": RUNTIME},
    ),
    "TagConcurrencyLimit": Taken(both("ConcurrencyLimitCreate")),
    "Automation": Taken(
        (automations.AutomationCreate, automations.AutomationUpdate, automations.AutomationPartialUpdate),
        left={"owner_resource": "of a deployment's triggers, which are a part of the deployment"},
    ),
}
FLOW_LEFT = {
    "tags": "flows are made along with deployments, are shared by them, and are never written to again",
    "labels": "likewise",
}
"""Of a flow only the name is ours: it is no resource, since its deployments' stacks may be several."""
SCHEDULE_LEFT = {
    "max_scheduled_runs": "the server keeps it and looks at it nowhere",
    "replaces": "how to write, and not what: a schedule that has another slug is written to by its id",
}


def of(*models: Any) -> set[str]:
    return {name for model in models for name in model.model_fields}


@pytest.mark.parametrize("name", sorted(TAKEN))
def test_each_field_of_the_api_is_modelled_or_left_out_for_a_reason(name: str) -> None:
    taken = TAKEN[name]
    ours = set(BY_NAME[name].inputs.model_fields) - HOW_TO_ACT
    there = of(*taken.models)

    assert there - ours == taken.called.keys() | taken.left.keys()
    renamed = {here for names in taken.called.values() for here in names}
    assert renamed <= ours
    assert not ours & taken.left.keys()


def test_every_kind_that_lives_on_a_server_is_held_against_the_api() -> None:
    on_a_server = {name for name, kind in BY_NAME.items() if kind.inputs.model_fields.keys() & {"owners"}}
    assert on_a_server == set(TAKEN)


def test_each_field_of_a_schedule_is_modelled_or_left_out_for_a_reason() -> None:
    rules = of(schedules.CronSchedule, schedules.IntervalSchedule, schedules.RRuleSchedule)
    there = rules | of(*both("DeploymentScheduleCreate", "DeploymentScheduleUpdate"))
    assert there - {"schedule"} - Schedule.model_fields.keys() == set(SCHEDULE_LEFT)


def test_each_option_of_a_limit_and_of_a_pools_storage_is_modelled() -> None:
    assert of(ConcurrencyOptions) == set(TAKEN["Deployment"].called["concurrency_options"])
    assert of(WorkPoolStorageConfiguration) == set(StorageConfiguration.model_fields)


def test_of_a_flow_there_is_a_name_and_what_is_left_out_for_a_reason() -> None:
    assert of(*both("FlowCreate", "FlowUpdate")) - {"name"} == set(FLOW_LEFT)


@pytest.mark.server
async def test_what_is_not_declared_of_a_pools_storage_and_a_flow_survives_every_write_of_ours(
    engine: Any, client: Any, unique: str
) -> None:
    pool = {"name": unique, "type": "process"}
    made = await engine.up("WorkPool", "p", pool)
    storage = {"bundle_upload_step": {"s": {"bucket": "ui"}}}
    await client.patch(f"work_pools/{unique}", {"storage_configuration": storage})
    flow = await client.post("flows/", {"name": f"{unique}-f", "tags": ["ui"]})
    deployment = {"name": "d", "flow_name": f"{unique}-f", "entrypoint": "a.py:f", "work_pool_name": unique}
    resource = await engine.up("Deployment", "d", deployment)

    changed = {**pool, "description": "x", "job_defaults": {"stream_output": False}}
    await engine.up("WorkPool", "p", changed)
    await engine.up("Deployment", "d", {**deployment, "tags": ["x"]})
    await engine.destroy(resource)

    assert (await client.get(f"flows/{flow['id']}"))["tags"] == ["ui"]
    assert await engine.refresh(made) == []
    assert (await engine.up("WorkPool", "p", changed)).steps == ["same"]
    now = (await client.get(f"work_pools/{unique}"))["storage_configuration"]
    assert now["bundle_upload_step"] == storage["bundle_upload_step"]
