"""`prefect-infra dev`: a whole platform of one's own, up and down."""

from __future__ import annotations

import asyncio
import subprocess
from typing import Annotated, Any

import typer
from rich.table import Table

from infra.cli import salt
from infra.cli.console import checkout, err, fail, out, step
from infra.cli.options import complete_stack
from infra.cli.pulumi import Pulumi
from infra.cli.smoke import NotInTime, Trial, try_deployment, workers_online
from infra.components.naming import LABEL
from infra.model import Stack, StackErrors, load_stack_file
from infra.provider.api import Api
from infra.provider.connection import Connection

app = typer.Typer(
    help="A whole platform of one's own, up and down.\n\nExample: `prefect-infra dev up --stack dev-ana`",
    no_args_is_help=True,
)

StackName = Annotated[
    str,
    typer.Option(
        "--stack", "-s", help="The stack: `dev`, or a personal one such as `dev-ana`.", autocompletion=complete_stack
    ),
]


@app.command()
def up(
    stack: StackName = "dev",
    *,
    run_again: Annotated[bool, typer.Option("--run", help="Run a flow of each area even if one ended well.")] = False,
) -> None:
    """Bring a dev stack up, wait for its workers, run a flow of each area, and say where everything is.

    Run again, it changes nothing.

    Example: `prefect-infra dev up --stack dev-ana`
    """
    root = checkout()
    try:
        declared = load_stack_file(root, stack)
    except StackErrors as errors:
        fail(str(errors))
    pulumi = Pulumi(root, stack)
    salt.keep_out_of_git(root)
    if pulumi.show("stack", "select", stack, "--create") != 0 or pulumi.show("up", "--yes", "--stack", stack) != 0:
        fail(f"`pulumi up` of {stack} did not end well: see above. It is safe to run again")
    salt.settle(root, stack)
    outputs = pulumi.outputs()
    try:
        trials = asyncio.run(_try_out(declared, outputs, again=run_again))
    except NotInTime as late:
        fail(str(late))
    _tell(declared, outputs, trials)
    if not all(trial.completed for trial in trials):
        fail("not every area's flow ended well")


@app.command()
def down(stack: StackName = "dev") -> None:
    """Destroy a dev stack: containers, networks, volumes, profile and state. Its data is gone.

    Example: `prefect-infra dev down --stack dev-ana`
    """
    root = checkout()
    pulumi = Pulumi(root, stack)
    if not pulumi.exists():
        out.print(f"There is no stack {stack}: nothing to take down.", markup=False)
        return
    _end_flow_runs(stack)
    if pulumi.show("destroy", "--yes", "--stack", stack) != 0:
        fail(f"`pulumi destroy` of {stack} did not end well: see above. It is safe to run again")
    if pulumi.show("stack", "rm", "--yes", "--preserve-config", stack) != 0:
        fail(f"`pulumi stack rm {stack}` did not end well: see above")
    pulumi.forget_salt()
    salt.settle(root, stack)
    pulumi.forget_state()


def _end_flow_runs(stack: str) -> None:
    """Flow runs that are containers of their own hold on to the network and the volumes for as long as they run."""
    ours = ["--filter", f"label={LABEL}.stack={stack}", "--filter", f"label={LABEL}.role=run"]
    listed = subprocess.run(["docker", "ps", "-aq", *ours], capture_output=True, text=True, check=False).stdout.split()
    if listed:
        err.print(f"ending {len(listed)} containers of flow runs")
        subprocess.run(["docker", "rm", "--force", *listed], capture_output=True, check=False)


async def _try_out(declared: Stack, outputs: dict[str, Any], *, again: bool) -> list[Trial]:
    api = Api(Connection(api_url=outputs["api_url"], auth_string=outputs.get("auth_string")))
    pools, workers = outputs["work_pools"], outputs["workers"]
    try:
        with step("Waiting until every worker is online ..."):
            await workers_online(api, {pools[area]: workers[area] for area in pools})
        firsts = [(area.name, area.deployments[0].name) for area in declared.areas if area.deployments]
        with step("Running a flow of each area ..."):
            return await asyncio.gather(
                *(
                    try_deployment(api, area, name, outputs["deployments"][name]["id"], again=again)
                    for area, name in firsts
                )
            )
    finally:
        await api.close()


def _tell(declared: Stack, outputs: dict[str, Any], trials: list[Trial]) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("area", "work pool", "flow run", "state"):
        table.add_column(heading, style="bold" if heading == "area" else "")
    for trial in trials:
        seconds = "run earlier" if trial.earlier else f"{trial.seconds:.1f} s"
        state = f"[{'green' if trial.completed else 'red'}]{trial.state.capitalize()}[/] ({seconds})"
        table.add_row(trial.area, outputs["work_pools"][trial.area], trial.deployment, state)
    out.print()
    out.print(table)
    for trial in trials:
        if not trial.completed:
            err.print(f"{trial.area}: {trial.message}", markup=False)
    out.print(f"\nUI        {outputs['ui_url']}", markup=False)
    if outputs["profiles"]:
        name = outputs["profiles"][0]
        out.print(f"Profile   {name}   (prefect profile use {name})", markup=False)
    first = trials[0].deployment if trials else "NAME"
    flow = next((each.flow_name for area in declared.areas for each in area.deployments if each.name == first), "FLOW")
    out.print(
        "\nNext:  . .venv/bin/activate\n"
        f"       prefect --profile {outputs['profiles'][0] if outputs['profiles'] else 'NAME'} "
        f"deployment run '{flow}/{first}' --watch\n"
        f"       $EDITOR Pulumi.{declared.stack}.yaml && pulumi up --stack {declared.stack}\n"
        f"       make dev-down STACK={declared.stack}",
        markup=False,
    )
