"""On a Docker Swarm: a part is a service, its replicas are on whichever nodes there are.

Names that find something: a service's alias is the part's name, as it is a container's on one engine, and answers with
the addresses of all its tasks (`endpoint_mode: dnsrr`), so that neither virtual IPs nor the ingress mesh are needed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final, Literal

import pulumi
import pulumi_docker as docker

from infra.components.container import (
    ENGINE_SOCKET,
    HEALTH_TIMEOUT_SECONDS,
    LOG_FILES,
    SECRETS,
    USER,
    Container,
    Health,
    Mount,
    Running,
    Volume,
    group_of_socket,
)
from infra.components.image import ImageBuilder
from infra.components.naming import LABEL, Naming
from infra.components.orphans import orphans_first
from infra.model import Swarm
from infra.resources import GeneratedSecret, NodeVolume, SwarmService

SCRATCH: Final = ("/tmp", "/home/prefect")  # noqa: S108
AREA_LABEL: Final = f"{LABEL}.area"
"""Of nodes: `docker node update --label-add prefect-infra.area=compras node-2`."""
PASS_ON: Final = ("python3", "-I", "-S", "/opt/prefect-infra/pass_on.py")
IN_MEMORY: Final = {"type": "tmpfs", "device": "tmpfs", "o": f"uid={USER.split(':')[0]},gid=10001,mode=0700,size=1m"}
"""Of a volume for what is passing: nothing of it is ever on a node's disk."""
WATCHED_SECONDS: Final = 5
"""How long a replaced task must stay well before the next one's turn; a bad end until then undoes the update."""
SPARE_SECONDS: Final = 120
"""For a node to get the image, and for the swarm to say what became of a task."""
PAUSE_SECONDS: Final = 5
"""Between a crash and the next try."""
PATIENCE: Final = 3
"""So many times as often as on one engine, a container may be found unhealthy before it counts as that."""
RESERVED_MEMORY: Final = 0.5
RESERVED_CPUS: Final = 0.1
"""Of the limits: what a node must have free for a part to be put there. Most of the time, it needs no more."""
_HASH_LENGTH: Final = 12
_ROLE_LENGTH: Final = 64 - 1 - _HASH_LENGTH  # what a name of a secret may have


