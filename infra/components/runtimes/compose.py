"""What a container is, in the words of a Compose file's service: what only depends on the container."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

import pulumi

from infra.components.container import (
    ENGINE_SOCKET,
    HEALTH_TIMEOUT_SECONDS,
    LOG_FILES,
    SECRETS,
    USER,
    Container,
    Health,
    Mount,
    Volume,
)

SCRATCH: Final = ("/tmp", "/home/prefect")  # noqa: S108
PASS_ON: Final = ("python3", "-I", "-S", "/opt/prefect-infra/pass_on.py")
IN_MEMORY: Final = {"type": "tmpfs", "device": "tmpfs", "o": f"uid={USER.split(':')[0]},gid=10001,mode=0700,size=1m"}
"""Of a volume for what is passing: nothing of it is ever on a node's disk."""
LATER_SECONDS: Final = 1800
"""Of what ends last: how long it may be until an `up` comes to those that need it, and tells them to stop."""
RESERVED_MEMORY: Final = 0.5
RESERVED_CPUS: Final = 0.1
"""Of the limits: what a node must have free for a part to be put there. Most of the time, it needs no more."""


def service(container: Container) -> dict[str, Any]:
    return {
        "image": container.image,
        "command": [*_passing_on(container), *container.command],
        "environment": dict(container.environment),
        "labels": dict(container.labels),
        "cap_drop": ["ALL"],
        "read_only": True,
        **_host_name(container),
        "volumes": [
            *({"type": "tmpfs", "target": target} for target in SCRATCH),
            *_shared_memory(container),
            *(_mounted(number, mount) for number, mount in enumerate(_mounts(container))),
        ],
        "healthcheck": _health(container.health, container.start_seconds) if container.health else {"disable": True},
        "stop_signal": container.stop_signal,
        "stop_grace_period": f"{container.stop_seconds + (LATER_SECONDS if container.ends_last else 0)}s",
        "logging": {"driver": "json-file", "options": dict(LOG_FILES)},
        "ports": [
            {"target": port.internal, "published": port.external, "protocol": "tcp", "mode": "host"}
            for port in container.ports
        ],
    }


def there(name: pulumi.Input[str]) -> dict[str, Any]:
    """Of what the swarm has already."""
    return {"external": True, "name": name}


def _host_name(container: Container) -> dict[str, str]:
    """Nothing: the container's id. While it is replaced, a replica and its successor would have the same name."""
    if container.in_turn:
        return {}
    if container.everywhere:
        return {"hostname": f"{container.name}-{{{{.Node.Hostname}}}}"}
    return {"hostname": container.name if container.replicas is None else f"{container.name}-{{{{.Task.Slot}}}}"}


def in_passing(path: str) -> str:
    return f"{SECRETS}/{PurePosixPath(path).name}"


def _passing_on(container: Container) -> list[str]:
    """A secret is seen in the service's own containers alone: whoever starts others lays it on their volume."""
    if not container.passed_on:
        return []
    return [*PASS_ON, *(f"{in_passing(path)}={path}" for path in sorted(container.passed_on)), "--"]


def _mounts(container: Container) -> Sequence[Mount]:
    socket = [Mount(source=ENGINE_SOCKET, target=ENGINE_SOCKET)] if container.holds_engine else []
    return [*container.mounts, *socket]


def _mounted(number: int, mount: Mount) -> dict[str, Any]:
    if isinstance(mount.source, Volume):
        return {"type": "volume", "source": f"v{number}", "target": mount.target, "read_only": mount.read_only}
    return {"type": "bind", "source": mount.source, "target": mount.target, "read_only": mount.read_only}


def volumes(container: Container) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, mount in enumerate(container.mounts):
        if isinstance(mount.source, Volume):
            in_memory = {"driver": "local", "driver_opts": dict(IN_MEMORY)} if mount.source.passing else {}
            yield f"v{number}", {"name": mount.source.name, "labels": dict(mount.source.labels), **in_memory}


def _shared_memory(container: Container) -> list[dict[str, Any]]:
    """A service has no `shm_size`; what lies there is a tmpfs all the same."""
    if container.shared_memory_mb is None:
        return []
    return [{"type": "tmpfs", "target": "/dev/shm", "tmpfs": {"size": container.shared_memory_mb * 2**20}}]  # noqa: S108


def resources(container: Container) -> dict[str, Any]:
    limits = container.limits
    return {
        "limits": {"memory": f"{limits.memory_mb}M", "cpus": str(float(limits.cpus)), "pids": limits.pids},
        "reservations": {
            "memory": f"{int(limits.memory_mb * RESERVED_MEMORY)}M",
            "cpus": f"{limits.cpus * RESERVED_CPUS:.3f}",
        },
    }


def _health(health: Health, start_seconds: int) -> dict[str, Any]:
    """A swarm ends what isn't healthy, where one engine only says so: a busy node must not cost it its containers."""
    return {
        "test": health.test_of_life,
        "interval": f"{health.interval_seconds}s",
        "timeout": f"{HEALTH_TIMEOUT_SECONDS}s",
        "start_period": f"{max(health.start_seconds, start_seconds)}s",
        "retries": health.last_retry,
    }
