"""What differs between two trees of plain values: pure, and nothing of Pulumi or Prefect in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum, unique
from typing import Any, Final, NamedTuple

from infra.provider.wire import UNKNOWN, Path

_ABSENT: Final = object()


@unique
class Step(StrEnum):
    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


class Change(NamedTuple):
    path: Path
    step: Step

    @property
    def field(self) -> str:
        """The top-level property that the change lies in."""
        return str(self.path[0])


def diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Change, ...]:
    """The changes that lead from `old` to `new`, in the order of their paths.

    Mappings are compared key by key, lists place by place. Of the properties themselves an absent one and a null are
    the same, since that is how programs leave one out. Deeper down a null is a value: a flow's parameter may be null,
    and takes its default where it is absent. An unknown value is a change wherever it stands, since nobody can say yet
    that it isn't.
    """
    return tuple(
        change
        for key in sorted({*old, *new})
        for change in _diff(_or_absent(old.get(key)), _or_absent(new.get(key)), (key,))
    )


def _or_absent(value: Any) -> Any:
    return _ABSENT if value is None else value


def _diff(old: Any, new: Any, path: Path) -> Iterator[Change]:
    match old, new:
        case (_, _) if new is UNKNOWN or old is UNKNOWN:
            yield Change(path, Step.UPDATE)
        case (Mapping(), Mapping()):
            for key in sorted({*old, *new}):
                yield from _diff(old.get(key, _ABSENT), new.get(key, _ABSENT), (*path, key))
        case (list() | tuple(), list() | tuple()):
            yield from _diff_lists(old, new, path)
        case (_, _) if old is new:
            return
        case (_, _) if old is _ABSENT:
            yield Change(path, Step.ADD)
        case (_, _) if new is _ABSENT:
            yield Change(path, Step.DELETE)
        case (_, _) if old != new or isinstance(old, bool) is not isinstance(new, bool):
            yield Change(path, Step.UPDATE)


def _diff_lists(old: Sequence[Any], new: Sequence[Any], path: Path) -> Iterator[Change]:
    for n in range(max(len(old), len(new))):
        if n >= len(old):
            yield Change((*path, n), Step.ADD)
        elif n >= len(new):
            yield Change((*path, n), Step.DELETE)
        else:
            yield from _diff(old[n], new[n], (*path, n))
