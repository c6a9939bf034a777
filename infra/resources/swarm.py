"""What is on a Docker Swarm, and needs no Prefect server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi


class SwarmService(pulumi.CustomResource):
    """A service, in Compose's words. It is there once its tasks are healthy; or done, if they are never restarted."""

    def __init__(
        self,
        resource_name: str,
        *,
        namespace: str,
        name: str,
        service: pulumi.Input[Mapping[str, Any]],
        beside: pulumi.Input[Mapping[str, Any]] | None = None,
        timeout_seconds: int | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "namespace": namespace,
            "name": name,
            "service": service,
            "beside": beside,
            "timeout_seconds": timeout_seconds,
            "fingerprint": None,
        }
        super().__init__("prefect:index:SwarmService", resource_name, properties, opts)


class PushedImage(pulumi.CustomResource):
    """An image in a registry."""

    reference: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str],
        image_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {"name": name, "image_id": image_id, "reference": None}
        super().__init__("prefect:index:PushedImage", resource_name, properties, opts)


class NodeImage(pulumi.CustomResource):
    """An image is on the nodes, for containers that others than the swarm start there."""

    image: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: str,
        image: pulumi.Input[str],
        constraint: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {"name": name, "image": image, "constraint": constraint}
        super().__init__("prefect:index:NodeImage", resource_name, properties, opts)


class NodeVolume(pulumi.CustomResource):
    """A volume that each node makes for itself; it goes, with what is in it, from all of them."""

    name: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: str,
        image: pulumi.Input[str],
        user: str,
        node: str | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {"name": name, "node": node, "image": image, "user": user}
        super().__init__("prefect:index:NodeVolume", resource_name, properties, opts)


class EncryptionCheck(pulumi.CustomResource):
    """The nodes' kernels can encrypt what goes from one to the other. It fails where one can't."""

    def __init__(
        self,
        resource_name: str,
        *,
        name: str,
        image: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("prefect:index:EncryptionCheck", resource_name, {"name": name, "image": image}, opts)
