"""The janitor: a small container that ends what nobody else would."""

from __future__ import annotations

import json
from typing import Any, Final

import pulumi

from infra.components.container import Container, Health, Limits
from infra.components.existing_server import ExistingServer
from infra.components.platform import Platform
from infra.components.server import Server
from infra.components.workers import connection, connection_files
from infra.model import Janitor, Stack

LIMITS: Final = Limits(memory_mb=256, cpus=0.5, pids=64)
MISSED_HEARTBEATS: Final = 3
"""So many in a row are no accident: a restart of the server loses one, a busy machine is late with another."""


def janitor(platform: Platform, server: Server | ExistingServer) -> None:
    """The stack's janitor, where it has one."""
    declared = platform.stack.janitor
    if declared is None or isinstance(server, ExistingServer):
        return
    platform.runtime.run(
        Container(
            name=platform.naming.of("janitor"),
            labels=platform.naming.labels("janitor"),
            image=platform.images.build("janitor").reference,
            command=["python", "-m", "workers.janitor"],
            environment={
                "TZ": platform.stack.timezone,
                "JANITOR_POLICIES": json.dumps(policies(platform.stack, declared), sort_keys=True),
                **connection(server),
            },
            limits=LIMITS,
            network=server.network,
            health=Health(url="http://127.0.0.1:8080/health"),
            files=connection_files(server),
        ),
        pulumi.ResourceOptions(depends_on=[server.provider]),
    )


def policies(stack: Stack, declared: Janitor) -> dict[str, Any]:
    """As workers/janitor/policies.py has them."""
    return {
        "pools": [area.pool.name for area in stack.areas],
        "every": declared.every,
        "zombie_runs": MISSED_HEARTBEATS * declared.heartbeat_seconds if declared.zombie_runs else None,
        "pending_timeout": declared.pending_timeout,
        "late_runs": declared.late_runs,
        "dead_workers": declared.dead_workers,
        "rerun_crashed": declared.rerun_crashed,
    }
