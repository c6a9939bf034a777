"""An area's worker containers: they poll its pool, never make one, and come back by themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pulumi

from infra.components.code import checkout_mounts
from infra.components.container import Container, Health, Limits, Running, Volume, volume_mount
from infra.components.image import BuiltImage
from infra.components.inner_profile import inner_profile
from infra.components.platform import Platform
from infra.components.server import Server
from infra.model import Area, Stack

DATA: Final = "/var/lib/flows"
LIVES: Final = f"{DATA}/.workers"
"""Where each process of a worker shows that it lives, to others of its name: those of one machine share the volume."""
PROFILE: Final = "/etc/prefect/worker-profile.toml"
HEALTH: Final = Health(url="http://127.0.0.1:8080/health")
FAREWELL_SECONDS: Final = 45  # 10 each for SIGTERM and SIGKILL, 5 to say good-bye, and as much again on a busy machine
QUERY_SECONDS: Final = 5  # how often a worker asks for runs: half of Prefect's default, still one small call
RETRIED: Final = "500,504"
"""Answers that Prefect's client tries again beside 408, 429, 502 and 503. A server whose database or Redis is away for
a moment answers 500 (3.8.8, run); left alone, a flow run that starts just then ends there, and stays Pending.
"""
RETRIES_OF_RUNS: Final = "7"
"""Each waits twice as long as the one before, from 2 s: four minutes in all, where Prefect's own 5 are one. A flow that
can't tell that it ended has been run for nothing. A worker asks again anyway, and soon: it keeps the 5.
"""


def process_workers(
    area: Area,
    platform: Platform,
    server: Server,
    image: BuiltImage,
    data: Volume,
    opts: pulumi.ResourceOptions,
) -> Running:
    """Workers that run flows as processes of their own container."""
    limits = Limits(memory_mb=area.workers.memory_mb, cpus=area.workers.cpus, pids=area.workers.pids)
    described = worker(area, platform, server, image, limits)
    return platform.runtime.run(
        replace(
            described,
            # Its runs are processes of its own, and inherit this.
            environment={"PREFECT_CLIENT_MAX_RETRIES": RETRIES_OF_RUNS, **described.environment},
            mounts=[volume_mount(data, DATA), *checkout_mounts(platform.stack.root, area.deployments)],
            files=connection_files(server),
        ),
        opts,
    )


def worker(area: Area, platform: Platform, server: Server, image: BuiltImage, limits: Limits) -> Container:
    """What workers of any type are, before they have what they run flows with."""
    return Container(
        name=platform.naming.of("worker", area.name),
        labels=platform.naming.labels("worker", area.name),
        image=image.reference,
        command=worker_command(area),
        environment=worker_environment(area, platform.stack, server),
        limits=limits,
        network=server.network,
        health=HEALTH,
        stop_seconds=stop_seconds(area),
        replicas=area.workers.replicas,
        always=area.workers.always,
        start_first=True,
        machines_of=machines_of(area),
    )


def worker_command(area: Area) -> list[str]:
    """Each worker is called by the name of its host: a replica's own."""
    limit = [] if area.workers.limit is None else ["--limit", str(area.workers.limit)]
    lives = ["--lives", LIVES] if area.pool.type == "process" else []
    return [
        *("python", "/opt/prefect-infra/start_worker.py"),
        *("--pool", area.pool.name, "--type", area.pool.type, *limit, *lives),
        *("--drain-seconds", str(area.workers.drain_seconds)),
    ]


def machines_of(area: Area) -> str | None:
    """Whose machines its workers, and the flow runs that they start, may be on."""
    return area.name if area.workers.placement == "area" else None


def stop_seconds(area: Area) -> int:
    """How long the engine waits before it kills: longer than the worker takes to end what doesn't end by itself."""
    return area.workers.drain_seconds + FAREWELL_SECONDS


def worker_environment(area: Area, stack: Stack, server: Server) -> dict[str, pulumi.Input[str]]:
    logging = area.logging
    environment: dict[str, pulumi.Input[str]] = {
        "TZ": stack.timezone,
        "PREFECT_WORKER_QUERY_SECONDS": str(QUERY_SECONDS),
        "PREFECT_CLIENT_RETRY_EXTRA_CODES": RETRIED,
        "PREFECT_LOGGING_LEVEL": logging.level,
        "PREFECT_LOGGING_LOG_PRINTS": str(logging.print).lower(),
        # Links in the logs are for people, who reach the server another way than its containers do.
        "PREFECT_UI_URL": server.ui_url,
        **area.env,
    }
    if logging.extra_loggers:
        # `prefect` isn't among them: workers/logging.yml sends what that logs to the API, and named here it went twice.
        environment["PREFECT_LOGGING_EXTRA_LOGGERS"] = ",".join(logging.extra_loggers)
    if stack.janitor:
        environment["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] = str(stack.janitor.heartbeat_seconds)
    return {**environment, **connection(server)}


def connection(server: Server) -> dict[str, pulumi.Input[str]]:
    """How a container of the stack finds the server; with `connection_files`."""
    if server.auth_string is None:
        return {"PREFECT_API_URL": server.inner_api_url}
    return {"PREFECT_PROFILES_PATH": PROFILE}


def connection_files(server: Server) -> dict[str, pulumi.Input[str]]:
    if server.auth_string is None:
        return {}
    return {
        PROFILE: server.auth_string.apply(
            lambda auth: inner_profile("worker", PREFECT_API_URL=server.inner_api_url, PREFECT_API_AUTH_STRING=auth)
        )
    }
