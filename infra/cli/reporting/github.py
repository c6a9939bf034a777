"""Workflow commands: GitHub shows them at the line, in a pull request.

Escaping as GitHub's own toolkit has it (`@actions/core`, command.ts).
"""

from __future__ import annotations

from infra.cli.reporting.checked import Checked
from infra.model import Finding
from infra.model.excerpts import Excerpts


def as_commands(checked: Checked) -> str:
    excerpts = checked.excerpts
    return "\n".join(_command(finding, excerpts) for finding in checked.findings)


def _command(finding: Finding, excerpts: Excerpts) -> str:
    end = excerpts.end_column(finding)
    given = {
        "file": finding.file,
        "line": finding.line,
        "col": finding.column,
        "endColumn": end if end is not None and finding.column is not None and end > finding.column else None,
        "title": f"{finding.rule.code} {finding.rule.name}",
    }
    properties = ",".join(f"{key}={_property(str(value))}" for key, value in given.items() if value is not None)
    told = "\n".join(part for part in (finding.path, finding.message, finding.hint) if part)
    return f"::{finding.severity} {properties}::{_data(told)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
