"""What lives on the machine that runs Pulumi, and needs no server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pulumi


class HostPort(pulumi.CustomResource):
    """A port of this machine: `auto` is chosen once, a number is checked to be free before anything is made."""

    number: pulumi.Output[int]

    def __init__(
        self,
        resource_name: str,
        *,
        port: int | Literal["auto"],
        bind: str = "127.0.0.1",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {"port": port, "bind": bind, "number": None}
        super().__init__("prefect:index:HostPort", resource_name, properties, opts)


class GeneratedSecret(pulumi.CustomResource):
    """A random text, kept encrypted in the state. Another `rotation` makes another one."""

    value: pulumi.Output[str]

    def __init__(
        self, resource_name: str, *, length: int = 32, rotation: int = 1, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        properties = {"length": length, "rotation": rotation, "value": None}
        super().__init__("prefect:index:GeneratedSecret", resource_name, properties, opts)


class Profile(pulumi.CustomResource):
    """A profile in the `profiles.toml` of whoever runs Pulumi. Its id is its name."""

    name: pulumi.Output[str]
    path: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str],
        api_url: pulumi.Input[str],
        auth_string: pulumi.Input[str] | None = None,
        settings: pulumi.Input[Mapping[str, str]] | None = None,
        activate: bool = False,
        file: str | None = None,
        adopt: pulumi.Input[bool] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "name": name,
            "api_url": api_url,
            "auth_string": auth_string,
            "settings": settings,
            "activate": activate,
            "file": file,
            "adopt": adopt,
            "path": None,
            "previously_active": None,
        }
        super().__init__("prefect:index:Profile", resource_name, properties, opts)


class PidsLimit(pulumi.CustomResource):
    """The most processes and threads of a container."""

    def __init__(
        self,
        resource_name: str,
        *,
        container_id: pulumi.Input[str],
        limit: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("prefect:index:PidsLimit", resource_name, {"container_id": container_id, "limit": limit}, opts)
