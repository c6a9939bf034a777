"""SARIF 2.1.0 (OASIS): what code scanning services and editors read."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote

from infra.cli.reporting.checked import Checked
from infra.model import Finding
from infra.model.excerpts import Excerpts
from infra.model.rules import ALL, Rule

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT: Final = "%SRCROOT%"
_INDEX: Final = {rule.code: index for index, rule in enumerate(ALL)}


def as_sarif(checked: Checked) -> str:
    excerpts = checked.excerpts
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "prefect-infra", "rules": [_rule(rule) for rule in ALL]}},
                "originalUriBaseIds": {_ROOT: {"description": {"text": "the checkout"}}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, excerpts) for finding in checked.findings],
            }
        ],
    }
    return json.dumps(log, ensure_ascii=False, indent=2)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.name.replace("-", " ")},
        "fullDescription": {"text": rule.meaning},
        "help": {"text": rule.mending},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(finding: Finding, excerpts: Excerpts) -> dict[str, Any]:
    told = "\n".join(part for part in (finding.message, finding.hint) if part)
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": finding.path}]} if finding.path else {}
    if finding.file is not None:
        physical: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.file), "uriBaseId": _ROOT}}
        if finding.line is not None:
            physical["region"] = _region(finding, excerpts)
        location["physicalLocation"] = physical
    result = {
        "ruleId": finding.rule.code,
        "ruleIndex": _INDEX[finding.rule.code],
        "level": finding.severity,
        "message": {"text": told},
    }
    return {**result, "locations": [location]} if location else result


def _region(finding: Finding, excerpts: Excerpts) -> dict[str, Any]:
    region: dict[str, Any] = {"startLine": finding.line, "startColumn": finding.column}
    end, excerpt = excerpts.end_column(finding), excerpts.of(finding)
    if end is not None and finding.column is not None and end > finding.column:
        region["endColumn"] = end
    if excerpt is not None:
        region["snippet"] = {"text": excerpt.text}
    return region
