"""`prefect-infra prune`: what is on the server in the stack's areas, and is declared nowhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from infra.cli import server_inventory
from infra.cli.console import err, fail, out, step
from infra.cli.drift import DriftUnknown, look
from infra.cli.options import StackName
from infra.cli.pulumi import Pulumi
from infra.drift.undeclared import Undeclared, age, chosen
from infra.model import load_stack_file
from infra.provider.errors import ProviderError

MOST = 5


def prune(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="What to delete: a deployment, flow/deployment, pool/queue; * and ?. Default: only list."),
    ] = None,
    stack: StackName = "dev",
    most: Annotated[
        int, typer.Option("--max", min=1, help="Delete nothing at all if it would be more than that.")
    ] = MOST,
    *,
    owned: Annotated[bool, typer.Option("--owned", help="Also all that carries the mark of this stack.")] = False,
    agreed: Annotated[bool, typer.Option("--yes", "-y", help="Delete; else it is only shown.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON on stdout.")] = False,
) -> None:
    """List what the server has in the stack's areas and no file declares; delete of it what is named, with `--yes`.

    That are deployments of the areas' pools, queues of these, and whatever carries the mark of this stack and is in no
    file and no state any more. With each: how old it is, and when it last ran. Nothing goes that is not named, or the
    stack's own with `--owned`; nothing that belongs to another stack; and no more than `--max` at once.

    Exit code 0, or 1 when something that was named can't be deleted, and then nothing is.

    Example: `prefect-infra prune --stack dev`, then `prefect-infra prune 'prueba-*' --stack dev --yes`
    """
    at = look(stack)
    declared = load_stack_file(at.root, stack)
    try:
        with step(f"Asking what the server of {stack} has ..."):
            connection = at.connection()
            state = server_inventory.ids_in_state(Pulumi(at.root, stack))
            found = server_inventory.found(connection, declared, state)
        wanted = chosen(found, names or (), owner=f"{declared.project}/{stack}", owned=owned)
        _refuse(wanted.refused, len(wanted.chosen), most)
        if agreed and wanted.chosen:
            with step(f"Deleting {len(wanted.chosen)} ..."):
                server_inventory.delete(connection, wanted.chosen)
    except (ProviderError, DriftUnknown) as error:
        fail(str(error))
    deleted = wanted.chosen if agreed else ()
    if as_json:
        typer.echo(json.dumps({"stack": stack, "objects": _rows(found, wanted.chosen, deleted)}, indent=2))
    else:
        _tell(stack, found, wanted.chosen, deleted)


def _refuse(refused: Sequence[str], count: int, most: int) -> None:
    if refused:
        fail("\n".join([*refused, "nothing was deleted"]))
    if count > most:
        fail(f"{count} would be deleted, and --max is {most}: nothing was deleted")


def _tell(stack: str, found: Sequence[Undeclared], wanted: Sequence[Undeclared], deleted: Sequence[Undeclared]) -> None:
    if not found:
        out.print(f"{stack}: all that its areas have on the server is declared", markup=False)
        return
    now = datetime.now(UTC)
    table = Table("area", "kind", "name", "made", "last run", "made by", "", box=None)
    for each in found:
        made_by = each.owner or ""
        table.add_row(
            each.area or "", each.kind, each.name, age(each.created, now), age(each.last_run, now), made_by,
            _what(each, wanted, deleted),
        )  # fmt: skip
    out.print(table)
    if wanted and not deleted:
        err.print(f"Nothing was deleted: --yes deletes {len(wanted)}.")
    elif not deleted:
        err.print("Nothing was deleted: name what is to go, or declare it (`prefect-infra import server`).")


def _what(each: Undeclared, wanted: Sequence[Undeclared], deleted: Sequence[Undeclared]) -> str:
    if each in deleted:
        return "deleted"
    if each.in_state:
        return "goes by pulumi up"
    return "would be deleted" if each in wanted else ""


def _rows(
    found: Sequence[Undeclared], wanted: Sequence[Undeclared], deleted: Sequence[Undeclared]
) -> list[dict[str, Any]]:
    return [
        {
            "area": each.area,
            "kind": each.kind,
            "name": each.name,
            "id": each.id,
            "created": each.created,
            "last_run": each.last_run,
            "made_by": each.owner,
            "in_state": each.in_state,
            "chosen": each in wanted,
            "deleted": each in deleted,
        }
        for each in found
    ]
