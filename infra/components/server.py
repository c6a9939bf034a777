"""The Prefect server: one container on SQLite, its data on a named volume, its UI on the loopback."""

from __future__ import annotations

from typing import Final

import pulumi
import pulumi_docker as docker

from infra.components.container import Container, Health, Limits, run, volume_mount
from infra.components.naming import Naming
from infra.components.orphans import orphans_first
from infra.components.platform import Platform
from infra.resources import GeneratedSecret, HostPort, Provider

PORT: Final = 4200  # inside of the stack's network
DATA: Final = "/var/lib/prefect"
PROFILES: Final = "/etc/prefect/server-profile.toml"
AUTH_KEY: Final = "auth_string"
"""The stack's secret with `user:password`; left out, one is generated."""
USER_NAME: Final = "admin"


class Server(pulumi.ComponentResource):
    """A stack's server, the network that its containers share, and the connection that its objects are made over."""

    network: docker.Network
    volume: docker.Volume
    container: docker.Container
    provider: Provider
    api_url: pulumi.Output[str]
    """As this machine reaches it."""
    inner_api_url: str
    """As the stack's containers reach it."""
    ui_url: pulumi.Output[str]
    auth_string: pulumi.Output[str] | None

    def __init__(self, platform: Platform) -> None:
        super().__init__("prefect-infra:index:Server", "server", {}, None)
        child = pulumi.ResourceOptions(parent=self)
        stack, naming = platform.stack, platform.naming
        declared = stack.server
        port = HostPort("server", port=declared.port, bind=declared.bind, opts=child)
        self.network = _network(naming, child)
        self.volume = _volume(naming, pulumi.ResourceOptions(parent=self, protect=declared.protect))
        self.auth_string = (platform.secret(AUTH_KEY) or _generated(child)) if declared.auth == "required" else None
        host = f"[{declared.bind}]" if ":" in declared.bind else declared.bind
        origin = port.number.apply(lambda number: f"http://{host}:{number}")
        self.api_url, self.ui_url = pulumi.Output.concat(origin, "/api"), origin
        name = naming.of("server")
        self.inner_api_url = f"http://{name}:{PORT}/api"
        environment: dict[str, pulumi.Input[str]] = {
            "TZ": stack.timezone,
            "PREFECT_LOGGING_SERVER_LEVEL": declared.log_level,
            # Without it, browsers would be told the inner address, which means nothing to them.
            "PREFECT_SERVER_UI_API_URL": self.api_url,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }
        files: dict[str, pulumi.Input[str]] = {}
        if self.auth_string is not None:
            environment["PREFECT_PROFILES_PATH"] = PROFILES
            files[PROFILES] = self.auth_string.apply(server_profile)
        self.container = run(
            Container(
                name=name,
                labels=naming.labels("server"),
                image=platform.images.build("server").image_id,
                command=["prefect", "server", "start", "--host", "0.0.0.0", "--port", str(PORT)],  # noqa: S104
                environment=environment,
                limits=Limits(memory_mb=declared.memory_mb, cpus=declared.cpus, pids=declared.pids),
                network=self.network,
                health=Health(url=f"http://127.0.0.1:{PORT}/api/health"),
                ports=[docker.ContainerPortArgs(internal=PORT, external=port.number, ip=declared.bind)],
                mounts=[volume_mount(self.volume, DATA)],
                files=files,
            ),
            naming,
            child,
        )
        self.provider = Provider(
            "prefect",
            api_url=self.api_url,
            auth_string=self.auth_string,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.container]),
        )
        self.register_outputs({"api_url": self.api_url})

    def child_options(self, parent: pulumi.Resource) -> pulumi.ResourceOptions:
        """For an object on this server: it lives in the volume, and is gone along with it without a call."""
        return pulumi.ResourceOptions(parent=parent, provider=self.provider, deleted_with=self.volume)


def server_profile(auth_string: str) -> str:
    """The server's credentials as a file of its own: its environment can be read by whoever may ask the engine."""
    return f'active = "server"\n\n[profiles.server]\nPREFECT_SERVER_API_AUTH_STRING = "{auth_string}"\n'


def _generated(opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    secret = GeneratedSecret("server-password", opts=opts)
    return pulumi.Output.secret(pulumi.Output.concat(f"{USER_NAME}:", secret.value))


def _network(naming: Naming, opts: pulumi.ResourceOptions) -> docker.Network:
    labels = [docker.NetworkLabelArgs(label=key, value=value) for key, value in naming.labels("network").items()]
    with_hook = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(hooks=orphans_first(naming)))
    return docker.Network("network", name=naming.prefix, driver="bridge", labels=labels, opts=with_hook)


def _volume(naming: Naming, opts: pulumi.ResourceOptions) -> docker.Volume:
    labels = [docker.VolumeLabelArgs(label=key, value=value) for key, value in naming.labels("data").items()]
    return docker.Volume("server-data", name=naming.of("server-data"), labels=labels, opts=opts)
