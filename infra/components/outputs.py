"""What a stack tells once it is up: for people, for scripts, and for other stacks that refer to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pulumi

from infra.components.area import Area
from infra.components.existing_server import ExistingServer
from infra.components.server import Server
from infra.model import Deployment, Stack, next_runs
from infra.resources import Profile


def stack_outputs(
    stack: Stack, server: Server | ExistingServer, areas: Sequence[Area], profiles: Sequence[Profile]
) -> dict[str, pulumi.Input[Any]]:
    declared = {deployment.name: deployment for area in stack.areas for deployment in area.deployments}
    now = datetime.now(ZoneInfo(stack.timezone))
    outputs: dict[str, pulumi.Input[Any]] = {
        "api_url": server.api_url,
        "ui_url": server.ui_url,
        "profiles": [profile.name for profile in profiles],
        "work_pools": {area.name: area.pool.name for area in areas},
        "workers": {area.name: list(area.workers) for area in areas},
        "deployments": {
            name: {"id": resource.id, "pool": area.pool.name, "next_run": next_run(declared[name], now)}
            for area in areas
            for name, resource in area.deployments.items()
        },
    }
    if server.auth_string is not None:
        outputs["auth_string"] = pulumi.Output.secret(server.auth_string)
    if server.authority is not None:
        outputs["ca_certificate"] = server.authority
    return outputs


def next_run(deployment: Deployment, now: datetime) -> str | None:
    """The next firing of all its active schedules in local time, or None where it only runs by hand."""
    if deployment.paused:
        return None
    firings = [run for each in deployment.schedules if each.active for run in next_runs(each, 1, now)]
    return min(firings).isoformat(timespec="minutes") if firings else None
