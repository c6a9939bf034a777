"""The Prefect server, as a stack declares it: one container on SQLite, or several behind a proxy."""

from __future__ import annotations

from typing import Final

import pulumi
import pulumi_docker as docker

from infra.components.container import Container, Health, Limits, Port, Running, Volume, volume_mount
from infra.components.haproxy import INNER_PORT
from infra.components.inner_profile import inner_profile
from infra.components.platform import Platform
from infra.components.postgres import Inside, database
from infra.components.proxy import certificate, proxy
from infra.components.redis import messaging
from infra.components.scaled_server import Parts, api_replicas, background_services, migration
from infra.model import Scaled, Stack
from infra.resources import GeneratedSecret, Provider

PORT: Final = 4200  # inside of the stack's network
DATA: Final = "/var/lib/prefect"
PROFILES: Final = "/etc/prefect/server-profile.toml"
AUTH_KEY: Final = "auth_string"
"""The stack's secret with `user:password`; left out, one is generated."""
USER_NAME: Final = "admin"
WRITES_AT_ONCE: Final = 4
"""With Postgres; SQLite bears one: docs/benchmarks.md."""


class Server(pulumi.ComponentResource):
    """A stack's server, the network that its containers share, and the connection that its objects are made over."""

    network: docker.Network
    volume: Volume | None
    """Where all objects are; None: in a database elsewhere."""
    postgres: Inside | None = None
    """How its own database is found, where that is Postgres."""
    running: Running
    """What answers."""
    provider: Provider
    api_url: pulumi.Output[str]
    """As this machine reaches it."""
    inner_api_url: str
    """As the stack's containers reach it."""
    ui_url: pulumi.Output[str]
    auth_string: pulumi.Output[str] | None
    authority: pulumi.Output[str] | None = None
    """Who signed its certificate, as PEM, where machines don't know that anyway."""

    def __init__(self, platform: Platform) -> None:
        super().__init__("prefect-infra:index:Server", "server", {}, None)
        child = pulumi.ResourceOptions(parent=self)
        declared, naming = platform.stack.server, platform.naming
        port = platform.runtime.port("server", declared.port, declared.bind, child)
        self.network = platform.runtime.network("network", naming.prefix, child)
        self.auth_string = (platform.secret(AUTH_KEY) or _generated(child)) if declared.auth == "required" else None
        if declared.scaled is None:
            self._tell(f"http://{declared.address}", port)
            self._alone(platform, port, child)
        else:
            self._tell(f"https://{declared.scaled.proxy.host}", port)
            self._scaled(platform, declared.scaled, port, child)
        self.provider = Provider(
            "prefect",
            api_url=self.api_url,
            auth_string=self.auth_string,
            ca_certificate=self.authority,
            writes_at_once=WRITES_AT_ONCE if declared.scaled else 1,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(self.running.resources)),
        )
        self.register_outputs({"api_url": self.api_url})

    def _tell(self, host: str, port: pulumi.Output[int]) -> None:
        origin = port.apply(lambda number: f"{host}:{number}")
        self.api_url, self.ui_url = pulumi.Output.concat(origin, "/api"), origin

    def _environment(self, platform: Platform) -> dict[str, pulumi.Input[str]]:
        declared = platform.stack.server
        environment: dict[str, pulumi.Input[str]] = {
            "TZ": platform.stack.timezone,
            "PREFECT_LOGGING_SERVER_LEVEL": declared.log_level,
            # Without it, browsers would be told the inner address, which means nothing to them.
            "PREFECT_SERVER_UI_API_URL": self.api_url,
            # What alerts link to.
            "PREFECT_UI_URL": self.ui_url,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            **retention(platform.stack),
        }
        if declared.csrf:
            environment["PREFECT_SERVER_CSRF_PROTECTION_ENABLED"] = "true"
        if declared.metrics:
            environment["PREFECT_SERVER_METRICS_ENABLED"] = "true"
        return environment

    def _alone(self, platform: Platform, port: pulumi.Output[int], child: pulumi.ResourceOptions) -> None:
        declared, naming = platform.stack.server, platform.naming
        kept = pulumi.ResourceOptions(parent=self, protect=declared.protect, retain_on_delete=declared.protect)
        self.volume = platform.runtime.volume("server-data", naming.of("server-data"), naming.labels("data"), kept)
        name = naming.of("server")
        self.inner_api_url = f"http://{name}:{PORT}/api"
        environment = self._environment(platform)
        health = f"http://127.0.0.1:{PORT}/api/health"
        files: dict[str, pulumi.Input[str]] = {}
        if self.auth_string is not None:
            environment["PREFECT_PROFILES_PATH"] = PROFILES
            files[PROFILES] = self.auth_string.apply(server_profile)
        self.running = platform.runtime.run(
            Container(
                name=name,
                labels=naming.labels("server"),
                image=platform.images.build("server").reference,
                command=["prefect", "server", "start", "--host", "0.0.0.0", "--port", str(PORT)],  # noqa: S104
                environment=environment,
                limits=Limits(memory_mb=declared.memory_mb, cpus=declared.cpus, pids=declared.pids),
                network=self.network,
                health=Health(url=health, alive_url=health),
                ports=[Port(internal=PORT, external=port, ip=declared.bind)],
                mounts=[volume_mount(self.volume, DATA)],
                files=files,
            ),
            child,
        )

    def _scaled(
        self, platform: Platform, scaled: Scaled, port: pulumi.Output[int], child: pulumi.ResourceOptions
    ) -> None:
        self.inner_api_url = f"http://{platform.naming.of('proxy')}:{INNER_PORT}/api"
        backend = platform.runtime.network("backend", platform.naming.of("backend"), child, internal=True)
        postgres = database(platform, scaled, backend, child)
        self.volume, self.postgres = postgres.volume, postgres.inside
        parts = Parts(
            platform=platform,
            scaled=scaled,
            network=self.network,
            backend=backend,
            postgres=postgres,
            redis=messaging(platform, scaled, backend, child),
            environment=self._environment(platform),
            auth_string=self.auth_string,
            opts=child,
        )
        migrated = migration(parts)
        replicas = api_replicas(parts, migrated)
        services = background_services(parts, migrated)
        shown = certificate(platform, scaled, child)
        self.authority = shown.authority
        after = parts.after(*replicas.resources, *services.resources)
        self.running = proxy(platform, scaled, self.network, port, replicas, shown, after)

    def child_options(self, parent: pulumi.Resource) -> pulumi.ResourceOptions:
        """For an object on this server: it lives in the volume, and is gone along with it without a call."""
        return pulumi.ResourceOptions(
            parent=parent, provider=self.provider, deleted_with=self.volume.resource if self.volume else None
        )


def retention(stack: Stack) -> dict[str, pulumi.Input[str]]:
    """What the server deletes by itself, each hour. Left alone, it keeps events for a week, and runs for ever.

    In ISO 8601: of the two settings only one takes a number of seconds, and with the other no process starts.
    """
    settings: dict[str, pulumi.Input[str]] = {}
    if stack.janitor and stack.janitor.keep_events:
        settings["PREFECT_SERVER_EVENTS_RETENTION_PERIOD"] = f"PT{stack.janitor.keep_events}S"
    if stack.janitor and stack.janitor.keep_runs:
        settings["PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED"] = "events,flow_runs"
        settings["PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD"] = f"PT{stack.janitor.keep_runs}S"
    return settings


def server_profile(auth_string: str) -> str:
    """The server's credentials as a file of its own: its environment can be read by whoever may ask the engine."""
    return inner_profile("server", PREFECT_SERVER_API_AUTH_STRING=auth_string)


def _generated(opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    secret = GeneratedSecret("server-password", opts=opts)
    return pulumi.Output.secret(pulumi.Output.concat(f"{USER_NAME}:", secret.value))
