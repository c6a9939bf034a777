"""On one Docker engine: each replica is a container; no privileges, within limits, rotated logs, back after a crash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import pulumi
import pulumi_docker as docker

from infra.components.container import (
    ENGINE_SOCKET,
    HEALTH_TIMEOUT_SECONDS,
    LOG_FILES,
    USER,
    Container,
    Health,
    Mount,
    Running,
    Volume,
    group_of_socket,
)
from infra.components.image import BuiltImage
from infra.components.naming import LABEL, SCALED, Naming
from infra.components.orphans import orphans_first
from infra.components.remote_host import group_of_socket_there
from infra.components.standing_aside import START_FIRST, start_first
from infra.model import RemoteHost
from infra.resources import CompletedRun, HandedOver, HostPort, PidsLimit

SCRATCH: Final = {"/tmp": "mode=1777", "/home/prefect": "uid=10001,gid=10001,mode=0700"}  # noqa: S108
"""What a container may write besides its volumes: gone with it."""
# Not unless-stopped: a daemon that comes up after a crash stops what it finds running, takes that for a stop by hand,
# and starts none of it again (docker 20.10, run).
STARTED: Final[Mapping[str, Any]] = {"restart": "always"}
STARTED_BY_OTHERS: Final[Mapping[str, Any]] = {
    "restart": "unless-stopped",
    "start": False,
    "must_run": False,
    "wait": False,
}
"""Of a container that comes and goes while it is declared: what was stopped stays so when the engine starts again."""
LEFT_TO_OTHERS: Final = pulumi.ResourceOptions(ignore_changes=["networkDatas", "exitCode"])


@dataclass(frozen=True)
class OneEngine:
    """See `infra.components.runtime.Runtime`."""

    naming: Naming
    host: RemoteHost | None = None
    """Whose engine it is; None: this machine's."""

    def network(self, role: str, name: str, opts: pulumi.ResourceOptions, *, internal: bool = False) -> docker.Network:
        labels = self.naming.labels("network").items()
        return docker.Network(
            role,
            name=name,
            driver="bridge",
            internal=internal or None,
            labels=[docker.NetworkLabelArgs(label=key, value=value) for key, value in labels],
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(hooks=orphans_first(self.naming))),
        )

    def volume(
        self,
        role: str,
        name: str,
        labels: Mapping[str, str],
        opts: pulumi.ResourceOptions,
        *,
        passing: bool = False,
        stays: bool = False,
    ) -> Volume:
        del stays  # nothing can go anywhere else
        as_labels = [docker.VolumeLabelArgs(label=key, value=value) for key, value in labels.items()]
        made = docker.Volume(role, name=name, labels=as_labels, opts=opts)
        return Volume(name=made.name, labels=labels, resource=made, passing=passing)

    def on_each_machine(
        self, role: str, name: str, image: BuiltImage, machines_of: str | None, opts: pulumi.ResourceOptions
    ) -> BuiltImage:
        del role, name, machines_of, opts  # built where it is used
        return image

    def port(
        self,
        role: str,
        port: int | Literal["auto"],
        bind: str,
        opts: pulumi.ResourceOptions,
        other_than: pulumi.Input[int] | None = None,
    ) -> pulumi.Output[int]:
        host = self.host.url if self.host else None
        return HostPort(role, port=port, bind=bind, other_than=other_than, host=host, opts=opts).number

    def run(self, container: Container, opts: pulumi.ResourceOptions) -> Running:
        names = [container.name]
        if container.replicas is not None:
            names = [f"{container.name}-{number}" for number in range(1, container.replicas + 1)]
        made: list[docker.Container | HandedOver] = []
        always = len(names) if container.always is None else container.always
        for number, name in enumerate(names, start=1):
            after = pulumi.ResourceOptions(depends_on=made[-1:] if container.in_turn else None)
            merged = pulumi.ResourceOptions.merge(opts, after)
            if container.start_first:
                made += self._handed_over(name, container, merged, comes_and_goes=number > always)
                continue
            life = {**STARTED, "wait": True, "wait_timeout": container.start_seconds}
            started = self._made(name, container, merged, **life)
            self._limited(name, container, started)
            made.append(started)
        return Running(resources=made, names=names, shared_name=None)

    def _handed_over(
        self, name: str, container: Container, opts: pulumi.ResourceOptions, *, comes_and_goes: bool
    ) -> tuple[docker.Container, HandedOver]:
        """At work before the one that it replaces is told to stop."""
        labels = {**container.labels, START_FIRST: "true", **(SCALED if comes_and_goes else {})}
        life, left = (STARTED_BY_OTHERS, LEFT_TO_OTHERS) if comes_and_goes else (STARTED, pulumi.ResourceOptions())
        before = pulumi.ResourceOptions(delete_before_replace=False, hooks=start_first(self.naming, name))
        merged = pulumi.ResourceOptions.merge(opts, left)
        made = self._made(name, replace(container, labels=labels), merged, before, **life)
        self._limited(name, container, made)
        taken = HandedOver(
            name,
            name=name,
            container_id=made.id,
            labels={f"{LABEL}.project": self.naming.project, f"{LABEL}.stack": self.naming.stack},
            ends_former=not container.ends_last,
            comes_and_goes=comes_and_goes,
            timeout_seconds=container.start_seconds,
            opts=pulumi.ResourceOptions(parent=made),
        )
        return made, taken

    def run_once(self, container: Container, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        made = self._made(container.name, container, opts, restart="no", start=False, must_run=False)
        limited = self._limited(container.name, container, made)
        # An engine that is to limit what has just begun or ended fails: "cannot update a stopped container".
        with_it = pulumi.ResourceOptions(parent=made, deleted_with=made, depends_on=[limited])
        return CompletedRun(container.name, container_id=made.id, timeout_seconds=container.done_seconds, opts=with_it)

    def _made(
        self,
        name: str,
        container: Container,
        opts: pulumi.ResourceOptions,
        before: pulumi.ResourceOptions | None = None,
        **life: Any,
    ) -> docker.Container:
        """`before`: what becomes of the one that it replaces. None: one name, one container, the old one goes first."""
        gone = pulumi.ResourceOptions(delete_before_replace=True, hooks=orphans_first(self.naming))
        networks = [container.network, *container.further_networks] if container.network else []
        files = {**container.files, **container.configs, **container.passed_on}
        engine = [Mount(source=ENGINE_SOCKET, target=ENGINE_SOCKET)] if container.holds_engine else []
        return docker.Container(
            name,
            name=name,
            hostname=name,
            image=container.image,
            command=list(container.command),
            envs=[pulumi.Output.concat(key, "=", value) for key, value in sorted(container.environment.items())],
            labels=[
                docker.ContainerLabelArgs(label=key, value=value) for key, value in sorted(container.labels.items())
            ],
            user=USER,
            group_adds=[str(self._group_of_socket())] if container.holds_engine else [],
            capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"]),
            security_opts=["no-new-privileges:true"],
            # The engine can't put a file into a container whose root is read-only.
            read_only=not files,
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
            ports=[
                docker.ContainerPortArgs(internal=port.internal, external=port.external, ip=port.ip)
                for port in container.ports
            ],
            mounts=[_mount(mount) for mount in (*container.mounts, *engine)],
            uploads=[
                # Of root, and read by the one user that there is in the container. For another owner the engine looks
                # up the container's user among those of its host, and fails (docker 20.10 to 24, read and run).
                docker.ContainerUploadArgs(file=path, content=content, permissions="0444")
                for path, content in sorted(files.items())
            ],
            healthcheck=_health(container.health) if container.health else None,
            opts=pulumi.ResourceOptions.merge(opts, before or gone),
            **life,
        )

    def _limited(self, name: str, container: Container, made: docker.Container) -> PidsLimit:
        with_it = pulumi.ResourceOptions(parent=made, deleted_with=made)
        return PidsLimit(name, container_id=made.id, limit=container.limits.pids, opts=with_it)

    def _group_of_socket(self) -> int:
        return group_of_socket_there(self.host.url) if self.host else group_of_socket()


def _mount(mount: Mount) -> docker.ContainerMountArgs:
    volume = isinstance(mount.source, Volume)
    return docker.ContainerMountArgs(
        type="volume" if volume else "bind",
        source=mount.source.name if isinstance(mount.source, Volume) else mount.source,
        target=mount.target,
        read_only=mount.read_only or None,
    )


def _health(health: Health) -> docker.ContainerHealthcheckArgs:
    return docker.ContainerHealthcheckArgs(
        tests=health.test,
        interval=f"{health.interval_seconds}s",
        timeout=f"{HEALTH_TIMEOUT_SECONDS}s",
        start_period=_go_duration(health.start_seconds),
        retries=health.retries,
    )


def _go_duration(seconds: int) -> str:
    """As the engine tells it back: `1m0s` for 60. Any other form would be a difference at each preview."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
