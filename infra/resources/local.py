"""What lives on the machine that runs Pulumi, and needs no server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import pulumi


class HostPort(pulumi.CustomResource):
    """A port of this machine or of `host`: `auto` is chosen once, a number is checked to be free before all else."""

    number: pulumi.Output[int]

    def __init__(
        self,
        resource_name: str,
        *,
        port: int | Literal["auto"],
        bind: str = "127.0.0.1",
        other_than: pulumi.Input[int] | None = None,
        host: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {"port": port, "bind": bind, "other_than": other_than, "host": host, "number": None}
        super().__init__("prefect:index:HostPort", resource_name, properties, opts)


class GeneratedSecret(pulumi.CustomResource):
    """A random text, kept encrypted in the state. Another `rotation` makes another one."""

    value: pulumi.Output[str]

    def __init__(
        self, resource_name: str, *, length: int = 32, rotation: int = 1, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        properties = {"length": length, "rotation": rotation, "value": None}
        super().__init__("prefect:index:GeneratedSecret", resource_name, properties, opts)


class LocalCertificate(pulumi.CustomResource):
    """A TLS certificate by an authority of its own, kept in the state, its keys encrypted."""

    certificate: pulumi.Output[str]
    key: pulumi.Output[str]
    authority: pulumi.Output[str]
    expires: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        hosts: pulumi.Input[Sequence[pulumi.Input[str]]],
        valid_days: int | None = None,
        rotation: int | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        made = dict.fromkeys(("certificate", "key", "authority", "authority_key", "expires"))
        properties = {"hosts": hosts, "valid_days": valid_days, "rotation": rotation, **made}
        super().__init__("prefect:index:LocalCertificate", resource_name, properties, opts)


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
        ca_certificate: pulumi.Input[str] | None = None,
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
            "ca_certificate": ca_certificate,
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


class CompletedRun(pulumi.CustomResource):
    """A container that runs once has done so, and ended well."""

    def __init__(
        self,
        resource_name: str,
        *,
        container_id: pulumi.Input[str],
        timeout_seconds: int | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {"container_id": container_id, "timeout_seconds": timeout_seconds}
        super().__init__("prefect:index:CompletedRun", resource_name, properties, opts)


class HandedOver(pulumi.CustomResource):
    """A container has taken over from the one before it, which keeps its name and goes on if this one isn't healthy."""

    def __init__(
        self,
        resource_name: str,
        *,
        name: str,
        container_id: pulumi.Input[str],
        labels: Mapping[str, str],
        ends_former: bool | None = None,
        comes_and_goes: bool | None = None,
        timeout_seconds: int | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "name": name,
            "container_id": container_id,
            "labels": labels,
            "ends_former": ends_former,
            "comes_and_goes": comes_and_goes,
            "timeout_seconds": timeout_seconds,
        }
        super().__init__("prefect:index:HandedOver", resource_name, properties, opts)
