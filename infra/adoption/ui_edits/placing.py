"""Where an edit goes: to the very place that its value was written at, in whichever file and overlay that is.

What nobody wrote yet goes to the object itself; where its file counts for other environments too, to the object's
overlay for this one, so that an edit in dev changes nothing in prod.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from infra.adoption.ui_edits.edits import REMOVED, Edit
from infra.model import NAMESPACE, StackErrors
from infra.model.errors import KeyPath
from infra.model.loading import Sources, from_file, stack_files
from infra.model.overlays import OVERLAYS, Composed, composed


class Placed(NamedTuple):
    """A value's place in a file's own document."""

    file: str
    path: KeyPath
    value: Any


class Unplaceable(Exception):  # noqa: N818  # no fault of anybody
    """There is no place for it; it says why."""


@dataclass(frozen=True)
class Places:
    """The files of one stack, and who else they count for."""

    sources: Sources
    composed: Composed
    users: Mapping[str, Mapping[str, object]]
    """By file: the stacks that it counts for, each with its environment."""

    def place(self, edit: Edit, *, only_here: bool) -> Placed:
        """Raises Unplaceable."""
        path = edit.path
        if edit.as_written:
            return self._at(path, edit.value)
        there = _has(self.composed.values, path)
        written = self.composed.written(path)
        ours = there and not _is_default(written)
        if edit.value is REMOVED:
            if not ours:
                raise Unplaceable("it comes from the defaults: one that takes it can't do without it")
            return self._taken_away(edit, written, only_here=only_here)
        if ours and not (only_here and self._is_shared(written) and not self._is_overlay(written)):
            return self._at(written, edit.value)
        return self._at(self._new(edit), edit.value)

    def _taken_away(self, edit: Edit, written: KeyPath, *, only_here: bool) -> Placed:
        """Gone from where it was written; null in the overlay, where it would show through from below."""
        below = self.composed.laid_over(written)
        if self._is_overlay(written):
            return self._at(written, None if _has(self.sources.raw, below) else REMOVED)
        overlay = self._overlay(edit)
        if only_here and self._is_shared(written) and overlay is not None:
            return self._at(overlay, None)
        return self._at(written, REMOVED)

    def _new(self, edit: Edit) -> KeyPath:
        base = (*self.composed.written(edit.object), *edit.key)
        overlay = self._overlay(edit)
        return overlay if overlay is not None and self._is_shared(base) else base

    def _is_shared(self, path: KeyPath) -> bool:
        """Whether its file counts for another environment, too."""
        return len({*self.users.get(self._file(path)[0], {}).values()}) > 1

    def _overlay(self, edit: Edit) -> KeyPath | None:
        """None for what has no overlays: it is of one stack alone."""
        if edit.object[0] != "areas":
            return None
        return (*self.composed.written(edit.object), OVERLAYS, str(self.composed.environment), *edit.key)

    def _is_overlay(self, written: KeyPath) -> bool:
        return self.composed.laid_over(written) != written

    def _at(self, path: KeyPath, value: Any) -> Placed:
        file, within = self._file(path)
        return Placed(file, within, value)

    def _file(self, path: KeyPath) -> tuple[str, KeyPath]:
        area = self.sources.area_files.get(str(path[1])) if len(path) > 1 and path[0] == "areas" else None
        if area is not None and area.says(path):
            return area.name, path[2:]
        own = self.sources.own if path[0] not in self.sources.inherited else self.sources.base
        assert own is not None
        return own.name, ("config", f"{NAMESPACE}:{path[0]}", *path[1:])


def places(root: Path, stack: str) -> Places:
    """Raises StackErrors."""
    sources = from_file(root, stack)
    users: dict[str, dict[str, object]] = {}
    for name, each in [(stack, sources), *_others(root, stack)]:
        for file in files_of(each):
            users.setdefault(file, {})[name] = each.raw.get("environment")
    return Places(sources, composed(sources.raw), users)


def files_of(sources: Sources) -> Iterator[str]:
    """Those that a stack is declared in."""
    if sources.own.exists:
        yield sources.own.name
    if sources.base is not None and sources.inherited:
        yield sources.base.name
    yield from (each.name for each in sources.area_files.values())


def _others(root: Path, stack: str) -> Iterator[tuple[str, Sources]]:
    for file in stack_files(root):
        name = file.removeprefix("Pulumi.").removesuffix(".yaml")
        with suppress(StackErrors):  # one that can't be read can't be harmed either
            if name != stack:
                yield name, from_file(root, name)


def _is_default(written: KeyPath) -> bool:
    return written[0] == "defaults" or (
        written[0] == "areas" and "defaults" in written[2:5] and "deployments" not in written
    )


def _has(values: Any, path: KeyPath) -> bool:
    for step in path:
        match values, step:
            case (Mapping(), _) if step in values:
                values = values[step]
            case (list(), int()) if step < len(values):
                values = values[step]
            case _:
                return False
    return values is not None
