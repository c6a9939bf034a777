"""A server of several containers: a migration first, then API replicas and background services around one database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_docker as docker

from infra.components.container import SECRETS, Container, Health, Limits, Running
from infra.components.platform import Platform
from infra.components.postgres import Postgres
from infra.components.redis import AUTHORITY_FILE, Redis
from infra.model import Scaled

PORT: Final = 4200
WITH_SECRETS: Final = ("python3", "-I", "-S", "/opt/prefect-infra/with_secrets.py")
"""The command of a server's process: what lies in files becomes the environment of that process alone."""
CATCH_UP: Final = ("python", "/opt/prefect-infra/catch_up.py")
ONCE_THEY_ANSWER: Final = ("python", "/opt/prefect-infra/once_they_answer.py")
"""Before the migration: says in a line each why the database or Redis can't be used, where they are elsewhere too."""
DATABASE_AUTHORITY_FILE: Final = f"{SECRETS}/database_authority.pem"
SERVICES_HEALTH: Final = ("python3", "-I", "-S", "/opt/prefect-infra/healthcheck_services.py")
START_SECONDS: Final = 400
"""Several start at once, and share the processors of one machine."""
SEVERAL_PROCESSES: Final = {
    "PREFECT_MESSAGING_BROKER": "prefect_redis.messaging",
    "PREFECT_MESSAGING_CACHE": "prefect_redis.messaging",
    "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": "prefect_redis.ordering",
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect_redis.lease_storage",
    "PREFECT_SERVER_WORKER_CHANNEL_CLEANUP_QUEUE_STORAGE": "prefect_redis.cleanup_queue",
}
"""By default each process keeps these to itself, and services would do everything once for each of them."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What all processes of the server need."""

    platform: Platform
    scaled: Scaled
    network: docker.Network
    """The one that workers and runs are on."""
    backend: docker.Network
    """The one that only the server, its database and Redis are on."""
    postgres: Postgres
    redis: Redis
    environment: dict[str, pulumi.Input[str]]
    auth_string: pulumi.Output[str] | None
    opts: pulumi.ResourceOptions

    def secrets(self) -> dict[str, pulumi.Input[str]]:
        values: dict[str, pulumi.Input[str]] = {
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": self.postgres.url,
            "PREFECT_SERVER_DOCKET_URL": self.redis.url,
            "PREFECT_REDIS_MESSAGING_URL": self.redis.url,
            "PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL": self.redis.url,
        }
        if self.auth_string is not None:
            values["PREFECT_SERVER_API_AUTH_STRING"] = self.auth_string
        files = {f"{SECRETS}/{name}": value for name, value in values.items()}
        authorities = {DATABASE_AUTHORITY_FILE: self.postgres.authority, AUTHORITY_FILE: self.redis.authority}
        return files | {path: pem for path, pem in authorities.items() if pem is not None}

    def container(
        self, role: str, command: Sequence[str], health: Health | None, replicas: int | None = None
    ) -> Container:
        declared = self.platform.stack.server
        return Container(
            name=self.platform.naming.of(role),
            labels=self.platform.naming.labels(role),
            image=self.platform.images.build("server").reference,
            command=[*WITH_SECRETS, *command],
            environment={
                **self.environment,
                **SEVERAL_PROCESSES,
                # Once, by a container of its own, rather than by each of them at the same moment.
                "PREFECT_API_DATABASE_MIGRATE_ON_START": "false",
                # Left alone, 5 seconds: too few where everything starts again at once, after a restart of the machine.
                "PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT": "30",
                **(self._tls_of_database() if self.postgres.authority is not None else {}),
            },
            limits=Limits(memory_mb=declared.memory_mb, cpus=declared.cpus, pids=declared.pids),
            network=self.network,
            further_networks=[self.backend],
            health=health,
            start_seconds=START_SECONDS,
            files=self.secrets(),
            replicas=replicas,
            in_turn=True,
        )

    def _tls_of_database(self) -> dict[str, pulumi.Input[str]]:
        prefix = "PREFECT_SERVER_DATABASE_SQLALCHEMY_CONNECT_ARGS_TLS"
        return {f"{prefix}_ENABLED": "true", f"{prefix}_CA_FILE": DATABASE_AUTHORITY_FILE}

    def after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(self.opts, pulumi.ResourceOptions(depends_on=list(resources)))


def migration(parts: Parts) -> pulumi.Resource:
    """Brings the database to what this version of Prefect needs, each time the server's image is another one."""
    command = (*ONCE_THEY_ANSWER, "prefect", "server", "database", "upgrade", "-y")
    described = parts.container("migration", command, None)
    after = parts.after(*parts.postgres.ready, *parts.redis.ready)
    return parts.platform.runtime.run_once(described, after)


def api_replicas(parts: Parts, migrated: pulumi.Resource) -> Running:
    """What answers. One is replaced after the other, so that the API answers meanwhile."""
    command = ("prefect", "server", "start", "--no-services", "--host", "0.0.0.0", "--port", str(PORT))  # noqa: S104
    # Ready is more than alive: the database answers, too. The proxy asks the same. A new start gives nobody his
    # database back, and would come upon requests just as it is there again.
    health = Health(url=f"http://127.0.0.1:{PORT}/api/ready", alive_url=f"http://127.0.0.1:{PORT}/api/health")
    described = parts.container("api", command, health, parts.scaled.replicas)
    return parts.platform.runtime.run(described, parts.after(migrated))


def background_services(parts: Parts, migrated: pulumi.Resource) -> Running:
    """What schedules, marks late runs, runs automations: at work once among all replicas."""
    # Its interpreter takes longer to start than the check itself.
    health = Health(command=SERVICES_HEALTH, alive_command=[*SERVICES_HEALTH, "--alive"], interval_seconds=10)
    command = (*CATCH_UP, "prefect", "server", "services", "start")
    described = parts.container("services", command, health, parts.scaled.services_replicas)
    return parts.platform.runtime.run(described, parts.after(migrated))
