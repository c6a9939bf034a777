"""`prefect-infra backup` and `restore`: a server's database into a file, and back."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from ruamel.yaml import YAML

from infra.backup import DatabaseError, PostgresDatabase, SqliteDatabase, check, database_of
from infra.cli.console import checkout, err, fail, out, step
from infra.cli.engine import ask_engine_of
from infra.cli.options import StackName
from workers.backup.keeping import file_name, thin_out

TOLD = ("flow", "deployment", "deployment_schedule", "work_pool", "flow_run", "task_run", "log", "events", "variable")
BAD_INPUT = 2


def backup(
    stack: StackName = "dev",
    *,
    to: Annotated[Path, typer.Option("--to", help="The folder that the file is put into.", file_okay=False)] = Path(),
    keep: Annotated[
        int | None, typer.Option("--keep", min=1, help="Remove all of the stack's backups there but so many.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The file and what it holds, as JSON.")] = False,
) -> None:
    """Put a server's database into a file, while the server is used.

    The file holds everything that the server knows, secrets of blocks included: keep it as you would keep them.

    Example: `prefect-infra backup --stack prod --to /srv/backups --keep 14`
    """
    root = checkout()
    project = project_of(root)
    ask_engine_of(root, stack)
    try:
        database = database_of(project, stack)
        to.mkdir(parents=True, exist_ok=True)
        path = to / file_name(f"{project}-{stack}", datetime.now(UTC))
        unfinished = path.with_suffix(".unfinished")
        try:
            with step(f"Backing up {database.container} ..."):
                with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                    database.pack(file)
                manifest = check(unfinished)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except DatabaseError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or to}: {error.strerror}", BAD_INPUT)
    gone = thin_out(to, f"{project}-{stack}", keep) if keep else []
    if as_json:
        told = {"file": str(path), "size": path.stat().st_size, "removed": [str(each) for each in gone], **manifest}
        out.print_json(json.dumps(told))
        return
    out.print(f"{path}  ({path.stat().st_size / 1e6:.1f} MB, sha256 {manifest['sha256'][:16]}…)", markup=False)
    for each in gone:
        out.print(f"removed {each}", markup=False)


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `prefect-infra backup` made.")],
    stack: StackName = "dev",
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the file and say what would be done.")] = False,
) -> None:
    """Put a backup in the place of a server's database. The stack must be up; its server is stopped for a moment.

    What the server holds now is replaced, and kept beside it until the next restore. Then
    `pulumi refresh` and `pulumi up` make stack and server agree again.

    Example: `prefect-infra restore prefect-infra-prod-20261125T030000Z.backup --stack prod`
    """
    root = checkout()
    project = project_of(root)
    ask_engine_of(root, stack)
    try:
        with step(f"Checking {file} ..."):
            manifest = check(file)
            database = database_of(project, stack)
            version = database.version()
    except DatabaseError as error:
        fail(str(error), BAD_INPUT)
    if manifest["kind"] != database.kind:
        fail(f"{file} is of a database on {manifest['kind']}, and the stack's is on {database.kind}", BAD_INPUT)
    if _release(manifest["prefect"]) > _release(version):
        reason = f"{file} is of Prefect {manifest['prefect']}, and {database.container} has {version}"
        fail(f"{reason}: an older server can't read it. Bring the stack to that version first", BAD_INPUT)
    _tell(manifest, file, database)
    if dry_run:
        out.print("Nothing was changed.")
        return
    if not yes and not typer.confirm(f"Replace the database of {database.container}?", err=True):
        fail("nothing was changed")
    try:
        with step("Restoring ..."), file.open("rb") as source:
            database.unpack(source)
    except DatabaseError as error:
        fail(str(error))
    out.print(f"Restored. Now:  pulumi refresh --stack {stack} && pulumi up --stack {stack}", markup=False)


def project_of(root: Path) -> str:
    return str(YAML(typ="safe").load((root / "Pulumi.yaml").read_text())["name"])


def _tell(manifest: dict[str, Any], file: Path, database: SqliteDatabase | PostgresDatabase) -> None:
    err.print(f"{file}: made {manifest['made']}, Prefect {manifest['prefect']}", markup=False)
    table = Table(box=None, pad_edge=False)
    table.add_column("table", style="bold")
    table.add_column("rows", justify="right")
    for name in TOLD:
        if name in manifest["rows"]:
            table.add_row(name, str(manifest["rows"][name]))
    err.print(table)
    err.print(f"They take the place of all that {database.container} holds.", markup=False)


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("+", maxsplit=1)[0].split(".")[:3] if part.isdigit())
