"""An area of the company in one environment: its work pool, queues, workers and deployments."""

from __future__ import annotations

from typing import Any, cast

import pulumi
import pulumi_docker as docker

from infra.components.code import pull_steps, secret_blocks
from infra.components.docker_workers import docker_workers, job_defaults
from infra.components.platform import Platform
from infra.components.server import Server
from infra.components.workers import process_workers
from infra.model import Area as DeclaredArea
from infra.model import Deployment as DeclaredDeployment
from infra.model import Schedule as DeclaredSchedule
from infra.resources import Deployment, Schedule, WorkPool, WorkQueue


class Area(pulumi.ComponentResource):
    """One area. Its name in the stack file is its name everywhere."""

    name: str
    pool: WorkPool
    workers: list[docker.Container]
    deployments: dict[str, Deployment]
    """By the deployment's name."""

    def __init__(
        self,
        area: DeclaredArea,
        platform: Platform,
        server: Server,
    ) -> None:
        super().__init__("prefect-infra:index:Area", area.name, {}, None)
        self.name = area.name
        on_engine = pulumi.ResourceOptions(parent=self)
        on_server = server.child_options(self)
        labels = platform.naming.labels("data", area.name).items()
        data = docker.Volume(
            f"{area.name}-data",
            name=platform.naming.of("data", area.name),
            labels=[docker.VolumeLabelArgs(label=key, value=value) for key, value in labels],
            opts=on_engine,
        )
        is_docker = area.pool.type == "docker"
        baked = any(deployment.code.location == "image" for deployment in area.deployments)
        image = platform.images.build("flows" if baked else "worker", area.name)
        self.pool = WorkPool(
            area.pool.name,
            name=area.pool.name,
            type=area.pool.type,
            description=area.pool.description,
            concurrency_limit=area.pool.concurrency_limit,
            job_defaults=job_defaults(area, platform, server, image, data) if is_docker else None,
            opts=on_server,
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
                    opts=after_former,
                )
            )
        start = docker_workers if is_docker else process_workers
        # A worker without its pool would wait for it, and not be healthy.
        after_pool = pulumi.ResourceOptions(parent=self, depends_on=[self.pool])
        self.workers = start(area, platform, server, image, data, after_pool)
        blocks = secret_blocks(area.deployments, platform, on_server)
        # The server would make a missing queue of a deployment by itself, with no priority and no limit.
        after_queues = pulumi.ResourceOptions.merge(on_server, pulumi.ResourceOptions(depends_on=[*queues, *blocks]))
        self.deployments = {
            deployment.name: self._deployment(deployment, after_queues) for deployment in area.deployments
        }
        self.register_outputs({"work_pool": self.pool.name})

    def _deployment(self, declared: DeclaredDeployment, opts: pulumi.ResourceOptions) -> Deployment:
        return Deployment(
            declared.name,
            name=declared.name,
            flow_name=declared.flow_name,
            entrypoint=declared.entrypoint,
            work_pool=self.pool,
            work_queue_name=declared.work_queue_name,
            description=declared.description,
            tags=list(declared.tags),
            parameters=dict(declared.parameters),
            parameter_openapi_schema=dict(declared.parameter_schema),
            enforce_parameter_schema=declared.enforce_parameter_schema,
            job_variables=dict(declared.job_variables),
            pull_steps=pull_steps(declared),
            paused=declared.paused,
            concurrency_limit=declared.concurrency_limit,
            collision_strategy=declared.collision_strategy if declared.concurrency_limit else None,
            schedules=[_schedule(schedule) for schedule in declared.schedules],
            opts=opts,
        )


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
