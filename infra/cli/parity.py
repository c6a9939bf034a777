"""`prefect-infra diff` and `promote`: what differs between two stacks, and one's values for the other."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from infra.adoption.stack_edit import EditError
from infra.adoption.ui_edits import Adoption
from infra.cli.console import checkout, err, fail, out
from infra.cli.dialogue import can_ask, yes
from infra.cli.options import complete_stack
from infra.comparison import compared, lines, table
from infra.comparison.promotion import promoted
from infra.model import Stack, StackErrors, load_stack_file

DIFFERENT = 2
Left = Annotated[str, typer.Argument(help="A stack, such as dev.", autocompletion=complete_stack)]
Right = Annotated[str, typer.Argument(help="Another, such as prod.", autocompletion=complete_stack)]


def diff(
    left: Left,
    right: Right,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON on stdout.")] = False,
) -> None:
    """Show in words what differs between two stacks: areas, deployments, schedules, limits, code. Offline.

    Compared is what the files come to, overlays and defaults put together; names that follow from the environment
    are no difference. Exit code 0 without any, 2 with some, 1 for an error.

    Example: `prefect-infra diff dev prod`
    """
    found = compared(_loaded(left), _loaded(right))
    if as_json:
        typer.echo(
            json.dumps({"left": left, "right": right, "differences": table(found)}, ensure_ascii=False, indent=2)
        )
    else:
        for line in lines(left, right, found):
            out.print(line, markup=False, style="bold" if line and not line.startswith(" ") else "")
    if found:
        raise typer.Exit(DIFFERENT)


def promote(
    source: Annotated[str, typer.Argument(help="The stack that has it.", autocompletion=complete_stack)],
    target: Annotated[str, typer.Argument(help="The stack that is to have it.", autocompletion=complete_stack)],
    selector: Annotated[
        list[str], typer.Argument(help="An area, area/deployment, a deployment, a pool (its area alone); * and ?.")
    ],
    *,
    for_all: Annotated[
        bool, typer.Option("--for-all", help="Change values that are written for all environments where they are.")
    ] = False,
    agreed: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the change, write nothing.")] = False,
) -> None:
    """Let one stack declare what another does: shows the change of the files, writes it for a review.

    It goes into the target's own file, or into `in:` of the area's file; a deployment that only the source has is
    added, or its `only_in` extended. What follows from the environment stays: names of pools, `schedules_active`. All
    stacks that the files count for are checked first. Offline.

    Example: `prefect-infra promote dev prod compras/importar-lista-de-precios --dry-run`
    """
    root = checkout()
    _loaded(source)
    _loaded(target)
    try:
        made = promoted(root, source, target, selector, for_all=for_all)
    except StackErrors as errors:
        fail(str(errors))
    if made.change is None and not made.left:
        err.print(f"{target} declares so already, or {source} has nothing that is called so", markup=False)
        return
    _show(made)
    if made.change is not None and not dry_run:
        _write(made, target, agreed=agreed)
    if made.left:
        raise typer.Exit(DIFFERENT)


def _loaded(stack: str) -> Stack:
    try:
        return load_stack_file(checkout(), stack)
    except StackErrors as errors:
        fail(str(errors))


def _show(made: Adoption) -> None:
    for line in made.change.difference().splitlines() if made.change else ():
        style = "green" if line.startswith("+") else "red" if line.startswith("-") else ""
        out.print(line, style=style, markup=False)
    for each in made.left:
        err.print(f"left: {each}", style="yellow", markup=False)


def _write(made: Adoption, target: str, *, agreed: bool) -> None:
    assert made.change is not None
    files = ", ".join(made.change.texts)
    if not agreed:
        if not can_ask():
            fail("nothing was written: there is no terminal to ask on; say --yes, or --dry-run", 2)
        if not yes(f"Write {files}?", default=False):
            return
    try:
        made.change.write()
    except (EditError, StackErrors, OSError) as error:
        fail(str(error))
    err.print(f"written: {files}. After a review: pulumi up --stack {target}", markup=False)
