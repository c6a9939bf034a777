"""What a platform's parts run on: one engine, or several that are a swarm. Components know no more than this of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Protocol

import pulumi
import pulumi_docker as docker

from infra.components.container import Container, Running, Volume
from infra.components.image import BuiltImage


class Runtime(Protocol):
    """The one place where descriptions become resources."""

    def network(self, role: str, name: str, opts: pulumi.ResourceOptions, *, internal: bool = False) -> docker.Network:
        """Internal: without a way out."""
        ...

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
        """Stays: it is on one machine, for containers that stay there. Passing: see `Volume`."""
        ...

    def on_each_machine(
        self, role: str, name: str, image: BuiltImage, machines_of: str | None, opts: pulumi.ResourceOptions
    ) -> BuiltImage:
        """The image, once it is wherever others than the runtime may start containers of it. None: on any machine."""
        ...

    def port(
        self,
        role: str,
        port: int | Literal["auto"],
        bind: str,
        opts: pulumi.ResourceOptions,
        other_than: pulumi.Input[int] | None = None,
    ) -> pulumi.Output[int]:
        """A port to publish something on."""
        ...

    def run(self, container: Container, opts: pulumi.ResourceOptions) -> Running: ...

    def run_once(self, container: Container, opts: pulumi.ResourceOptions) -> pulumi.Resource:
        """It does its work once, each time it is made anew. The resource is there once that ended well."""
        ...
