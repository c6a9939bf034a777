"""Workers of type `docker`: each flow run is a container of its own, started through a proxy that allows just that.

Whoever has the engine's socket owns the machine. So the worker never sees it: the area's socket proxy does, which
knows no flow code, and lets through only the calls that a worker needs, for containers as this module describes them.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Final

import pulumi

from infra.components.code import CODE_ROOT, checkout_folders
from infra.components.container import Limits, Running, Volume, volume_mount
from infra.components.image import BuiltImage, repository
from infra.components.platform import Platform
from infra.components.server import Server
from infra.components.socket_proxy import SOCKET, socket_mount, socket_proxy
from infra.components.workers import (
    DATA,
    PROFILE,
    RETRIED,
    RETRIES_OF_RUNS,
    connection_files,
    machines_of,
    stop_seconds,
    worker,
    worker_environment,
)
from infra.model import Area, Stack

WORKER_LIMITS: Final = Limits(memory_mb=512, cpus=0.5, pids=128)
"""Of the worker itself; what the area declares is for each of its flow runs."""
CREDENTIALS: Final = "/etc/prefect/credentials"
"""Where workers and flow runs find the profile that lets them in: a volume that a worker is given it on."""
PROFILE_OF_RUNS: Final = f"{CREDENTIALS}/worker-profile.toml"
WITHHELD: Final = ("PREFECT_API_AUTH_STRING", "PREFECT_API_KEY")
"""The worker passes its own settings on as variables, which whoever may ask the engine could read."""
METRICS_PORT: Final = 4201
ENGINE_SECONDS: Final = 300
"""How long a worker waits for the engine, which is a minute if nobody says otherwise. A busy engine takes longer to
start a container now and then: the run is told to have crashed, and its container starts all the same.
"""


def job_defaults(area: Area, platform: Platform, server: Server, image: BuiltImage, data: Volume) -> dict[str, Any]:
    """The defaults of the pool's job template: what a flow run's container is."""
    environment = worker_environment(area, platform.stack, server)
    inherited = [key for key in environment if key == "TZ" or key.startswith(("PREFECT_LOGGING_", "PREFECT_UI_"))]
    return {
        "image": image.name,
        "image_pull_policy": "Never",
        "networks": [server.network.name],
        "volumes": binds(area, platform, server, data),
        # No auto_remove: the worker reads the exit code after the end. The socket proxy sweeps what has ended.
        "mem_limit": f"{area.workers.memory_mb}m",
        "memswap_limit": f"{area.workers.memory_mb}m",
        "env": {
            **{key: environment[key] for key in inherited},
            "PREFECT_CLIENT_RETRY_EXTRA_CODES": RETRIED,
            "PREFECT_CLIENT_MAX_RETRIES": RETRIES_OF_RUNS,
            **area.env,
        },
    }


def binds(area: Area, platform: Platform, server: Server, data: Volume) -> list[pulumi.Input[str]]:
    """What flow runs may mount: the area's data, the checkout's flows where the code is there, and the credentials."""
    folders = checkout_folders(area.deployments)
    code = [f"{platform.stack.root / folder}:{CODE_ROOT}/{folder}:ro" for folder in folders]
    guarded = server.auth_string is not None
    credentials = [f"{platform.naming.of('credentials', area.name)}:{CREDENTIALS}:ro"] if guarded else []
    return [pulumi.Output.concat(data.name, ":", DATA, ":rw"), *code, *credentials]


def docker_workers(
    area: Area,
    platform: Platform,
    server: Server,
    image: BuiltImage,
    data: Volume,
    opts: pulumi.ResourceOptions,
) -> Running:
    own = pulumi.ResourceOptions(parent=opts.parent)
    sockets = _passing_volume("socket", area, platform, own)
    mounts, passed_on = [socket_mount(sockets)], {}
    if server.auth_string is not None:
        mounts.append(volume_mount(_passing_volume("credentials", area, platform, own), CREDENTIALS))
        passed_on = {PROFILE_OF_RUNS: connection_files(server)[PROFILE]}
    proxy = _proxy(area, platform, server, image, data, sockets, own)
    after_proxy = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(proxy.resources)))
    described = worker(area, platform, server, image, WORKER_LIMITS)
    environment = {
        **described.environment,
        **_metrics(platform),
        **({"PREFECT_PROFILES_PATH": PROFILE_OF_RUNS} if passed_on else {}),
        "DOCKER_HOST": f"unix://{SOCKET}",
        "DOCKER_CLIENT_TIMEOUT": str(ENGINE_SECONDS),
    }
    return platform.runtime.run(
        replace(described, environment=environment, mounts=mounts, passed_on=passed_on), after_proxy
    )


def _metrics(platform: Platform) -> dict[str, pulumi.Input[str]]:
    """Not for process workers: their runs would inherit it, and ask for the same port."""
    if not platform.stack.server.metrics:
        return {}
    return {"PREFECT_CLIENT_METRICS_ENABLED": "true", "PREFECT_CLIENT_METRICS_PORT": str(METRICS_PORT)}


def _proxy(
    area: Area,
    platform: Platform,
    server: Server,
    image: BuiltImage,
    data: Volume,
    sockets: Volume,
    opts: pulumi.ResourceOptions,
) -> Running:
    naming = platform.naming
    rules = pulumi.Output.all(image.name, server.network.name, *binds(area, platform, server, data)).apply(
        lambda known: json.dumps(
            {
                "owner": f"{naming.project}/{naming.stack}/{area.name}",
                "name_prefix": f"{naming.of('run', area.name)}-",
                "labels": naming.labels("run", area.name),
                "images": [known[0]],
                "repositories": [repository(known[0])],
                "network": known[1],
                "binds": known[2:],
                "withheld": list(WITHHELD) if server.auth_string is not None else [],
                "memory_mb": area.workers.memory_mb,
                "cpus": area.workers.cpus,
                "pids": area.workers.pids,
                **_sweeping(platform.stack),
            },
            sort_keys=True,
        )
    )
    return socket_proxy(
        naming.of("socket-proxy", area.name),
        naming.labels("socket-proxy", area.name),
        rules,
        sockets,
        platform,
        opts,
        everywhere=True,
        machines_of=machines_of(area),
        start_first=True,
        # A worker that follows its runs through it has as long.
        stop_seconds=stop_seconds(area),
    )


def _sweeping(stack: Stack) -> dict[str, int]:
    return {"keep_minutes": max(1, stack.janitor.finished_containers // 60)} if stack.janitor else {}


def _passing_volume(role: str, area: Area, platform: Platform, opts: pulumi.ResourceOptions) -> Volume:
    """The proxy's socket, for the area's workers alone: no network leads to it. Or what lets them and their runs in."""
    naming = platform.naming
    return platform.runtime.volume(
        f"{area.name}-{role}", naming.of(role, area.name), naming.labels(role, area.name), opts, passing=True
    )
