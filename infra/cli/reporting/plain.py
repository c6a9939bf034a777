"""For people and for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterable

from rich.text import Text

from infra.cli.reporting.checked import Checked
from infra.model import Finding
from infra.model.excerpts import Excerpts

_STYLES = {"error": "bold red", "warning": "bold yellow"}


def as_json(checked: Checked) -> str:
    excerpts = checked.excerpts
    return json.dumps([_row(finding, excerpts) for finding in checked.findings], ensure_ascii=False, indent=2)


def _row(finding: Finding, excerpts: Excerpts) -> dict[str, object]:
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
        "end_column": excerpts.end_column(finding),
    }


def as_text(findings: Iterable[Finding], excerpts: Excerpts) -> Text:
    """Each finding with its line, coloured where the console has colours."""
    text = Text()
    for finding in findings:
        style = _STYLES[finding.severity]
        head, *rest = str(finding).splitlines()
        # The place first, so that terminals and editors take it for a link.
        before, _, after = head.partition(f"{finding.severity} {finding.rule.code}")
        text.append(before, "bold").append(f"{finding.severity} {finding.rule.code}", style).append(f"{after}\n")
        if excerpt := excerpts.of(finding):
            line, below = excerpt.drawn()
            text.append(f"{line}\n", "dim").append(f"{below}\n", style)
        for line in rest:
            text.append(f"{line}\n", "cyan" if line.startswith("    ->") else "")
    return text
