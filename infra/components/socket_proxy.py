"""The socket proxy: the one container of an area that may talk to the engine, and lets through what its rules allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pulumi

from infra.components.container import Container, Health, Limits, Mount, Running, Volume, volume_mount
from infra.components.platform import Platform

FOLDER: Final = "/run/socket-proxy"
SOCKET: Final = f"{FOLDER}/docker.sock"
LIMITS: Final = Limits(memory_mb=192, cpus=0.5, pids=64)
STOP_SECONDS: Final = 30


def socket_proxy(
    name: str,
    labels: Mapping[str, str],
    rules: pulumi.Input[str],
    sockets: Volume,
    platform: Platform,
    opts: pulumi.ResourceOptions,
    *,
    everywhere: bool = False,
    machines_of: str | None = None,
    start_first: bool = False,
    stop_seconds: int = STOP_SECONDS,
) -> Running:
    """`rules`: JSON, as workers/socket_proxy/given.py reads it. For the rest, see `Container`."""
    return platform.runtime.run(
        Container(
            name=name,
            labels=labels,
            image=platform.images.build("proxy").reference,
            command=["python", "-m", "workers.socket_proxy"],
            environment={"SOCKET_PROXY_RULES": rules},
            limits=LIMITS,
            network=None,
            health=Health(url=f"unix://{SOCKET}"),
            mounts=[socket_mount(sockets)],
            holds_engine=True,
            everywhere=everywhere,
            machines_of=machines_of,
            start_first=start_first,
            ends_last=True,
            stop_seconds=stop_seconds,
        ),
        opts,
    )


def socket_mount(sockets: Volume) -> Mount:
    """For the proxy and for those that it serves."""
    return volume_mount(sockets, FOLDER)
