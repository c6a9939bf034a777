"""All edits together: one change of several files, each of whose stacks is checked; what a rule refuses stays out."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.adoption.application import Change
from infra.adoption.rewriting import changed, rewritten, taken_away
from infra.adoption.stack_edit import EditError, values
from infra.adoption.ui_edits.edits import REMOVED, Edit, Left
from infra.adoption.ui_edits.placing import Placed, Places, Unplaceable, places
from infra.adoption.ui_edits.saying import Declared, said
from infra.drift import Difference
from infra.model import StackErrors, load_stack_file


@dataclass(frozen=True)
class Adoption:
    """What is taken, what is left and why, and the change that it comes to; None: nothing is to be written."""

    taken: tuple[Edit, ...]
    left: tuple[Left, ...]
    change: Change | None

    @property
    def others(self) -> tuple[str, ...]:
        """Further stacks that the changed files count for."""
        return self.change.stacks[1:] if self.change else ()


def adopted(root: Path, stack: str, found: Iterable[Difference], *, only_here: bool = False) -> Adoption:
    """Nothing is written yet.

    `only_here`: each edit for this environment alone, even where the value was written for all.

    Raises:
        StackErrors: A stack's file has faults already.

    """
    to = places(root, stack)
    declared = Declared(load_stack_file(root, stack), to.composed.values)
    edits: list[Edit] = []
    left: list[Left] = []
    for each in found:
        for one in said(each, declared):
            (edits if isinstance(one, Edit) else left).append(one)  # type: ignore[arg-type]  # sorted by its type
    return settled(root, stack, to, edits, left, only_here=only_here)


def settled(
    root: Path, stack: str, to: Places, edits: Iterable[Edit], left: list[Left], *, only_here: bool
) -> Adoption:
    """The edits in their places, as far as there are any and as the rules allow. `left`: what stays anyway."""
    placed: list[tuple[Edit, Placed]] = []
    for edit in edits:
        try:
            placed.append((edit, to.place(edit, only_here=only_here)))
        except Unplaceable as reason:
            left.append(Left(edit.urn, edit.field, str(reason)))
    taken, change, refused = _valid(root, stack, to, placed)
    return Adoption(tuple(edit for edit, _ in taken), (*left, *refused), change)


def _valid(
    root: Path, stack: str, to: Places, placed: Sequence[tuple[Edit, Placed]]
) -> tuple[list[tuple[Edit, Placed]], Change | None, list[Left]]:
    """As many of them as the rules allow: all, or else one after the other."""
    try:
        return list(placed), _checked(root, stack, to, placed), []
    except (StackErrors, EditError):
        pass
    taken: list[tuple[Edit, Placed]] = []
    change: Change | None = None
    refused: list[Left] = []
    for edit, place in placed:
        try:
            change = _checked(root, stack, to, [*taken, (edit, place)])
            taken.append((edit, place))
        except EditError as error:
            refused.append(Left(edit.urn, edit.field, str(error)))
        except StackErrors as errors:
            first = errors.findings[0]
            reason = f"{first.message} ({first.rule.code})" + (f"; {first.hint}" if first.hint else "")
            refused.append(Left(edit.urn, edit.field, reason))
    return taken, change, refused


def _checked(root: Path, stack: str, to: Places, placed: Sequence[tuple[Edit, Placed]]) -> Change | None:
    """Raises StackErrors, EditError."""
    if not placed:
        return None
    texts: dict[str, str] = {}
    before: dict[str, str | None] = {}
    for file in sorted({each.file for _, each in placed}):
        text = (root / file).read_bytes().decode("utf-8-sig")
        document = _document(text, file, [each for _, each in placed if each.file == file])
        before[file], texts[file] = text, rewritten(text, document, file=file)
    concerned = {stack: None} | {name: None for file in texts for name in to.users.get(file, {})}
    copied = sorted(file for file in to.users if file not in texts)
    change = Change(root, next(iter(texts)), tuple(concerned), tuple(copied), texts, before)
    change.check()
    return change


def _document(text: str, file: str, placed: Iterable[Placed]) -> Mapping[str, Any]:
    document: dict[str, Any] = copy.deepcopy(values(text, file)) or {}
    for each in placed:
        if each.value is REMOVED:
            taken_away(document, each.path)
        else:
            changed(document, each.path, copy.deepcopy(each.value))
    return document
