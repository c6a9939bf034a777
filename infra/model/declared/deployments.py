"""Deployments, their schedules and what is said of all of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from infra.model.declared.declaration import Declared, Json, Limit, Text
from infra.model.declared.triggers import Trigger
from infra.model.declared.workers import Code, Env, LoggingOverride
from infra.model.partial import Partial
from infra.model.schema_hints import OrNumber

ENVIRONMENT_NAME = r"^[a-z][a-z0-9]*$"
EnvironmentName = Annotated[str, StringConstraints(pattern=ENVIRONMENT_NAME)]


class Schedule(Declared):
    """One of `cron`, `interval` and `rrule`."""

    cron: Text | None = Field(None, examples=["30 1,13,17 * * *", "0 8 * * 1-5", "0 18 L * *"])
    """Minute, hour, day of month, month, day of week; in local time."""
    day_or: bool | None = None
    """With cron. false: day of month and day of week must both hold."""
    interval: int | Text | None = Field(None, examples=["15m", "2h", "1d", 3600])
    """Whole seconds, or text such as 30s, 15m, 2h, 1d, 1h30m."""
    anchor_date: Text | None = Field(None, examples=["2026-01-01T08:00:00"])
    """With interval. The local time that it counts from."""
    rrule: Text | None = Field(None, examples=["FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=7;BYMINUTE=0;BYSECOND=0"])
    """RFC 5545, one rule or several lines."""
    timezone: Text | None = Field(None, examples=["America/Santiago"])
    """An IANA name; default: the stack's. Never UTC."""
    slug: Text | None = Field(None, examples=["tres-por-dia"])
    """What the schedule is known by; default: from its rule."""
    active: bool | None = None
    """Whether it makes runs; default: schedules_active of the deployment, the area or the stack."""
    parameters: Json = Field({})
    """Over the deployment's own."""


class WorkPool(Declared):
    name: Text | None = Field(None, examples=["compras-dev"])
    """May be left out: it can only be <area>-<environment>."""
    work_queue_name: Text | None = Field(None, examples=["urgente"])
    """One of the area's queues; default: default."""
    job_variables: Json = Field({}, examples=[{"stream_output": True}])
    """What a run gets from the worker, over everything else."""


class Concurrency(Declared):
    limit: Limit
    """Runs of the deployment at once."""
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"] = "ENQUEUE"
    """What becomes of a run over the limit. ENQUEUE: it waits. CANCEL_NEW: it is dropped."""
    grace_period_seconds: Annotated[int, Field(ge=60, le=86400)] | None = None
    """How long a run may take to start and keep its place; default: the server's."""


class DeploymentDefaults(Declared):
    """What deployments have unless they say otherwise."""

    tags: list[Text] = Field([], examples=[["precios", "proveedores"]])
    """Tags of the deployment and its runs."""
    parameters: Json = Field({})
    """The flow's arguments. From `defaults`, each goes to the flows that take it."""
    enforce_parameter_schema: bool = True
    """true: the server refuses runs whose parameters don't fit."""
    paused: bool = False
    """true: its schedules make no runs."""
    concurrency_limit: Annotated[Concurrency, OrNumber()] | None = Field(None, examples=[1])
    """Runs at once; a number, or limit and collision_strategy."""
    work_pool: WorkPool = Field(default_factory=WorkPool)
    """Which queue its runs wait in, and what the worker is told."""
    command: Text | None = None
    """What the worker runs instead of its own command."""


class DeploymentKeys(DeploymentDefaults):
    """What an overlay may change of a deployment."""

    entrypoint: Text = Field(examples=["flows/compras/lista_de_precios.py:importar_lista_de_precios"])
    """path/file.py:function, relative to the root of the code."""
    flow_name: Text | None = Field(None, examples=["importar-lista-de-precios"])
    """The flow's name, where its file is in another repository; default: its function's, with - for _."""
    description: str | None = None
    """Default: the first paragraph of the flow's docstring; "" for none."""
    version: Text | None = None
    """Of the code, at will."""
    schedules: list[Schedule] = Field([])
    """When it runs. An overlay replaces all of them."""
    schedules_active: bool | None = None
    """Whether its schedules make runs unless they say otherwise; default: the area's or the stack's."""
    triggers: list[Trigger] = Field([])
    """What it runs upon, beside schedules. An overlay replaces all of them."""
    env: Env = Field({}, examples=[{"CLAVE": "valor"}])
    """Environment variables of its runs, over the area's."""
    logging: LoggingOverride = Field(default_factory=LoggingOverride)
    """Over the area's."""
    code: Code | None = None
    """Where its flow is found; default: the area's or the stack's."""
    pull: list[Json] | None = Field(
        None, examples=[[{"prefect.deployments.steps.set_working_directory": {"directory": "/opt/flujos"}}]]
    )
    """The steps by which a worker gets the code, in place of `code`; [] for none."""


class Deployment(DeploymentKeys):
    name: Text = Field(examples=["importar-lista-de-precios"])
    """Unique in the stack."""
    only_in: list[EnvironmentName] | None = Field(None, examples=[["dev"]])
    """The environments that have it; default: all."""
    overlays: dict[EnvironmentName, Annotated[DeploymentKeys, Partial()] | None] = Field(default={}, alias="in")
    """What differs, by environment: mappings are merged, the rest replaced; null takes away."""
