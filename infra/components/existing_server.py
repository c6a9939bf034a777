"""A Prefect server that is there already: nothing is made of it but Prefect's objects on it, over the same provider."""

from __future__ import annotations

import pulumi

from infra.components.platform import Platform
from infra.components.server import AUTH_KEY
from infra.resources import Provider


class ExistingServer(pulumi.ComponentResource):
    """The connection to it. Its workers are elsewhere, and so is the code that they run."""

    running: None = None
    provider: Provider
    api_url: pulumi.Output[str]
    ui_url: pulumi.Output[str]
    auth_string: pulumi.Output[str] | None
    authority: None = None

    def __init__(self, platform: Platform, api_url: str) -> None:
        super().__init__("prefect-infra:index:ExistingServer", "server", {}, None)
        self.auth_string = platform.secret(AUTH_KEY) if platform.stack.server.auth == "required" else None
        self.api_url = pulumi.Output.from_input(api_url.rstrip("/"))
        self.ui_url = pulumi.Output.from_input(api_url.rstrip("/").removesuffix("/api"))
        self.provider = Provider(
            "prefect", api_url=self.api_url, auth_string=self.auth_string, opts=pulumi.ResourceOptions(parent=self)
        )
        self.register_outputs({"api_url": self.api_url})

    def child_options(self, parent: pulumi.Resource) -> pulumi.ResourceOptions:
        """For an object on this server, which outlives the stack: each that goes is deleted by a call."""
        return pulumi.ResourceOptions(parent=parent, provider=self.provider)
