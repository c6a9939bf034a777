"""A deployment that stands in a file already, changed there: only the lines of what differs, all else stays."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.events import MappingStartEvent, ScalarEvent

from infra.adoption.stack_edit import EditError, Node, indented, rendered, tree, values
from infra.model import NAMESPACE


@dataclass(frozen=True)
class _Edit:
    """Lines from `first` to before `last` become `lines`."""

    first: int
    last: int
    lines: tuple[str, ...]


def declared_deployment(text: str, area: str | None, name: str, *, file: str) -> dict[str, Any] | None:
    """The deployment of that name as the text has it, or None. `area`: None if the text is the area's own file."""
    found = _found(values(text, file), area, name)
    return None if found is None else copy.deepcopy(found)


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The old one with what the new one says: mappings key by key, all else as a whole."""
    made = dict(old)
    for key, value in new.items():
        before = made.get(key)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        made[key] = merged(before, value) if both else copy.deepcopy(value)  # type: ignore[arg-type]  # both are
    return made


def change_deployment(text: str, area: str | None, name: str, new: Mapping[str, Any], *, file: str) -> str:
    """The text in which the deployment also says what `new` does.

    Raises:
        EditError: It is written in a way that can't be edited without touching more than that.

    """
    newline = "\r\n" if "\r\n" in text else "\n"
    expected = values(text, file)
    target = _found(expected, area, name)
    node = _node(tree(text, file), area, name)
    if target is None or node is None:
        raise EditError(f"{file}: there is no deployment {name!r} to change, or it is an alias")
    wanted = merged(target, new)
    lines = text.replace("\r\n", "\n").split("\n")
    edits = list(_edits(node, target, wanted, lines, file))
    # From below; what is put in before a line comes after what replaces the line.
    for edit in sorted(edits, key=lambda each: (each.first, each.last), reverse=True):
        lines[edit.first : edit.last] = edit.lines
    after = newline.join(lines)
    target.clear()
    target.update(wanted)
    if values(after, file) != expected:
        raise EditError(
            f"{file}, line {node.line + 1}: what {name!r} says is used elsewhere too (an anchor), or is written in a "
            "way that can't be changed by itself: change it by hand"
        )
    return after


def _edits(node: Node, old: Mapping[str, Any], new: Mapping[str, Any], lines: list[str], file: str) -> Iterator[_Edit]:
    if not node.is_block or not isinstance(node.event, MappingStartEvent):
        raise EditError(f"{file}, line {node.line + 1}: it is written in one line: write a line for each key of it")
    added: dict[str, Any] = {}
    for key, value in new.items():
        if key in old and old[key] == value:
            continue
        found = node.child(key)
        if found is None:
            added[key] = value  # also over one that a merge (`<<`) brings
        elif found[1].is_block and isinstance(value, Mapping) and isinstance(old.get(key), Mapping):
            yield from _edits(found[1], old[key], value, lines, file)
        else:
            yield _replaced(key, found, value, lines)
    if added:
        yield _Edit(node.last + 1, node.last + 1, indented(rendered(added), node.column))


def _replaced(name: str, pair: tuple[Node, Node], value: Any, lines: list[str]) -> _Edit:
    key, node = pair
    line, column = key.line, int(key.event.start_mark.column)
    first, *rest = indented(rendered({name: value}), column)
    start, end = node.event.start_mark, node.event.end_mark
    if (
        isinstance(node.event, ScalarEvent)
        and not rest
        and start.line == end.line == line
        and end.column > start.column
    ):
        said = first.strip().partition(": ")[2]
        return _Edit(line, line + 1, (lines[line][: start.column] + said + lines[line][end.column :],))
    # A comment stands behind the key, where the value begins below it, or behind the value.
    behind = int(key.event.end_mark.column) + 1 if node.line > line else int(node.end.end_mark.column)
    comment = lines[line][behind:].rstrip() if node.line > line or int(node.end.end_mark.line) == line else ""
    return _Edit(line, node.last + 1, (lines[line][:column] + first.strip() + comment, *rest))


def _path(area: str | None) -> tuple[str, ...]:
    return ("deployments",) if area is None else ("config", f"{NAMESPACE}:areas", area, "deployments")


def _found(document: Any, area: str | None, name: str) -> dict[str, Any] | None:
    node = document
    for key in _path(area):
        node = node.get(key) if isinstance(node, dict) else None
    named = (each for each in node if isinstance(each, dict) and each.get("name") == name) if node else iter(())
    return next(named, None)


def _node(root: Node | None, area: str | None, name: str) -> Node | None:
    node = root
    for key in _path(area):
        found = node.child(key) if node is not None and isinstance(node.event, MappingStartEvent) else None
        if found is None:
            return None
        node = found[1]
    for item in node.children if node is not None else ():
        said = item.child("name") if isinstance(item.event, MappingStartEvent) else None
        if said is not None and isinstance(said[1].event, ScalarEvent) and said[1].event.value == name:
            return item
    return None
