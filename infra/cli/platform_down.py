"""A platform taken down: what `dev down` and `stack rm` have in common."""

from __future__ import annotations

import subprocess

from infra.cli import salt
from infra.cli.console import err
from infra.cli.pulumi import Pulumi
from infra.components.naming import LABEL


def destroy(pulumi: Pulumi, *options: str, on_stderr: bool = False) -> str | None:
    """Everything of the stack, and its state. Returns what stood in the way, in words."""
    stack = pulumi.stack
    _end_flow_runs(pulumi)
    if pulumi.show("destroy", "--yes", "--stack", stack, *options, on_stderr=on_stderr) != 0:
        return f"`pulumi destroy` of {stack} did not end well: see above. It is safe to run again"
    if pulumi.show("stack", "rm", "--yes", "--preserve-config", stack, on_stderr=on_stderr) != 0:
        return f"`pulumi stack rm {stack}` did not end well: see above"
    forget(pulumi)
    return None


def forget(pulumi: Pulumi) -> None:
    """What Pulumi keeps of a stack that is no more."""
    pulumi.forget_salt()
    salt.settle(pulumi.root, pulumi.stack)
    pulumi.forget_state()


def _end_flow_runs(pulumi: Pulumi) -> None:
    """Flow runs that are containers of their own hold on to the network and the volumes for as long as they run."""
    ours = ["--filter", f"label={LABEL}.stack={pulumi.stack}", "--filter", f"label={LABEL}.role=run"]
    environment = pulumi.environment
    asked = subprocess.run(["docker", "ps", "-aq", *ours], env=environment, capture_output=True, text=True, check=False)
    if listed := asked.stdout.split():
        err.print(f"ending {len(listed)} containers of flow runs")
        subprocess.run(["docker", "rm", "--force", *listed], env=environment, capture_output=True, check=False)
