"""What is said of a deployment, and what only the server knows of it."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from infra.provider.kinds import trigger as triggers
from infra.provider.kinds.kind import AdoptableShared, Outputs
from infra.provider.kinds.names import Name
from infra.provider.kinds.schedule import Schedule
from infra.provider.kinds.trigger import Trigger


class DeploymentInputs(AdoptableShared):
    name: Name = Field(description="Unique for its flow; descriptive: people look for it in the UI.")
    flow_name: Name = Field(description="The flow, made when there is none of that name.")
    entrypoint: str = Field(description="`path/file.py:function`, relative to the code's root.")
    work_pool_name: str = Field(description="The pool whose workers run it.")
    work_pool_id: str | None = Field(
        default=None, description="The pool's UUID: a pool that was made anew gets its deployments attached again."
    )
    work_queue_name: Name = Field(default="default", description="The pool's queue; the server makes a missing one.")
    description: str | None = Field(default=None, description="Markdown, shown in the UI.")
    version: str | None = Field(default=None, description="Of the code, at will.")
    tags: tuple[str, ...] = Field(default=(), description="Each of its runs has them too.")
    parameters: dict[str, Any] = Field(default_factory=dict, description="Defaults of the flow's parameters.")
    parameter_openapi_schema: dict[str, Any] | None = Field(
        default=None, description="The flow's signature as a JSON schema: the form in the UI, and what is enforced."
    )
    enforce_parameter_schema: bool = Field(default=True, description="Refuse runs whose parameters don't fit.")
    job_variables: dict[str, Any] = Field(
        default_factory=dict, description="Over the pool's job defaults: env, command, image, ..."
    )
    pull_steps: tuple[dict[str, Any], ...] = Field(default=(), description="How a worker gets at the code.")
    path: str | None = Field(default=None, description="The code's root, where no pull step sets it.")
    paused: bool = Field(default=False, description="A paused deployment's schedules make no runs.")
    concurrency_limit: int | None = Field(default=None, ge=1, description="Runs at once; none when left out.")
    global_concurrency_limit_id: str | None = Field(
        default=None, description="The UUID of a global limit that it shares with others, in place of one of its own."
    )
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"] = Field(
        default="ENQUEUE", description="What becomes of a run over the limit."
    )
    grace_period_seconds: int | None = Field(
        default=None, ge=60, le=86400, description="How long a run may take to start and keep its slot; the server's."
    )
    schedules: tuple[Schedule, ...] = Field(default=(), description="When it runs by itself.")
    triggers: tuple[Trigger, ...] = Field(default=(), description="What it runs upon, as in `prefect.yaml`.")

    @field_validator("schedules", mode="after")
    @classmethod
    def _each_once(cls, given: tuple[Schedule, ...]) -> tuple[Schedule, ...]:
        slugs = [schedule.slug for schedule in given]
        if repeated := sorted({slug for slug in slugs if slugs.count(slug) > 1}):
            raise ValueError(f"two schedules of one slug: {', '.join(repeated)}")
        return tuple(schedule.canonical() for schedule in given)

    @field_validator("triggers", mode="after")
    @classmethod
    def _named(cls, given: tuple[Trigger, ...], info: ValidationInfo) -> tuple[Trigger, ...]:
        return triggers.named(given, info.data["name"]) if "name" in info.data else given

    def canonical(self) -> dict[str, Any]:
        """The order of schedules and triggers has no meaning: one order, so that a diff shows none."""
        values = super().canonical()
        for key, name in (("schedules", "slug"), ("triggers", "name")):
            if key in values:
                values[key] = sorted(values[key], key=itemgetter(name))
        return values


class DeploymentOutputs(Outputs):
    deployment_id: str = Field(description="The server's UUID.")
    flow_id: str = Field(description="The UUID of its flow.")
    schedule_ids: dict[str, str] = Field(description="The schedules' UUIDs by slug.")
    trigger_ids: dict[str, str] = Field(
        default_factory=dict, description="The UUIDs of the triggers' automations by name."
    )
