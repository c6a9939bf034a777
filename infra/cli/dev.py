"""`prefect-infra dev`: a whole platform of one's own, up and down."""

from __future__ import annotations

from typing import Annotated

import typer

from infra.cli import platform_down, platform_up, salt
from infra.cli.console import checkout, fail, out
from infra.cli.options import complete_stack
from infra.cli.pulumi import Pulumi
from infra.model import StackErrors, load_stack_file

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
    trials = platform_up.try_out(declared, outputs, platform_up.Clock(), again=run_again)
    platform_up.tell(declared, outputs, trials, gone_by=f"make dev-down STACK={stack}")
    if not all(trial.completed for trial in trials):
        fail("not every area's flow ended well")


@app.command()
def down(stack: StackName = "dev") -> None:
    """Destroy a dev stack: containers, networks, volumes, profile and state. Its data is gone.

    Example: `prefect-infra dev down --stack dev-ana`
    """
    pulumi = Pulumi(checkout(), stack)
    if not pulumi.exists():
        out.print(f"There is no stack {stack}: nothing to take down.", markup=False)
        return
    if (fault := platform_down.destroy(pulumi)) is not None:
        fail(fault)
