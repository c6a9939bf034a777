"""A container as a part of the platform needs it. What becomes of it is decided in infra/components/runtimes."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pulumi
import pulumi_docker as docker

USER: Final = "10001:10001"  # `prefect` of workers/Dockerfile
SECRETS: Final = "/run/secrets"
"""Where a container's secrets are, as files; where Swarm would put them, too."""
LOG_FILES: Final = {"max-size": "10m", "max-file": "3"}
ENGINE_SOCKET: Final = "/var/run/docker.sock"
UNKNOWN_GROUP: Final = 999
HEALTH_CHECK: Final = ("python3", "-I", "-S", "/opt/prefect-infra/healthcheck.py")
HEALTH_TIMEOUT_SECONDS: Final = 15
"""Of them workers/healthcheck.py takes 7 at most, a sign of life 3 more, and a busy engine starts it late."""
END_IF_SILENT: Final = ("python3", "-I", "-S", "/opt/prefect-infra/end_if_silent.py")
ANSWERS: Final = ": > /tmp/silent"
"""What workers/end_if_silent.py counts in."""
PATIENCE: Final = 3
"""So many times as often as it takes to be unhealthy, a check fails before its container is ended: who is merely busy
must not be."""
DONE_SECONDS: Final = 1800
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
    alive_url: str | None = None
    alive_command: Sequence[str] = ()
    """The same, about what only a new start could mend: what isn't alive is ended, and so begins anew. Neither: a swarm
    asks the above, as it ends whatever isn't healthy, and one engine only says so."""
    interval_seconds: int = 5
    start_seconds: int = 60
    retries: int = 4

    @property
    def test(self) -> list[str]:
        ready = _asking(self.url, self.command)
        if not (self.alive_url or self.alive_command):
            return ["CMD", *ready]
        # In one, as a container has one check alone.
        end = [*END_IF_SILENT, str(self.last_retry), *_asking(self.alive_url, self.alive_command, "0")]
        return ["CMD-SHELL", f"{shlex.join(ready)} && {ANSWERS} || exec {shlex.join(end)}"]

    @property
    def test_of_life(self) -> list[str]:
        return ["CMD", *_asking(self.alive_url or self.url, self.alive_command or self.command)]

    @property
    def last_retry(self) -> int:
        return self.retries * PATIENCE


def _asking(url: str | None, command: Sequence[str], *patience: str) -> list[str]:
    return list(command) or [*HEALTH_CHECK, url or "", *patience]


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port of the container, published on one of its machine."""

    internal: int
    external: pulumi.Input[int]
    ip: str


@dataclass(frozen=True, kw_only=True)
class Volume:
    """What outlives a container."""

    name: pulumi.Output[str]
    labels: Mapping[str, str]
    resource: pulumi.Resource
    passing: bool
    """Whether it only matters while containers use it: a socket, a credential."""


@dataclass(frozen=True, kw_only=True)
class Mount:
    source: Volume | str
    """A volume; or a folder or socket of the machine, by its path."""
    target: str
    read_only: bool = False


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
    ports: Sequence[Port] = ()
    mounts: Sequence[Mount] = ()
    files: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Contents by path, for what must not be seen in `docker inspect`: read-only, and seen from within alone."""
    configs: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Contents by path that are no secret."""
    passed_on: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Such files on one of its volumes, for containers that it starts."""
    holds_engine: bool = False
    """Whether it may talk to the engine of its machine, which it then owns."""
    stop_seconds: int = 30
    stop_signal: str = "SIGTERM"
    start_seconds: int = START_SECONDS
    """How long `up` waits until it is healthy."""
    done_seconds: int = DONE_SECONDS
    """How long what runs once may take."""
    shared_memory_mb: int | None = None
    """None: the engine's 64 MB."""
    replicas: int | None = None
    """So many of it, called `<name>-<number>`, which each finds as its host's name. None: one, called as it is."""
    always: int | None = None
    """So many of the replicas always run; the others are only there, and others start and stop them. None: all."""
    in_turn: bool = False
    """Whether its replicas are all the same to who uses them, so that one answers while another is replaced."""
    start_first: bool = False
    """Whether it and the one that it replaces can be at work at once, and should, so that there is always one."""
    ends_last: bool = False
    """Whether the one that it replaces is needed by the former ones of other parts until they have ended."""
    everywhere: bool = False
    """Whether each machine needs one of its own."""
    stays: bool = False
    """Whether what it keeps is on one machine, and it has to be there, too."""
    machines_of: str | None = None
    """The area whose machines it may be on; None: any."""


@dataclass(frozen=True, kw_only=True)
class Running:
    """What became of a container: there once all of its replicas are healthy."""

    resources: Sequence[pulumi.Resource]
    names: Sequence[str]
    """The host name of each replica."""
    shared_name: str | None
    """The one name that all replicas have in their networks; None: each is found by its own."""


def volume_mount(volume: Volume, target: str) -> Mount:
    return Mount(source=volume, target=target)


def folder_mount(folder: str, target: str) -> Mount:
    return Mount(source=folder, target=target, read_only=True)


def group_of_socket() -> int:
    """Whose members may talk to the engine of this machine."""
    try:
        return Path(ENGINE_SOCKET).stat().st_gid
    except OSError:  # a preview on a machine without an engine
        return UNKNOWN_GROUP
