"""Backups of the server's database, made by a container now and then."""

from __future__ import annotations

import json
from typing import Any, Final

import pulumi

from infra.components.container import Container, Health, Limits, Mount, volume_mount
from infra.components.existing_server import ExistingServer
from infra.components.platform import Platform
from infra.components.server import DATA, Server
from infra.model import versions

FOLDER: Final = "/var/lib/backups"
LIMITS: Final = Limits(memory_mb=256, cpus=1.0, pids=64)


def backups(platform: Platform, server: Server | ExistingServer) -> None:
    """The container, where the stack has one."""
    declared, naming = platform.stack.backup, platform.naming
    if declared is None or isinstance(server, ExistingServer) or server.volume is None:
        return
    plan: dict[str, Any] = {"of": naming.prefix, "folder": FOLDER, "every": declared.every, "keep": declared.keep}
    postgres = server.postgres
    if postgres is None:
        plan["database"] = f"{DATA}/prefect.db"
    else:
        pin = versions.pinned(platform.stack.root, versions.SERVER)
        plan["prefect"] = str(pin.version) if pin else "unknown"
    if declared.folder:
        to = Mount(source=declared.folder, target=FOLDER)
    else:
        # Who destroys a stack by mistake needs them most.
        kept = pulumi.ResourceOptions(retain_on_delete=True)
        volume = platform.runtime.volume("backups", naming.of("backups"), naming.labels("backups"), kept, stays=True)
        to = volume_mount(volume, FOLDER)
    platform.runtime.run(
        Container(
            name=naming.of("backup"),
            labels=naming.labels("backup"),
            image=platform.images.build("postgres-backup" if postgres else "backup").reference,
            command=["python3", "-m", "workers.backup"],
            environment={
                "TZ": platform.stack.timezone,
                "BACKUP_PLAN": json.dumps(plan, sort_keys=True),
                **(postgres.environment if postgres else {}),
            },
            limits=LIMITS,
            network=postgres.network if postgres else None,
            health=Health(url="http://127.0.0.1:8080/health"),
            # Not read-only: whoever reads a database in WAL mode writes down what they are reading.
            mounts=[to] if postgres else [volume_mount(server.volume, DATA), to],
            files=postgres.files if postgres else {},
            stays=True,
        ),
        pulumi.ResourceOptions(depends_on=[server.provider]),
    )
