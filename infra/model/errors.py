"""What is wrong with a stack's declaration: one finding per fault, all raised at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from infra.model.rules.rule import Rule, Severity

NAMESPACE = "prefect-infra"
"""The configuration namespace of the keys that belong to this program."""

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a value stands: the top-level key without its namespace, then keys and list positions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One fault. Lines and columns count from 1; there are none for a value that is in no file."""

    rule: Rule
    path: str
    message: str
    hint: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None
    severity: Severity = "error"

    @property
    def place(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)

    @property
    def head(self) -> str:
        """Where it is, how bad, and which rule's: the first line of what people read."""
        return " ".join(part for part in (self.place, self.severity, self.rule.code, self.path) if part)

    def __str__(self) -> str:
        lines = [self.head, f"    {self.message}"]
        if self.hint:
            lines.append(f"    -> {self.hint}")
        return printable("\n".join(lines))


class StackErrors(Exception):  # noqa: N818  # it carries as many as there are
    """A stack that can't be used, with all that is wrong with it, in the order of the files."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = in_order(findings)
        super().__init__(self.findings)

    def __str__(self) -> str:
        return "\n".join(str(finding) for finding in self.findings)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Each once, as they stand in the files."""

    def place(finding: Finding) -> tuple[str, int, int, str, str, str]:
        at = (finding.file or "", finding.line or 0, finding.column or 0)
        return *at, finding.path, finding.rule.code, finding.message

    return tuple(sorted(set(findings), key=place))


def printable(text: str) -> str:
    """A key or value may hold what a terminal can't encode, such as half a surrogate pair."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def dotted(path: KeyPath) -> str:
    """The path as people write it: prefect-infra:areas.compras.deployments[0].name."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif text:
            text += f".{part}"
        else:
            text = f"{NAMESPACE}:{part}"
    return text
