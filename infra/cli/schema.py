"""`prefect-infra schema`: the JSON Schemas that editors check stack and area files by."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from infra.cli.console import err
from infra.model.json_schema import FOLDER, SCHEMAS, rendered


class Which(StrEnum):
    STACK = "stack"
    AREA = "area"


def schema(
    which: Annotated[Which, typer.Argument(help="Of a stack file, or of an area's own.")] = Which.STACK,
    *,
    write: Annotated[bool, typer.Option("--write", help="Write both where editors find them.")] = False,
) -> None:
    """Print the JSON Schema of stack files, or of areas' own files; with `--write`, put both in their place.

    They follow from the model: after a change of what a stack may say, write them anew.

    Example: `prefect-infra schema area > area.json`
    """
    if not write:
        typer.echo(rendered(which), nl=False)
        return
    FOLDER.mkdir(exist_ok=True)
    for name in SCHEMAS:
        path, text = FOLDER / f"{name}.json", rendered(name)
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            err.print(f"{path.name}: as it was", markup=False)
        else:
            path.write_text(text, encoding="utf-8")
            err.print(f"{path.name}: written", markup=False)
