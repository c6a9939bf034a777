"""`prefect-infra check`: a stack file, read and checked offline, before anything is called."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from infra.cli.console import checkout, err, out
from infra.model import Finding, StackErrors, load_stack_file


def check(
    stack: Annotated[list[str] | None, typer.Option("--stack", "-s", help="A stack; may be repeated.")] = None,
    *,
    every: Annotated[bool, typer.Option("--all", help="Every stack that has a file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Findings as JSON on stdout.")] = False,
) -> None:
    """Check stack files offline: all that is wrong, by file, line and key. Exit code 1 when there is anything.

    Example: `prefect-infra check --stack dev`
    """
    root = checkout()
    names = list(stack or [])
    if every or not names:
        names += [
            path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in sorted(root.glob("Pulumi.*.yaml"))
        ]
    findings: list[Finding] = []
    for name in dict.fromkeys(names):
        try:
            load_stack_file(root, name)
        except StackErrors as errors:
            findings += errors.findings
            if not as_json:
                err.print(str(errors), markup=False)
        else:
            if not as_json:
                out.print(f"{name}: nothing wrong", markup=False)
    if as_json:
        out.print_json(json.dumps([_told(finding) for finding in findings]))
    if findings:
        raise typer.Exit(1)


def _told(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.rule.code,
        "rule": finding.rule.name,
        "severity": finding.severity,
        "path": finding.path,
        "message": finding.message,
        "hint": finding.hint,
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
    }
