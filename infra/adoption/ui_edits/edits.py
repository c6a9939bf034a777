"""One edit, as a stack file would say it; and what can't be said there, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple, final

from infra.model.errors import KeyPath


@final
class Removed:
    """The key is to go."""

    def __repr__(self) -> str:
        return "REMOVED"


REMOVED: Final = Removed()


@dataclass(frozen=True)
class Edit:
    """A value to be, within the stack as it is composed for its environment."""

    urn: str
    object: KeyPath
    """What has overlays of its own: an area, a deployment; or a top-level key, which has none."""
    key: KeyPath
    """The value's place in it."""
    value: Any
    field: str
    """As reports call it, with its object."""
    as_written: bool = False
    """The place is that in the files as they are, before overlays."""

    @property
    def path(self) -> KeyPath:
        return (*self.object, *self.key)


class Left(NamedTuple):
    """A difference that stays, and why."""

    urn: str
    field: str
    reason: str

    def __str__(self) -> str:
        return f"{self.field}: {self.reason}"


class Unsaid(NamedTuple):
    """In a value's place: why a file can't say it."""

    reason: str
