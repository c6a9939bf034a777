"""Deployments and their schedules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

import pulumi

from infra.resources.light_program import given, lighten
from infra.resources.work_pool import WorkPool


class _Slug(TypedDict):
    slug: str
    timezone: str


class Schedule(_Slug, total=False):
    """One of `cron`, `interval` (seconds) and `rrule`. What each key means: `infra.provider.kinds.schedule`."""

    cron: str
    interval: float
    rrule: str
    day_or: bool
    anchor_date: str
    active: bool
    parameters: Mapping[str, Any]


class Condition(TypedDict, total=False):
    """When a trigger fires, as in `prefect.yaml`. What each key means: `infra.provider.kinds.trigger`."""

    type: Literal["event", "metric", "compound", "sequence"]
    match: Mapping[str, pulumi.Input[str] | Sequence[pulumi.Input[str]]]
    match_related: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    after: Sequence[str]
    expect: Sequence[str]
    for_each: Sequence[str]
    posture: Literal["Reactive", "Proactive", "Metric"]
    threshold: int
    within: float | str
    metric: Mapping[str, Any]
    triggers: Sequence[Condition]
    require: int | Literal["any", "all"]


class Trigger(Condition, total=False):
    """A condition upon which the deployment runs, and what it is run with."""

    name: str
    description: str
    enabled: bool
    parameters: Mapping[str, Any]
    job_variables: Mapping[str, Any]
    schedule_after: float | str


class Deployment(pulumi.CustomResource):
    """A deployment. Its id is the server's UUID; `flow/deployment` imports it too."""

    name: pulumi.Output[str]
    deployment_id: pulumi.Output[str]
    flow_id: pulumi.Output[str]
    schedule_ids: pulumi.Output[Mapping[str, str]]
    trigger_ids: pulumi.Output[Mapping[str, str]]

    def __init__(
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str],
        flow_name: pulumi.Input[str],
        entrypoint: pulumi.Input[str],
        work_pool: WorkPool,
        work_queue_name: pulumi.Input[str] | None = None,
        description: pulumi.Input[str] | None = None,
        version: pulumi.Input[str] | None = None,
        tags: pulumi.Input[Sequence[str]] | None = None,
        parameters: pulumi.Input[Mapping[str, Any]] | None = None,
        parameter_openapi_schema: pulumi.Input[Mapping[str, Any]] | None = None,
        enforce_parameter_schema: pulumi.Input[bool] | None = None,
        job_variables: pulumi.Input[Mapping[str, Any]] | None = None,
        pull_steps: pulumi.Input[Sequence[Mapping[str, Any]]] | None = None,
        path: pulumi.Input[str] | None = None,
        paused: pulumi.Input[bool] | None = None,
        concurrency_limit: pulumi.Input[int] | None = None,
        global_concurrency_limit_id: pulumi.Input[str] | None = None,
        collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"] | None = None,
        grace_period_seconds: pulumi.Input[int] | None = None,
        schedules: Sequence[Schedule] | None = None,
        triggers: Sequence[Trigger] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        owners: pulumi.Input[Mapping[str, str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "name": name,
            "flow_name": flow_name,
            "entrypoint": entrypoint,
            "work_pool_name": work_pool.name,
            "work_pool_id": work_pool.work_pool_id,
            "work_queue_name": work_queue_name,
            "description": description,
            "version": version,
            "tags": tags,
            "parameters": parameters,
            "parameter_openapi_schema": parameter_openapi_schema,
            "enforce_parameter_schema": enforce_parameter_schema,
            "job_variables": job_variables,
            "pull_steps": pull_steps,
            "path": path,
            "paused": paused,
            "concurrency_limit": concurrency_limit,
            "global_concurrency_limit_id": global_concurrency_limit_id,
            "collision_strategy": collision_strategy,
            "grace_period_seconds": grace_period_seconds,
            "schedules": schedules,
            "triggers": triggers,
            "adopt": adopt,
            "owners": owners,
        }
        outputs = dict.fromkeys(("deployment_id", "flow_id", "schedule_ids", "trigger_ids"))
        lighten()
        super().__init__("prefect:index:Deployment", resource_name, {**given(properties), **outputs}, opts)
