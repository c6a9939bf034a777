"""An area of the company in one environment: its work pool, queues, workers and deployments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import pulumi

from infra.components.alerts import alerts
from infra.components.code import pull_steps, secret_blocks
from infra.components.container import Running
from infra.components.docker_workers import docker_workers, job_defaults
from infra.components.existing_server import ExistingServer
from infra.components.platform import Platform
from infra.components.server import Server
from infra.components.workers import machines_of, process_workers
from infra.model import Area as DeclaredArea
from infra.model import Deployment as DeclaredDeployment
from infra.model import Schedule as DeclaredSchedule
from infra.resources import Deployment, Schedule, Trigger, WorkPool, WorkQueue

LEFT_TO_THE_SERVER: Final = {"job_defaults": "ui", "base_job_template": "ui"}
"""Of a pool on a server that is there already: its workers are others', and so is what they are told by default."""


class Area(pulumi.ComponentResource):
    """One area. Its name in the stack file is its name everywhere."""

    name: str
    pool: WorkPool
    workers: Sequence[str]
    """Their names."""
    deployments: dict[str, Deployment]
    """By the deployment's name."""

    def __init__(
        self,
        area: DeclaredArea,
        platform: Platform,
        server: Server | ExistingServer,
    ) -> None:
        super().__init__("prefect-infra:index:Area", area.name, {}, None)
        self.name = area.name
        on_server = server.child_options(self)
        self._existing = isinstance(server, ExistingServer)
        engine = None if isinstance(server, ExistingServer) else self._on_engine(area, platform, server)
        protect = platform.stack.server.protect if self._existing else None
        self.pool = WorkPool(
            area.pool.name,
            name=area.pool.name,
            type=area.pool.type,
            description=area.pool.description,
            concurrency_limit=area.pool.concurrency_limit,
            is_paused=area.pool.paused,
            job_defaults=engine.job_defaults if engine else None,
            owners=None if engine else LEFT_TO_THE_SERVER,
            opts=pulumi.ResourceOptions.merge(on_server, pulumi.ResourceOptions(protect=protect)),
        )
        queues: list[WorkQueue] = []
        for queue in area.pool.queues:
            # One after the other, the most urgent first: a queue that takes a priority pushes the others down.
            after_former = pulumi.ResourceOptions.merge(on_server, pulumi.ResourceOptions(depends_on=queues[-1:]))
            queues.append(
                WorkQueue(
                    f"{area.pool.name}/{queue.name}",
                    work_pool=self.pool,
                    name=queue.name,
                    priority=queue.priority,
                    concurrency_limit=queue.concurrency_limit,
                    is_paused=queue.paused,
                    description=queue.description,
                    adopt=queue.adopt or None,
                    opts=after_former,
                )
            )
        # A worker without its pool would wait for it, and not be healthy.
        after_pool = pulumi.ResourceOptions(parent=self, depends_on=[self.pool])
        self.workers = engine.start(after_pool).names if engine else []
        blocks = secret_blocks(area.deployments, platform, on_server)
        # The server would make a missing queue of a deployment by itself, with no priority and no limit.
        after_queues = pulumi.ResourceOptions.merge(on_server, pulumi.ResourceOptions(depends_on=[*queues, *blocks]))
        self.deployments = {
            deployment.name: self._deployment(deployment, after_queues) for deployment in area.deployments
        }
        if area.alerts:
            # Events of a pool that isn't there yet come from nowhere: the order is for people who read a plan.
            after_the_pool = pulumi.ResourceOptions.merge(on_server, pulumi.ResourceOptions(depends_on=[self.pool]))
            alerts(area.alerts, area.pool.name, platform, after_the_pool)
        self.register_outputs({"work_pool": self.pool.name})

    def _on_engine(self, area: DeclaredArea, platform: Platform, server: Server) -> _Engine:
        """What an area has on the engine, where its workers are ours."""
        naming, own = platform.naming, pulumi.ResourceOptions(parent=self)
        data = platform.runtime.volume(
            f"{area.name}-data", naming.of("data", area.name), naming.labels("data", area.name), own
        )
        is_docker = area.pool.type == "docker"
        baked = any(deployment.code.location == "image" for deployment in area.deployments)
        image = platform.images.build("flows" if baked else "worker", area.name)
        if is_docker:
            role, name = f"{area.name}-image", naming.of("image", area.name)
            image = platform.runtime.on_each_machine(role, name, image, machines_of(area), own)
        workers = docker_workers if is_docker else process_workers
        return _Engine(
            job_defaults=job_defaults(area, platform, server, image, data) if is_docker else None,
            start=lambda opts: workers(area, platform, server, image, data, opts),
        )

    def _deployment(self, declared: DeclaredDeployment, opts: pulumi.ResourceOptions) -> Deployment:
        unknown = self._existing and declared.on_trust
        return Deployment(
            declared.name,
            name=declared.name,
            flow_name=declared.flow_name,
            entrypoint=declared.entrypoint,
            work_pool=self.pool,
            work_queue_name=declared.work_queue_name,
            description=declared.description,
            version=declared.version,
            tags=list(declared.tags),
            parameters=dict(declared.parameters),
            parameter_openapi_schema=None if unknown else dict(declared.parameter_schema),
            enforce_parameter_schema=declared.enforce_parameter_schema,
            job_variables=dict(declared.job_variables),
            pull_steps=pull_steps(declared),
            paused=declared.paused,
            concurrency_limit=declared.concurrency_limit,
            collision_strategy=declared.collision_strategy if declared.concurrency_limit else None,
            grace_period_seconds=declared.grace_period_seconds,
            schedules=[_schedule(schedule) for schedule in declared.schedules],
            triggers=[cast(Trigger, trigger) for trigger in declared.triggers],
            owners=_left_to_the_server(unknown=unknown) if self._existing else None,
            opts=opts,
        )


@dataclass(frozen=True)
class _Engine:
    job_defaults: pulumi.Input[dict[str, Any]] | None
    start: Callable[[pulumi.ResourceOptions], Running]


def _left_to_the_server(*, unknown: bool) -> dict[str, str]:
    """`path` counts where there is no pull step, and who deploys sets it; of a flow elsewhere, the signature, too."""
    return {"path": "ui", **({"parameter_openapi_schema": "ui"} if unknown else {})}


def _schedule(declared: DeclaredSchedule) -> Schedule:
    keys: dict[str, Any] = {
        "slug": declared.slug,
        "timezone": declared.timezone,
        "cron": declared.cron,
        "interval": declared.interval,
        "rrule": declared.rrule,
        "day_or": declared.day_or,
        "anchor_date": declared.anchor_date,
        "active": declared.active,
        "parameters": dict(declared.parameters),
    }
    return cast(Schedule, {key: value for key, value in keys.items() if value is not None})
