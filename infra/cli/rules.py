"""`prefect-infra rules`: every rule there is, or what one means."""

from __future__ import annotations

import json
import textwrap
from typing import Annotated

import typer
from rich.table import Table

from infra.cli.console import fail, out
from infra.model.naming import suggestion
from infra.model.rules import ALL, BY_WORD, GROUPS, Rule

_INTRODUCTION = """\
# Rules

Written by `prefect-infra rules --markdown > docs/rules.md` from the table in `infra/model/rules`: edit that.

`prefect-infra check` and each preview hold a stack against all of these. An error stops a preview before anything is
made; a warning is told. The rules marked *can be turned down* may be made a warning, or turned off, by a stack that
says why ([how](stack-files.md#rules)); the others protect what a stack needs to work. A code never changes its meaning.

In a workflow of GitHub, `prefect-infra check --all --format github` marks the lines of a pull request; `--format sarif`
is for code scanning, `--format json` for scripts. The exit code is 0 without errors, 1 with, 2 for a wrong call.

The examples stand below `config:`, in a stack of the environment `dev`.
"""


def rules(
    rule: Annotated[str | None, typer.Argument(help="A code or a name; left out, all are listed.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="All of it, as JSON.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="All of it, as the page docs/rules.md.")] = False,
) -> None:
    """List the rules that stacks are held against, or explain one.

    Example: `prefect-infra rules PI303`
    """
    if as_json:
        typer.echo(json.dumps([_row(each) for each in _chosen(rule)], ensure_ascii=False, indent=2))
    elif as_markdown:
        typer.echo(page(), nl=False)
    elif rule is not None:
        (each,) = _chosen(rule)
        out.print(f"{each.code} {each.name} ({_weight(each)})", style="bold", markup=False)
        out.print(f"\n{each.meaning}\n\n{textwrap.indent(each.example, '    ')}\n\n{each.mending}", markup=False)
    else:
        table = Table("code", "name", "severity", box=None)
        for each in ALL:
            table.add_row(each.code, each.name, _weight(each))
        out.print(table)


def page() -> str:
    """docs/rules.md."""
    parts = [_INTRODUCTION]
    for group, members in GROUPS.items():
        parts.append(f"\n## {group}\n")
        parts.extend(map(_section, members))
    return "".join(parts)


def _section(rule: Rule) -> str:
    return (
        f"\n### {rule.code} {rule.name}\n\n{_weight(rule).capitalize()}. {rule.meaning}\n\n"
        f"```yaml\n{rule.example}\n```\n\n{rule.mending}\n"
    )


def _chosen(word: str | None) -> tuple[Rule, ...]:
    if word is None:
        return ALL
    found = BY_WORD.get(word) or BY_WORD.get(word.upper()) or BY_WORD.get(word.lower())
    if found is None:
        fail(f"there is no rule {word!r} ({suggestion(word, BY_WORD)})", 2)
    return (found,)


def _weight(rule: Rule) -> str:
    return f"{rule.severity}, can be turned down" if rule.settable else rule.severity


def _row(rule: Rule) -> dict[str, object]:
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity,
        "settable": rule.settable,
        "meaning": rule.meaning,
        "example": rule.example,
        "mending": rule.mending,
    }
