"""The autoscaler: a small container that starts and stops workers, and the socket proxy that lets it do just that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import pulumi

from infra.components.container import Container, Health, Limits
from infra.components.existing_server import ExistingServer
from infra.components.naming import SCALED, Naming
from infra.components.platform import Platform
from infra.components.server import Server
from infra.components.socket_proxy import socket_mount, socket_proxy
from infra.components.workers import QUERY_SECONDS, connection, connection_files
from infra.model import Area

LIMITS: Final = Limits(memory_mb=256, cpus=0.5, pids=64)
EVERY_SECONDS: Final = QUERY_SECONDS
"""As often as workers ask for runs: looking more often would find what they are about to take."""


def autoscaler(platform: Platform, server: Server | ExistingServer) -> None:
    """The stack's autoscaler, where an area's workers come and go."""
    areas = [area for area in platform.stack.areas if area.workers.autoscale]
    if not areas or isinstance(server, ExistingServer):
        return
    naming = platform.naming
    role = "autoscaler-socket"
    sockets = platform.runtime.volume(
        role, naming.of(role), naming.labels(role), pulumi.ResourceOptions(), passing=True, stays=True
    )
    # Beside those of docker workers: what a worker reaches must not stop another.
    proxy = socket_proxy(
        naming.of("autoscaler-socket-proxy"),
        naming.labels("socket-proxy"),
        json.dumps(rules(areas, naming), sort_keys=True),
        sockets,
        platform,
        pulumi.ResourceOptions(),
    )
    platform.runtime.run(
        Container(
            name=naming.of("autoscaler"),
            labels=naming.labels("autoscaler"),
            image=platform.images.build("autoscaler").reference,
            command=["python", "-m", "workers.autoscaler"],
            environment={
                "TZ": platform.stack.timezone,
                "AUTOSCALER_POLICIES": json.dumps(policies(areas), sort_keys=True),
                **connection(server),
            },
            limits=LIMITS,
            network=server.network,
            health=Health(url="http://127.0.0.1:8080/health"),
            mounts=[socket_mount(sockets)],
            files=connection_files(server),
        ),
        pulumi.ResourceOptions(depends_on=[server.provider, *proxy.resources]),
    )


def policies(areas: Sequence[Area]) -> dict[str, Any]:
    """As workers/autoscaler/policies.py has them."""
    return {
        "every": EVERY_SECONDS,
        "areas": [
            {
                "name": area.name,
                "pool": area.pool.name,
                "type": area.pool.type,
                "limit": area.workers.limit,
                "min": area.workers.autoscale.min,
                "max": area.workers.replicas,
                "cool_down": area.workers.autoscale.cool_down,
            }
            for area in areas
            if area.workers.autoscale
        ],
    }


def rules(areas: Sequence[Area], naming: Naming) -> dict[str, Any]:
    """As workers/socket_proxy/scaling.py has them."""
    return {"labels": {**naming.labels("worker"), **SCALED}, "areas": sorted(area.name for area in areas)}
