"""On a Docker Swarm: a part is a service, its replicas are on whichever nodes there are.

Names that find something: a service's alias is the part's name, as it is a container's on one engine, and answers with
the addresses of all its tasks (`endpoint_mode: dnsrr`), so that neither virtual IPs nor the ingress mesh are needed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, Final, Literal

import pulumi
import pulumi_docker as docker

from infra.components.container import (
    USER,
    Container,
    Running,
    Volume,
    group_of_socket,
)
from infra.components.image import BuiltImage, ImageBuilder
from infra.components.naming import LABEL, Naming
from infra.components.orphans import orphans_first
from infra.components.runtimes import compose
from infra.model import Swarm
from infra.resources import EncryptionCheck, GeneratedSecret, NodeImage, NodeVolume, SwarmService

AREA_LABEL: Final = f"{LABEL}.area"
"""Of nodes: `docker node update --label-add prefect-infra.area=compras node-2`."""
WATCHED_SECONDS: Final = 5
"""How long a replaced task must stay well before the next one's turn; a bad end until then undoes the update."""
SPARE_SECONDS: Final = 120
"""For a node to get the image, and for the swarm to say what became of a task."""
PAUSE_SECONDS: Final = 5
"""Between a crash and the next try."""
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
    _checked: list[EncryptionCheck] = field(default_factory=list)

    def network(self, role: str, name: str, opts: pulumi.ResourceOptions, *, internal: bool = False) -> docker.Network:
        labels = self.naming.labels("network").items()
        own = pulumi.ResourceOptions(
            hooks=orphans_first(self.naming),
            # The swarm adds its numbers to them, which would look like a change.
            ignore_changes=["options", "ipamConfigs"],
            depends_on=[self._encryption_check()] if self.declared.encrypted else None,
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

    def on_each_machine(
        self, role: str, name: str, image: BuiltImage, machines_of: str | None, opts: pulumi.ResourceOptions
    ) -> BuiltImage:
        constraint = _on_machines_of(machines_of) if machines_of else None
        made = NodeImage(role, name=name, image=image.reference, constraint=constraint, opts=opts)
        return replace(image, reference=made.image, name=made.image)

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
        order = "start-first" if container.in_turn or container.start_first else "stop-first"
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
        deploy = {
            "mode": "replicated",
            "replicas": 1,
            "endpoint_mode": "dnsrr",
            "restart_policy": {"condition": "none"},
        }
        return self._service(container, deploy, container.done_seconds, opts)

    def _service(
        self, container: Container, deploy: Mapping[str, Any], seconds: int, opts: pulumi.ResourceOptions
    ) -> SwarmService:
        networks = [container.network or self._network_apart(), *container.further_networks]
        secrets, configs = dict(self._secrets(container, opts)), dict(self._configs(container, opts))
        service = {
            **compose.service(container),
            "user": self._engine_user() if container.holds_engine else USER,
            "networks": {f"n{number}": {"aliases": [container.name]} for number, _ in enumerate(networks)},
            "secrets": [
                {"source": source, "target": path, "uid": USER.split(":")[0], "gid": "10001", "mode": 0o400}
                for source, (path, _) in secrets.items()
            ],
            "configs": [{"source": source, "target": path} for source, (path, _) in configs.items()],
            "deploy": {
                **deploy,
                "labels": dict(container.labels),
                "placement": {"constraints": list(self._constraints(container))},
                "resources": compose.resources(container),
            },
        }
        beside = {
            "networks": {f"n{number}": compose.there(network.name) for number, network in enumerate(networks)},
            "secrets": {source: compose.there(secret.name) for source, (_, secret) in secrets.items()},
            "configs": {source: compose.there(config.name) for source, (_, config) in configs.items()},
            "volumes": dict(compose.volumes(container)),
        }
        return SwarmService(
            container.name,
            namespace=self.naming.prefix,
            name=container.name.removeprefix(f"{self.naming.prefix}-"),
            service=service,
            beside=beside,
            timeout_seconds=seconds,
            opts=opts,
        )

    def _secrets(
        self, container: Container, opts: pulumi.ResourceOptions
    ) -> Iterator[tuple[str, tuple[str, docker.Secret]]]:
        """By the name that the service knows each by: its path in the container, and itself."""
        files = {
            **container.files,
            **{compose.in_passing(path): content for path, content in container.passed_on.items()},
        }
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

    def _encryption_check(self) -> EncryptionCheck:
        if not self._checked:
            image = self.images.build("server").reference
            self._checked.append(EncryptionCheck("encryption", name=self.naming.of("encryption"), image=image))
        return self._checked[0]

    def _names_key(self) -> pulumi.Output[str]:
        if not self._key:
            self._key.append(GeneratedSecret("swarm-names").value)
        return self._key[0]

    def _constraints(self, container: Container) -> Iterator[str]:
        if container.stays and self.declared.data_node:
            yield f"node.hostname=={self.declared.data_node}"
        if container.machines_of:
            yield _on_machines_of(container.machines_of)

    def _engine_user(self) -> str:
        group = self.declared.socket_group or group_of_socket()
        return f"{USER.split(':')[0]}:{group}"


def _on_machines_of(area: str) -> str:
    return f"node.labels.{AREA_LABEL}=={area}"


def _secret(content: pulumi.Input[str]) -> pulumi.Output[str]:
    encoded: pulumi.Output[str] = pulumi.Output.from_input(content).apply(_base64)
    return pulumi.Output.secret(encoded)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _sorted(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(labels.items())


def _role_of_file(container: Container, path: str) -> str:
    return f"{container.name}-{PurePosixPath(path).name}"
