"""`prefect-infra adopt`: what was edited in the UI, written into the files that declare it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from infra.adoption.stack_edit import EditError
from infra.adoption.ui_edits import Adoption, adopted, matches
from infra.cli.console import err, fail, out, step
from infra.cli.dialogue import can_ask, yes
from infra.cli.drift import DRIFT, DriftUnknown, Look, look
from infra.cli.options import StackName
from infra.cli.pulumi import Pulumi
from infra.drift import Difference
from infra.model import StackErrors


def adopt(
    selector: Annotated[
        list[str] | None,
        typer.Argument(help="An area, area/deployment, a deployment, a pool, pool/queue; * and ?. Default: all."),
    ] = None,
    stack: StackName = "dev",
    *,
    only_here: Annotated[
        bool, typer.Option("--only-here", help="For this environment alone (`in:`), even if it was written for all.")
    ] = False,
    agreed: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the change, write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The outcome as JSON on stdout; asks nothing.")] = False,
) -> None:
    """Write what was edited in the UI into the files that declare it, to be reviewed like any change.

    Each value goes where it was written: the area's or the stack's file, its `in:` for the environment if it stood
    there; comments stay. A value that nobody wrote yet goes into `in:` where the file counts for other environments
    too. All stacks that the files count for are checked before anything is written. Thereafter Pulumi's state takes the
    server's values over, so that the next preview is empty. What a file can't say is told, with the reason.

    Exit code 0 when nothing that was meant is left to drift, 2 when something is, 1 for an error.

    Example: `prefect-infra adopt 'compras/*' --stack prod --dry-run`
    """
    at = look(stack)
    try:
        with step(f"Comparing {stack} with its server ..."):
            meant = [each for each in at.report().drifted if matches(each, selector or [])]
        made = adopted(at.root, stack, meant, only_here=only_here)
    except DriftUnknown as error:
        fail(str(error))
    except (StackErrors, EditError) as error:
        fail(str(error))
    if not as_json:
        _show(made, meant, stack)
    written = _written(made, agreed=agreed, dry_run=dry_run, asks=not as_json)
    if written:
        _settle(at, made)
    if as_json:
        typer.echo(json.dumps(_outcome(made, stack, written=written), ensure_ascii=False, indent=2))
    if made.left or (made.taken and not written):
        raise typer.Exit(DRIFT)


def _show(made: Adoption, meant: Sequence[Difference], stack: str) -> None:
    if not meant:
        err.print(f"{stack}: nothing was edited on the server, of what was meant", markup=False)
    for line in made.change.difference().splitlines() if made.change else ():
        style = "green" if line.startswith("+") else "red" if line.startswith("-") else ""
        out.print(line, style=style, markup=False)
    for each in made.left:
        err.print(f"left: {each}", style="yellow", markup=False)
    if made.others:
        files = ", ".join(made.change.texts if made.change else ())
        err.print(f"{files}: also of {', '.join(made.others)}", style="yellow", markup=False)


def _written(made: Adoption, *, agreed: bool, dry_run: bool, asks: bool) -> bool:
    if made.change is None or dry_run:
        return False
    if not agreed:
        if not (asks and can_ask()):
            fail("nothing was written: there is no terminal to ask on; say --yes, or --dry-run", DRIFT)
        if not yes(f"Write {', '.join(made.change.texts)}?", default=False):
            return False
    try:
        made.change.write()
    except (EditError, StackErrors, OSError) as error:
        fail(str(error))
    err.print(f"written: {', '.join(made.change.texts)}", markup=False)
    return True


def _settle(at: Look, made: Adoption) -> None:
    """Let the state know what is there: the objects that were adopted, and no others, whose drift would be hidden."""
    urns = sorted({edit.urn for edit in made.taken})
    targets = [word for urn in urns for word in ("--target", urn)]
    with step("Letting Pulumi's state know ..."):
        done = Pulumi(at.root, at.stack).ask(
            "refresh", "--yes", "--skip-preview", "--stack", at.stack, "--color", "never", *targets
        )
    if done.returncode != 0:
        fail(
            f"the files are written, but `pulumi refresh` did not end well:\n{done.stdout.strip()}{done.stderr.strip()}"
        )


def _outcome(made: Adoption, stack: str, *, written: bool) -> dict[str, Any]:
    return {
        "stack": stack,
        "stacks": list(made.change.stacks) if made.change else [],
        "files": list(made.change.texts) if made.change else [],
        "taken": [edit.field for edit in made.taken],
        "left": [{"field": each.field, "reason": each.reason} for each in made.left],
        "difference": made.change.difference() if made.change else "",
        "written": written,
    }
