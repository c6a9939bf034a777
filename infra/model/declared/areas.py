"""Areas and their queues."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from infra.model.declared.declaration import Declared, Text
from infra.model.declared.deployments import Deployment, DeploymentDefaults, EnvironmentName
from infra.model.declared.upkeep import Alerts
from infra.model.declared.workers import Code, Env, LoggingOverride, WorkersOverride
from infra.model.partial import Partial


class Queue(Declared):
    priority: Annotated[int, Field(ge=1)] | None = None
    """1 goes first; unique in the pool. Default: the lowest number that is free."""
    concurrency_limit: Annotated[int, Field(ge=0)] | None = None
    """Runs of the queue at once; default: no limit."""
    description: str | None = None
    """What the queue is for."""
    paused: bool = False
    """true: nothing is taken from the queue."""
    adopt: bool = False
    """true: one that was made elsewhere, as in the UI, is taken over and overwritten."""


class AreaKeys(Declared):
    """What an overlay may change of an area."""

    title: Text | None = Field(None, examples=["Compras"])
    """Default: the area's name with a capital."""
    description: str | None = None
    """Of the work pool."""
    work_pool_name: Text | None = Field(None, examples=["pool-de-antes"])
    """A pool that is there already under another name; the rule PI219 must be turned down for it."""
    concurrency_limit: Annotated[int, Field(ge=0)] | None = None
    """Runs of the pool at once; default: no limit."""
    paused: bool = False
    """true: nothing is taken from the pool."""
    queues: dict[Text, Queue] = Field({}, examples=[{"urgente": {"priority": 1}}])
    """The pool's queues, by name."""
    workers: WorkersOverride = Field(default_factory=WorkersOverride)
    """Over the stack's, field by field."""
    logging: LoggingOverride = Field(default_factory=LoggingOverride)
    """Over the stack's, field by field."""
    env: Env = Field({}, examples=[{"DATOS_DIR": "/datos"}])
    """Environment variables of its workers and runs, over the stack's."""
    code: Code | None = None
    """Where workers find the flows; default: the stack's."""
    schedules_active: bool | None = None
    """Whether its schedules make runs unless they say otherwise; default: the stack's."""
    alerts: Alerts | None = None
    """Who is told when its runs fail or its workers are gone; default: the stack's."""
    defaults: DeploymentDefaults = Field(default_factory=DeploymentDefaults)
    """What its deployments have unless they say otherwise."""


class Area(AreaKeys):
    deployments: list[Deployment] = Field([])
    """Flows that can be run here, by schedule or by hand."""
    overlays: dict[EnvironmentName, Annotated[AreaKeys, Partial()] | None] = Field(default={}, alias="in")
    """What differs, by environment: mappings are merged, the rest replaced; null takes away."""
