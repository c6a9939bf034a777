"""What is wrong with a stack's declaration: one finding per fault, all raised at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

NAMESPACE = "prefect-infra"
"""The configuration namespace of the keys that belong to this program."""

KeyPath: TypeAlias = tuple[str | int, ...]
"""Where a value stands: the top-level key without its namespace, then keys and list positions."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One fault. Lines and columns count from 1; there are none for a value that is in no file."""

    path: str
    message: str
    hint: str | None = None
    file: str | None = None
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        lines = [" ".join(part for part in (place, self.path) if part), f"    {self.message}"]
        if self.hint:
            lines.append(f"    -> {self.hint}")
        # A key or value may hold what a terminal can't encode, such as half a surrogate pair.
        return "\n".join(lines).encode("utf-8", "backslashreplace").decode("utf-8")


class StackErrors(Exception):  # noqa: N818  # it carries as many as there are
    """A stack that can't be used, with all that is wrong with it, in the order of the files."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings: tuple[Finding, ...] = tuple(
            sorted(set(findings), key=lambda f: (f.file or "", f.line or 0, f.column or 0, f.path, f.message))
        )
        super().__init__(self.findings)

    def __str__(self) -> str:
        return "\n".join(str(finding) for finding in self.findings)


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
