"""The findings of all stacks that were checked, each once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.model import Finding, Report
from infra.model.errors import in_order
from infra.model.excerpts import Excerpts


@dataclass(frozen=True)
class Checked:
    root: Path
    reports: Mapping[str, Report]
    """By stack."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What a base's file has wrong is wrong in each stack based on it, and is told once."""
        return in_order(finding for report in self.reports.values() for finding in report.findings)

    @property
    def excerpts(self) -> Excerpts:
        return Excerpts(self.root, self.findings)

    @property
    def has_errors(self) -> bool:
        return any(report.errors for report in self.reports.values())
