"""Redis: what the server's processes tell each other things by, and keep the background services' tasks in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_docker as docker

from infra.components.container import SECRETS, Container, Health, Limits, volume_mount
from infra.components.platform import Platform
from infra.components.secret_values import required
from infra.model.stack import Scaled
from infra.resources import GeneratedSecret

PORT: Final = 6379
DATA: Final = "/data"
CONFIGURATION: Final = f"{SECRETS}/redis.conf"
PASSWORD_FILE: Final = f"{SECRETS}/redis_password"
AUTHORITY_FILE: Final = f"{SECRETS}/redis_authority.pem"
PING: Final = (
    "sh",
    "-c",
    f'REDISCLI_AUTH="$(cat {PASSWORD_FILE})" redis-cli --no-auth-warning ping | grep -qx PONG',
)


@dataclass(frozen=True)
class Redis:
    url: pulumi.Output[str]
    """A secret."""
    ready: Sequence[pulumi.Resource]
    authority: pulumi.Output[str] | None = None
    """Who vouches for one elsewhere: in the file that `url` names."""


def messaging(platform: Platform, scaled: Scaled, network: docker.Network, opts: pulumi.ResourceOptions) -> Redis:
    declared = scaled.redis
    if declared.url is not None:
        url = required(platform, declared.url)
        if declared.authority is None:
            return Redis(url, ())
        return Redis(url.apply(_trusting), (), required(platform, declared.authority))
    naming = platform.naming
    name = naming.of("redis")
    made = GeneratedSecret("redis-password", rotation=declared.rotation, opts=opts)
    password: pulumi.Output[str] = pulumi.Output.secret(made.value)
    volume = platform.runtime.volume("redis-data", naming.of("redis-data"), naming.labels("data"), opts, stays=True)
    running = platform.runtime.run(
        Container(
            name=name,
            labels=naming.labels("redis"),
            image=platform.images.build("redis").reference,
            command=["redis-server", CONFIGURATION],
            environment={"TZ": platform.stack.timezone},
            limits=Limits(memory_mb=declared.memory_mb, cpus=declared.cpus, pids=declared.pids),
            network=network,
            health=Health(command=PING),
            mounts=[volume_mount(volume, DATA)],
            stays=True,
            files={
                PASSWORD_FILE: password,
                CONFIGURATION: password.apply(lambda value: configuration(value, declared.memory_mb)),
            },
        ),
        opts,
    )
    return Redis(
        pulumi.Output.secret(pulumi.Output.concat("redis://:", password, f"@{name}:{PORT}/0")), running.resources
    )


def _trusting(url: str) -> str:
    """With what redis-py, and the services' health check, take the authority's file from."""
    return f"{url}{'&' if '?' in url else '?'}ssl_ca_certs={AUTHORITY_FILE}"


def configuration(password: str, memory_mb: int) -> str:
    """Events on their way and leases outlive a crash: each second's are on the disk. What doesn't fit is refused."""
    return "".join(
        f"{line}\n"
        for line in (
            "bind * -::*",
            f"port {PORT}",
            "protected-mode yes",
            f"requirepass {password}",
            f"dir {DATA}",
            "appendonly yes",
            "appendfsync everysec",
            'save ""',
            # A rewrite of the file takes as much again for a moment.
            f"maxmemory {memory_mb * 6 // 10}mb",
            "maxmemory-policy noeviction",
        )
    )
