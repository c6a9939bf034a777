"""A container as all of ours are: no privileges, within limits, with rotated logs, back by itself after a crash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pulumi
import pulumi_docker as docker

from infra.components.naming import Naming
from infra.components.orphans import orphans_first
from infra.resources import CompletedRun, PidsLimit

USER: Final = "10001:10001"  # `prefect` of workers/Dockerfile
SCRATCH: Final = {"/tmp": "mode=1777", "/home/prefect": "uid=10001,gid=10001,mode=0700"}  # noqa: S108
"""What a container may write besides its volumes: gone with it."""
SECRETS: Final = "/run/secrets"
"""Where a container's secrets are, as files; where Swarm would put them, too."""
LOG_FILES: Final = {"max-size": "10m", "max-file": "3"}
HEALTH_CHECK: Final = ("python3", "-I", "-S", "/opt/prefect-infra/healthcheck.py")
START_SECONDS: Final = 120  # a cold start of the server takes 8 to 15 on a quiet machine


@dataclass(frozen=True, kw_only=True)
class Limits:
    memory_mb: int
    cpus: float
    pids: int


@dataclass(frozen=True, kw_only=True)
class Health:
    """How the engine asks a container whether it works: a URL inside of it, by workers/healthcheck.py, or a command."""

    url: str | None = None
    command: Sequence[str] = ()
    interval_seconds: int = 5
    start_seconds: int = 60
    retries: int = 4

    def check(self) -> docker.ContainerHealthcheckArgs:
        return docker.ContainerHealthcheckArgs(
            tests=["CMD", *(self.command or [*HEALTH_CHECK, self.url or ""])],
            interval=f"{self.interval_seconds}s",
            timeout="10s",  # of them workers/healthcheck.py takes 7 at most, and a busy engine starts it late
            start_period=_go_duration(self.start_seconds),
            retries=self.retries,
        )


@dataclass(frozen=True, kw_only=True)
class Container:
    """What differs from one of our containers to another."""

    name: str
    labels: Mapping[str, str]
    image: pulumi.Input[str]
    command: Sequence[str]
    environment: Mapping[str, pulumi.Input[str]]
    limits: Limits
    network: docker.Network | None
    """None: no network at all."""
    health: Health | None
    """None: it runs once, and ends."""
    further_networks: Sequence[docker.Network] = ()
    ports: Sequence[docker.ContainerPortArgs] = ()
    mounts: Sequence[docker.ContainerMountArgs] = ()
    files: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Contents by path, for what must not be seen in `docker inspect`: read-only, and seen from within alone."""
    groups: Sequence[str] = ()
    stop_seconds: int = 30
    stop_signal: str = "SIGTERM"
    start_seconds: int = START_SECONDS
    """How long `up` waits until it is healthy."""
    shared_memory_mb: int | None = None
    """None: the engine's 64 MB."""


def run(container: Container, naming: Naming, opts: pulumi.ResourceOptions) -> docker.Container:
    """The resource. It is there once the container is healthy.

    The one place where a part of the platform becomes a container: components describe what they need.
    """
    # Not unless-stopped: a daemon that comes up after a crash stops what it finds running, takes that for a stop
    # by hand, and starts none of it again (docker 20.10, run).
    return _made(container, naming, opts, restart="always", wait=True, wait_timeout=container.start_seconds)


def run_once(container: Container, naming: Naming, opts: pulumi.ResourceOptions) -> CompletedRun:
    """A container that does its work once, each time it is made anew. The resource is there once that ended well."""
    resource = _made(container, naming, opts, restart="no", start=False, must_run=False)
    return CompletedRun(
        container.name, container_id=resource.id, opts=pulumi.ResourceOptions(parent=resource, deleted_with=resource)
    )


def _made(container: Container, naming: Naming, opts: pulumi.ResourceOptions, **life: Any) -> docker.Container:
    networks = [container.network, *container.further_networks] if container.network else []
    resource = docker.Container(
        container.name,
        name=container.name,
        hostname=container.name,
        image=container.image,
        command=list(container.command),
        envs=[pulumi.Output.concat(key, "=", value) for key, value in sorted(container.environment.items())],
        labels=[docker.ContainerLabelArgs(label=key, value=value) for key, value in sorted(container.labels.items())],
        user=USER,
        group_adds=list(container.groups),
        capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"]),
        security_opts=["no-new-privileges:true"],
        # The engine can't put a file into a container whose root is read-only.
        read_only=not container.files,
        tmpfs=dict(SCRATCH),
        memory=container.limits.memory_mb,
        memory_swap=container.limits.memory_mb,  # left out, each preview would show it as a change
        shm_size=container.shared_memory_mb,
        cpus=str(float(container.limits.cpus)),
        stop_signal=container.stop_signal,
        stop_timeout=container.stop_seconds,
        destroy_grace_seconds=container.stop_seconds,
        log_driver="json-file",
        log_opts=dict(LOG_FILES),
        network_mode=None if networks else "none",
        networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=network.name) for network in networks],
        ports=list(container.ports),
        mounts=list(container.mounts),
        uploads=[
            # Of root, and read by the one user that there is in the container. For another owner the engine looks up
            # the container's user among those of its host, and fails (docker 20.10 to 24, read and run).
            docker.ContainerUploadArgs(file=path, content=content, permissions="0444")
            for path, content in sorted(container.files.items())
        ],
        healthcheck=container.health.check() if container.health else None,
        opts=pulumi.ResourceOptions.merge(
            opts,
            # One name, one container: the old one goes first.
            pulumi.ResourceOptions(delete_before_replace=True, hooks=orphans_first(naming)),
        ),
        **life,
    )
    PidsLimit(
        container.name,
        container_id=resource.id,
        limit=container.limits.pids,
        opts=pulumi.ResourceOptions(parent=resource, deleted_with=resource),
    )
    return resource


def volume_mount(volume: docker.Volume, target: str) -> docker.ContainerMountArgs:
    return docker.ContainerMountArgs(type="volume", source=volume.name, target=target)


def folder_mount(folder: str, target: str) -> docker.ContainerMountArgs:
    return docker.ContainerMountArgs(type="bind", source=folder, target=target, read_only=True)


def _go_duration(seconds: int) -> str:
    """As the engine tells it back: `1m0s` for 60. Any other form would be a difference at each preview."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
