"""`prefect-infra check`: a stack file, read and checked offline, before anything is called."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from infra.cli.console import checkout, err, out
from infra.cli.options import complete_stack
from infra.cli.reporting import FORMATS, Checked
from infra.cli.reporting.plain import as_text
from infra.discovery.uses import stacks
from infra.model import check_stack_file
from infra.model.excerpts import Excerpts


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


def check(
    stack: Annotated[
        list[str] | None, typer.Option("--stack", "-s", help="A stack; may be repeated.", autocompletion=complete_stack)
    ] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every stack that has a file: so too without --stack.")] = False,
    form: Annotated[
        Format, typer.Option("--format", help="text for people; json; sarif for code scanning; github for a workflow.")
    ] = Format.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Check stack files offline: all that is wrong, by file, line and key.

    Exit code 0 without errors (there may be warnings), 1 with errors, 2 for a wrong call. What a code means:
    `prefect-infra rules PI303`.

    Example: `prefect-infra check --stack dev --format sarif > check.sarif`
    """
    root = checkout()
    names = [*(stack or []), *(stacks(root) if every or not stack else [])]
    if as_json:
        form = Format.JSON
    checked = Checked(root, {name: check_stack_file(root, name) for name in dict.fromkeys(names)})
    if form is Format.TEXT:
        _tell(checked)
    elif told := FORMATS[form](checked):
        typer.echo(told)
    if checked.has_errors:
        raise typer.Exit(1)


def _tell(checked: Checked) -> None:
    for name, report in checked.reports.items():
        if report.findings:
            err.print(as_text(report.findings, Excerpts(checked.root, report.findings)), end="")
        if report.errors:
            err.print(f"{name}: {_counted(len(report.errors), 'error')}", end="", markup=False)
            err.print(f", {_counted(len(report.warnings), 'warning')}" if report.warnings else "", markup=False)
        elif report.warnings:
            out.print(f"{name}: no errors, {_counted(len(report.warnings), 'warning')}", markup=False)
        else:
            out.print(f"{name}: nothing wrong", markup=False)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"
