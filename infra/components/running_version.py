"""The server that runs is asked for its release of Prefect at each preview, before anything is changed."""

from __future__ import annotations

import pulumi

from infra.components.existing_server import ExistingServer
from infra.components.server import Server
from infra.model import Stack, running_versions
from infra.model.excerpts import Excerpts
from infra.resources import GetServerVersionResult, get_server_version_output


def check_running_version(stack: Stack, server: Server | ExistingServer) -> None:
    """Warnings are logged; an error fails the preview. One that is only planned, or down, says nothing."""
    existing = isinstance(server, ExistingServer)
    if not existing and not pulumi.runtime.is_dry_run():
        return  # by now it is the one that this `up` has made
    opts = pulumi.InvokeOutputOptions(provider=server.provider, parent=server)
    get_server_version_output(opts=opts).apply(lambda told: _judge(stack, told, existing=existing))


def _judge(stack: Stack, told: GetServerVersionResult, *, existing: bool) -> None:
    if told.version is None:
        if existing:
            pulumi.log.warn(f"which release of Prefect the server runs is not known: {told.reason}")
        return
    found = running_versions(stack, told.version)
    excerpts = Excerpts(stack.root, found)
    for warning in (finding for finding in found if finding.severity == "warning"):
        pulumi.log.warn(excerpts.told(warning))
    errors = [excerpts.told(finding) for finding in found if finding.severity == "error"]
    if errors:
        raise pulumi.RunError("\n".join(errors))