@dataclass(frozen=True)
class OnSwarm:
    """See `infra.components.runtime.Runtime`."""

    naming: Naming
    declared: Swarm
    images: ImageBuilder
    _key: list[pulumi.Output[str]] = field(default_factory=list)
    _apart: list[docker.Network] = field(default_factory=list)

    def network(self, role: str, name: str, opts: pulumi.ResourceOptions, *, internal: bool = False) -> docker.Network:
        labels = self.naming.labels("network").items()
        own = pulumi.ResourceOptions(
            hooks=orphans_first(self.naming),
            # The swarm adds its numbers to them, which would look like a change.
            ignore_changes=["options", "ipamConfigs"],
        )
        return docker.Network(
            role,
            name=name,
            driver="overlay",
            internal=internal or None,
            # For the containers of flow runs, which are no services.
            attachable=True,
            options={"encrypted": ""} if self.declared.encrypted else None,
            labels=[docker.NetworkLabelArgs(label=key, value=value) for key, value in labels],
            opts=pulumi.ResourceOptions.merge(opts, own),
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
        made = NodeVolume(
            role,
            name=name,
            node=self.declared.data_node if stays else None,
            image=self.images.build("server").reference,
            user=self._engine_user(),
            opts=opts,
        )
        return Volume(name=made.name, labels=labels, resource=made, passing=passing)

    def port(
        self,
        role: str,
        port: int | Literal["auto"],
        bind: str,
        opts: pulumi.ResourceOptions,
        other_than: pulumi.Input[int] | None = None,
    ) -> pulumi.Output[int]:
        del role, bind, opts, other_than  # the nodes' ports, which this machine knows nothing of
        return pulumi.Output.from_input(int(port))

    def run(self, container: Container, opts: pulumi.ResourceOptions) -> Running:
        number = 1 if container.replicas is None else container.replicas
        mode: dict[str, Any] = (
            {"mode": "global"} if container.everywhere else {"mode": "replicated", "replicas": number}
        )
        order = "start-first" if container.in_turn else "stop-first"
        deploy = {
            **mode,
            "endpoint_mode": "dnsrr",
            "update_config": {
                "parallelism": 1,
                "order": order,
                "failure_action": "rollback",
                "monitor": f"{WATCHED_SECONDS}s",
                "max_failure_ratio": 0,
            },
            "rollback_config": {"parallelism": 1, "order": order, "monitor": f"{WATCHED_SECONDS}s"},
            "restart_policy": {"condition": "any", "delay": f"{PAUSE_SECONDS}s"},
        }
        each = container.start_seconds + container.stop_seconds + WATCHED_SECONDS + SPARE_SECONDS
        resource = self._service(container, deploy, each * max(number, 1), opts)
        names = [container.name]
        if container.replicas is not None:
            names = [f"{container.name}-{slot}" for slot in range(1, number + 1)]
        return Running(resources=[resource], names=names, shared_name=f"tasks.{container.name}")

    def run_once(self, container: Container, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        deploy = {"mode": "replicated-job", "replicas": 1, "restart_policy": {"condition": "none"}}
        return self._service(container, deploy, container.done_seconds, opts)

    def _service(
        self, container: Container, deploy: Mapping[str, Any], seconds: int, opts: pulumi.ResourceOptions
    ) -> SwarmService:
        networks = [container.network or self._network_apart(), *container.further_networks]
        secrets, configs = dict(self._secrets(container, opts)), dict(self._configs(container, opts))
        service = {
            "image": container.image,
            "command": [*_passing_on(container), *container.command],
            "environment": dict(container.environment),
            "labels": dict(container.labels),
            "user": self._engine_user() if container.holds_engine else USER,
            "cap_drop": ["ALL"],
            "read_only": True,
            **_host_name(container),
            "networks": {f"n{number}": {"aliases": [container.name]} for number, _ in enumerate(networks)},
            "volumes": [
                *({"type": "tmpfs", "target": target} for target in SCRATCH),
                *_shared_memory(container),
                *(_mounted(number, mount) for number, mount in enumerate(_mounts(container))),
            ],
            "secrets": [
                {"source": source, "target": path, "uid": USER.split(":")[0], "gid": "10001", "mode": 0o400}
                for source, (path, _) in secrets.items()
            ],
            "configs": [{"source": source, "target": path} for source, (path, _) in configs.items()],
            "healthcheck": _health(container.health, container.start_seconds)
            if container.health
            else {"disable": True},
            "stop_signal": container.stop_signal,
            "stop_grace_period": f"{container.stop_seconds}s",
            "logging": {"driver": "json-file", "options": dict(LOG_FILES)},
            "ports": [
                {"target": port.internal, "published": port.external, "protocol": "tcp", "mode": "host"}
                for port in container.ports
            ],
            "deploy": {
                **deploy,
                "labels": dict(container.labels),
                "placement": {"constraints": list(self._constraints(container))},
                "resources": _resources(container),
            },
        }
        beside = {
            "networks": {f"n{number}": _there(network.name) for number, network in enumerate(networks)},
            "secrets": {source: _there(secret.name) for source, (_, secret) in secrets.items()},
            "configs": {source: _there(config.name) for source, (_, config) in configs.items()},
            "volumes": dict(_volumes(container)),
        }
        role = container.name.removeprefix(f"{self.naming.prefix}-")
        return SwarmService(
            container.name,
            namespace=self.naming.prefix,
            name=role,
            service=service,
            beside=beside,
            timeout_seconds=seconds,
            opts=opts,
        )

    def _secrets(
        self, container: Container, opts: pulumi.ResourceOptions
    ) -> Iterator[tuple[str, tuple[str, docker.Secret]]]:
        """By the name that the service knows each by: its path in the container, and itself."""
        files = {**container.files, **{_in_passing(path): content for path, content in container.passed_on.items()}}
        for number, (path, content) in enumerate(sorted(files.items())):
            role = _role_of_file(container, path)
            made = docker.Secret(
                role,
                name=self._name(role, content),
                data=_secret(content),
                labels=[docker.SecretLabelArgs(label=key, value=value) for key, value in _sorted(container.labels)],
                opts=pulumi.ResourceOptions(parent=opts.parent),
            )
            yield f"s{number}", (path, made)

    def _configs(
        self, container: Container, opts: pulumi.ResourceOptions
    ) -> Iterator[tuple[str, tuple[str, docker.ServiceConfig]]]:
        for number, (path, content) in enumerate(sorted(container.configs.items())):
            role = _role_of_file(container, path)
            made = docker.ServiceConfig(
                role,
                name=self._name(role, content),
                data=pulumi.Output.from_input(content).apply(_base64),
                opts=pulumi.ResourceOptions(parent=opts.parent),
            )
            yield f"c{number}", (path, made)

    def _name(self, role: str, content: pulumi.Input[str]) -> pulumi.Output[str]:
        """Neither can be changed: another content is another one, the service takes it, and the former goes.

        The mark is made with a key of the stack's own: from a bare hash, whoever sees names could guess at a short
        password.
        """
        known = pulumi.Output.all(self._names_key(), content)
        mark = known.apply(lambda pair: hmac.new(pair[0].encode(), pair[1].encode(), hashlib.sha256).hexdigest())
        return pulumi.Output.unsecret(
            mark.apply(lambda text: f"{role[-_ROLE_LENGTH:].lstrip('-_.')}-{text[:_HASH_LENGTH]}")
        )

    def _network_apart(self) -> docker.Network:
        """For those that need none, which a service can't have (docker 20.10, run): nobody else, and no way out."""
        if not self._apart:
            self._apart.append(self.network("apart", self.naming.of("apart"), pulumi.ResourceOptions(), internal=True))
        return self._apart[0]

    def _names_key(self) -> pulumi.Output[str]:
        if not self._key:
            self._key.append(GeneratedSecret("swarm-names").value)
        return self._key[0]

    def _constraints(self, container: Container) -> Iterator[str]:
        if container.stays and self.declared.data_node:
            yield f"node.hostname=={self.declared.data_node}"
        if container.machines_of:
            yield f"node.labels.{AREA_LABEL}=={container.machines_of}"

    def _engine_user(self) -> str:
        group = self.declared.socket_group or group_of_socket()
        return f"{USER.split(':')[0]}:{group}"


def _there(name: pulumi.Input[str]) -> dict[str, Any]:
    return {"external": True, "name": name}


def _secret(content: pulumi.Input[str]) -> pulumi.Output[str]:
    encoded: pulumi.Output[str] = pulumi.Output.from_input(content).apply(_base64)
    return pulumi.Output.secret(encoded)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _host_name(container: Container) -> dict[str, str]:
    """Nothing: the container's id. While it is replaced, a replica and its successor would have the same name."""
    if container.in_turn:
        return {}
    if container.everywhere:
        return {"hostname": f"{container.name}-{{{{.Node.Hostname}}}}"}
    return {"hostname": container.name if container.replicas is None else f"{container.name}-{{{{.Task.Slot}}}}"}


def _sorted(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(labels.items())


def _role_of_file(container: Container, path: str) -> str:
    return f"{container.name}-{PurePosixPath(path).name}"


def _in_passing(path: str) -> str:
    return f"{SECRETS}/{PurePosixPath(path).name}"


def _passing_on(container: Container) -> list[str]:
    """A secret is seen in the service's own containers alone: whoever starts others lays it on their volume."""
    if not container.passed_on:
        return []
    return [*PASS_ON, *(f"{_in_passing(path)}={path}" for path in sorted(container.passed_on)), "--"]


def _mounts(container: Container) -> Sequence[Mount]:
    socket = [Mount(source=ENGINE_SOCKET, target=ENGINE_SOCKET)] if container.holds_engine else []
    return [*container.mounts, *socket]


def _mounted(number: int, mount: Mount) -> dict[str, Any]:
    if isinstance(mount.source, Volume):
        return {"type": "volume", "source": f"v{number}", "target": mount.target, "read_only": mount.read_only}
    return {"type": "bind", "source": mount.source, "target": mount.target, "read_only": mount.read_only}


def _volumes(container: Container) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, mount in enumerate(container.mounts):
        if isinstance(mount.source, Volume):
            in_memory = {"driver": "local", "driver_opts": dict(IN_MEMORY)} if mount.source.passing else {}
            yield f"v{number}", {"name": mount.source.name, "labels": dict(mount.source.labels), **in_memory}


def _shared_memory(container: Container) -> list[dict[str, Any]]:
    """A service has no `shm_size`; what lies there is a tmpfs all the same."""
    if container.shared_memory_mb is None:
        return []
    return [{"type": "tmpfs", "target": "/dev/shm", "tmpfs": {"size": container.shared_memory_mb * 2**20}}]  # noqa: S108


def _resources(container: Container) -> dict[str, Any]:
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
        "test": health.test,
        "interval": f"{health.interval_seconds}s",
        "timeout": f"{HEALTH_TIMEOUT_SECONDS}s",
        "start_period": f"{max(health.start_seconds, start_seconds)}s",
        "retries": health.retries * PATIENCE,
    }
