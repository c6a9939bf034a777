"""Postgres: the server's database, in a container and on a volume of its own; or one that is elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

import pulumi
import pulumi_docker as docker

from infra.components.container import SECRETS, Container, Health, Limits, Volume, volume_mount
from infra.components.platform import Platform
from infra.components.secret_values import required
from infra.model.stack import Scaled
from infra.resources import GeneratedSecret

PORT: Final = 5432
USER: Final = "prefect"
NAME: Final = "prefect"
DATA: Final = "/var/lib/postgresql/data"
PASSWORD_FILE: Final = f"{SECRETS}/postgres_password"
SHARED_MEMORY_MB: Final = 128
CONNECTIONS_OF_A_PROCESS: Final = 25  # a server's pool (5) with its overflow (10), and the services' own
RESERVED_CONNECTIONS: Final = 25  # the migration, a backup, a person
ROOM_FOR: Final = 8
"""Processes, or twice as many and so on: their number is a setting of Postgres that only a new start takes, and with it
the API is away. One replica more is to be had without.
"""


@dataclass(frozen=True)
class Inside:
    """The stack's own, as libpq and its tools are told of it."""

    network: docker.Network
    environment: dict[str, pulumi.Input[str]]
    files: dict[str, pulumi.Input[str]]


@dataclass(frozen=True)
class Postgres:
    url: pulumi.Output[str]
    """As a setting of the server; a secret."""
    ready: Sequence[pulumi.Resource]
    """What the migration has to wait for."""
    volume: Volume | None
    """None: the database is elsewhere."""
    authority: pulumi.Output[str] | None = None
    """Who vouches for one elsewhere."""
    inside: Inside | None = None
    """How a container of the stack finds its own; None: it is elsewhere."""


def database(platform: Platform, scaled: Scaled, network: docker.Network, opts: pulumi.ResourceOptions) -> Postgres:
    declared = scaled.database
    if declared.url is not None:
        authority = required(platform, declared.authority) if declared.authority else None
        return Postgres(required(platform, declared.url), (), None, authority)
    naming = platform.naming
    name = naming.of("postgres")
    made = GeneratedSecret("postgres-password", rotation=declared.rotation, opts=opts)
    password: pulumi.Output[str] = pulumi.Output.secret(made.value)
    # A database that `pulumi up` would replace is one that is lost: what was protected stays where it is, on the engine
    # even where somebody has taken the protection off the state.
    protect = platform.stack.server.protect
    kept = pulumi.ResourceOptions(protect=protect, retain_on_delete=protect)
    volume = platform.runtime.volume(
        "postgres-data",
        naming.of("postgres-data"),
        naming.labels("data"),
        pulumi.ResourceOptions.merge(opts, kept),
        stays=True,
    )
    named: dict[str, pulumi.Input[str]] = {
        "POSTGRES_USER": USER,
        "POSTGRES_DB": NAME,
        "POSTGRES_PASSWORD_FILE": PASSWORD_FILE,
    }
    files: dict[str, pulumi.Input[str]] = {PASSWORD_FILE: password}
    processes = ceil((scaled.replicas + scaled.services_replicas) / ROOM_FOR) * ROOM_FOR
    connections = CONNECTIONS_OF_A_PROCESS * processes + RESERVED_CONNECTIONS
    running = platform.runtime.run(
        Container(
            name=name,
            labels=naming.labels("postgres"),
            image=platform.images.build("postgres").reference,
            command=["sh", "/opt/prefect-infra/postgres.sh", "-c", f"max_connections={connections}"],
            environment={"TZ": platform.stack.timezone, **named},
            limits=Limits(memory_mb=declared.memory_mb, cpus=declared.cpus, pids=declared.pids),
            network=network,
            # By TCP: while the database is being made, nothing answers there.
            health=Health(command=("pg_isready", "-q", "-h", "127.0.0.1", "-U", USER, "-d", NAME)),
            mounts=[volume_mount(volume, DATA)],
            files=files,
            stop_signal="SIGINT",
            shared_memory_mb=SHARED_MEMORY_MB,
            stays=True,
        ),
        opts,
    )
    url = pulumi.Output.concat(f"postgresql+asyncpg://{USER}:", password, f"@{name}:{PORT}/{NAME}")
    inside = Inside(network, {"PGHOST": name, **named}, files)
    return Postgres(pulumi.Output.secret(url), running.resources, volume, inside=inside)
