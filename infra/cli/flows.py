"""`prefect-infra flows`: the flows of the checkout, and who uses them."""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated, Any

import typer
from rich.table import Table

from infra.cli.columns import plain
from infra.cli.console import checkout, err, out
from infra.discovery import FoundFlow, find_flows

_COLUMNS = ("entrypoint", "line", "flow", "parameters", "main", "used by")


def flows(*, as_json: Annotated[bool, typer.Option("--json", help="A JSON list on stdout.")] = False) -> None:
    """List every flow of the checkout, with its parameters and the deployments and stacks that use it.

    Files are read, never run; what git ignores is left out. Files that are no valid Python are told on stderr.

    Example: `prefect-infra flows --json`
    """
    found = find_flows(checkout())
    for file, reason in found.warnings:
        err.print(f"warning: {file}: {reason}", markup=False)
    if as_json:
        typer.echo(json.dumps([_as_json(each) for each in found.flows], ensure_ascii=False, indent=2))
    elif not found.flows:
        err.print("There is no @flow in this checkout.")
    elif out.is_terminal:
        out.print(_table(found.flows))
    else:
        typer.echo(plain([_COLUMNS, *map(_row, found.flows)]))


def _as_json(flow: FoundFlow) -> dict[str, Any]:
    plain = {"entrypoint": flow.entrypoint, **dataclasses.asdict(flow)}
    plain["parameters"] = [each._asdict() for each in flow.parameters]
    plain["uses"] = [each._asdict() for each in flow.uses]
    return plain


def _row(flow: FoundFlow) -> tuple[str, ...]:
    return (
        flow.entrypoint,
        str(flow.line),
        flow.name or "?",
        ", ".join(f"{each.name}*" if each.required else each.name for each in flow.parameters) or "-",
        "yes" if flow.has_main else "no",
        ", ".join(f"{each.stack}/{each.deployment}" for each in flow.uses) or "-",
    )


def _table(found: tuple[FoundFlow, ...]) -> Table:
    table = Table(box=None, pad_edge=False, caption="* required", caption_justify="left")
    for heading in _COLUMNS:
        table.add_column(heading, overflow="fold", style="bold" if heading == "flow" else "")
    for each in found:
        table.add_row(*_row(each))
    return table
