"""What an import makes: deployments in a stack file's words, the flows they need, and a report of the rest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

Weight: TypeAlias = Literal["left out", "differs", "note"]
"""`left out`: it has no equal and was not taken along. `differs`: taken along, and not quite the same."""


class Remark(NamedTuple):
    where: str
    weight: Weight
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.weight}: {self.text}"


class FlowFile(NamedTuple):
    """A file to be made, its path relative to the checkout."""

    path: str
    text: str


@dataclass(frozen=True)
class Draft:
    """One deployment, as it will stand in the stack file."""

    deployment: dict[str, Any]
    flow_file: FlowFile | None = None


@dataclass(frozen=True)
class Imported:
    drafts: tuple[Draft, ...]
    remarks: tuple[Remark, ...]


class SourceFaults(Exception):  # noqa: N818  # it carries as many as there are
    """What was to be imported is not what it should be; nothing is made of any of it."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))
