"""The Prefect profiles that a stack declares, in the `profiles.toml` of whoever runs it."""

from __future__ import annotations

import pulumi

from infra.components.existing_server import ExistingServer
from infra.components.server import Server
from infra.model import Stack
from infra.resources import Profile


def register_profiles(stack: Stack, server: Server | ExistingServer) -> list[Profile]:
    return [
        Profile(
            profile.name,
            name=profile.name,
            api_url=server.api_url,
            auth_string=server.auth_string,
            ca_certificate=server.authority,
            settings=dict(profile.settings),
            activate=profile.activate,
            # A profile is worth something once there is a server behind it.
            opts=pulumi.ResourceOptions(depends_on=list(server.running.resources) if server.running else None),
        )
        for profile in stack.profiles
    ]
