"""A YAML text brought to other values by as few lines as will do: all else stays, comments too, byte for byte.

Where `stack_edit` adds and `stack_change` merges, this takes the values that the whole text is to have, and finds the
places that differ: within lists item by item, within mappings key by key. That it then says what it should is checked
by reading it again.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.events import MappingStartEvent, ScalarEvent, SequenceStartEvent

from infra.adoption.stack_edit import EditError, Node, indented, rendered, styled, tree, values

_WIDEST: Final = 120


@dataclass(frozen=True)
class _Edit:
    """Lines from `first` to before `last` become `lines`."""

    first: int
    last: int
    lines: tuple[str, ...]


def rewritten(text: str, wanted: Mapping[str, Any], *, file: str) -> str:
    """The text that reads as `wanted`.

    Raises:
        EditError: It is no YAML, or written in a way that can't be edited without touching more than that.

    """
    old = values(text, file)
    if old == wanted:
        return text
    root = tree(text, file)
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.replace("\r\n", "\n").split("\n")
    if root is None:
        raise EditError(f"{file}: it is empty")
    edits = _Edits(lines, file)
    found = list(edits.of(root, old, wanted))
    # From below; of what is put in at one place, the last first: it stands below the others.
    in_order = sorted(found, key=lambda each: (each.first, each.last))
    for edit in in_order[::-1]:
        lines[edit.first : edit.last] = edit.lines
    after = newline.join(lines)
    if values(after, file) != wanted:
        at = f"line {found[0].first + 1}" if found else "it"
        raise EditError(
            f"{file}, {at}: it is used elsewhere too (an anchor), or written in a way that can't be changed by itself: "
            "change it by hand"
        )
    return after


@dataclass(frozen=True)
class _Edits:
    lines: list[str]
    file: str

    def of(self, node: Node, old: Any, new: Any) -> Iterator[_Edit]:
        """What leads from the old value to the new one, where the node is a collection of its own lines."""
        if isinstance(old, Mapping) and isinstance(new, Mapping) and self._may_enter(node, MappingStartEvent):
            yield from self._mapping(node, old, new)
        elif isinstance(old, list) and isinstance(new, list) and self._may_enter(node, SequenceStartEvent):
            yield from self._list(node, old, new)
        else:
            raise EditError(f"{self.file}, line {node.line + 1}: write a line for each part of it first")

    @staticmethod
    def _may_enter(node: Node, kind: type[object]) -> bool:
        return node.is_block and isinstance(node.event, kind)

    def _mapping(self, node: Node, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[_Edit]:
        added = {}
        for key, value in new.items():
            if key in old and old[key] == value and type(old[key]) is type(value):
                continue
            pair = node.child(key)
            if pair is None:
                added[key] = value  # also over one that a merge (`<<`) brings
            else:
                yield from self._value(key, pair, old.get(key), value)
        for key in old.keys() - new.keys():
            pair = node.child(key)
            if pair is None:
                raise EditError(f"{self.file}, line {node.line + 1}: {key!r} comes by a merge (<<): change it by hand")
            yield self._without(pair)
        if added:
            at = self._before_overlays(node)
            yield _Edit(at, at, indented(rendered(added), node.column))

    def _value(self, key: str, pair: tuple[Node, Node], old: Any, new: Any) -> Iterator[_Edit]:
        _, node = pair
        enters = isinstance(new, Mapping) and isinstance(old, Mapping) and self._may_enter(node, MappingStartEvent)
        enters |= isinstance(new, list) and isinstance(old, list) and self._may_enter(node, SequenceStartEvent)
        if enters and new:
            yield from self.of(node, old, new)
        else:
            yield self._replaced(key, pair, new)

    def _list(self, node: Node, old: list[Any], new: list[Any]) -> Iterator[_Edit]:
        column = int(node.event.start_mark.column)
        former = (-1, -1)
        for i, j in [*_pairs(old, new), (len(old), len(new))]:
            for item in node.children[former[0] + 1 : i]:
                yield _Edit(item.line, item.last + 1, ())
            if added := new[former[1] + 1 : j]:
                at = node.children[i - 1].last + 1 if i else node.line
                yield _Edit(at, at, indented(rendered(list(added), offset=0), column))
            if i < len(old) and _key(old[i]) != _key(new[j]):
                yield from self._item(node.children[i], old[i], new[j], column)
            former = (i, j)

    def _item(self, node: Node, old: Any, new: Any, column: int) -> Iterator[_Edit]:
        if isinstance(old, Mapping) and isinstance(new, Mapping) and self._keeps_its_first_key(node, new):
            yield from self._mapping(node, old, new)
        elif (inline := self._inline(node, new)) is not None:
            yield inline
        else:
            yield _Edit(node.line, node.last + 1, indented(rendered([new], offset=0), column))

    def _keeps_its_first_key(self, node: Node, new: Mapping[str, Any]) -> bool:
        """That one stands behind the dash."""
        first = node.children[0].event if self._may_enter(node, MappingStartEvent) else None
        return isinstance(first, ScalarEvent) and first.value in new

    @staticmethod
    def _without(pair: tuple[Node, Node]) -> _Edit:
        """The key's lines away."""
        key, value = pair
        return _Edit(key.line, value.last + 1, ())

    def _replaced(self, name: str, pair: tuple[Node, Node], value: Any) -> _Edit:
        key, node = pair
        if node.line == key.line and (inline := self._inline(node, value, name)) is not None:
            return inline
        line, column = key.line, key.column
        first, *rest = indented(rendered({name: value}), column)
        # A comment stands behind the key, where the value begins below it, or behind the value.
        below = node.line > line
        behind = int(key.event.end_mark.column) + 1 if below else int(node.end.end_mark.column)
        comment = self.lines[line][behind:].rstrip() if below or int(node.end.end_mark.line) == line else ""
        return _Edit(line, node.last + 1, (self.lines[line][:column] + first.strip() + comment, *rest))

    def _inline(self, node: Node, value: Any, name: str = "") -> _Edit | None:
        """The value in the place of another within its line, if both have their place in one."""
        start, end = node.event.start_mark, node.end.end_mark
        if node.is_alias or start.line != end.line or end.column <= start.column:
            return None
        collection = isinstance(node.event, (MappingStartEvent, SequenceStartEvent))
        if isinstance(value, (Mapping, list)) and value and not collection:
            return None
        if isinstance(node.event, ScalarEvent) and node.event.style in ("|", ">"):
            return None
        line = self.lines[node.line]
        made = line[: start.column] + _flow(value, name) + line[end.column :]
        if len(made) > max(_WIDEST, len(line)) or "\n" in made:
            return None
        return _Edit(node.line, node.line + 1, (made,))

    def _before_overlays(self, node: Node) -> int:
        """Where new keys go: at the end, but before what differs by environment, with the comment above it."""
        if node.children and isinstance(node.event, MappingStartEvent) and (found := node.child("in")) is not None:
            line = found[0].line
            if found[0] is not node.children[0] and not self.lines[line][: found[0].column].strip():
                while self.lines[line - 1].lstrip().startswith("#"):
                    line -= 1
                return line
        return node.last + 1


def _pairs(old: list[Any], new: list[Any]) -> list[tuple[int, int]]:
    """Which item has become which, in order, so that as much as may be of each stays as it is."""
    best = [[0.0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i in reversed(range(len(old))):
        for j in reversed(range(len(new))):
            alike = _alike(old[i], new[j])
            paired = alike + best[i + 1][j + 1] if alike else 0.0
            best[i][j] = max(paired, best[i + 1][j], best[i][j + 1])
    found: list[tuple[int, int]] = []
    i = j = 0
    while i < len(old) and j < len(new):
        alike = _alike(old[i], new[j])
        if alike and best[i][j] == alike + best[i + 1][j + 1]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return found


def _alike(old: Any, new: Any) -> float:
    """0: not at all. Common keys count, and more so where their values are equal."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        common = old.keys() & new.keys()
        return float(sum(3 if _key(old[key]) == _key(new[key]) else 1 for key in common))
    if _key(old) == _key(new):
        return 3.0
    return 0.5 if type(old) is type(new) else 0.0


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def _flow(value: Any, name: str) -> str:
    """As YAML within a line."""
    yaml = YAML()
    yaml.default_flow_style = True
    yaml.allow_unicode = True
    yaml.width = 10_000
    out = io.StringIO()
    if isinstance(value, (Mapping, list)):
        yaml.dump(styled(value), out)
        return out.getvalue().strip()
    yaml.dump([styled(value, name)], out)
    return out.getvalue().strip()[1:-1]


def changed(document: Any, path: Sequence[str | int], value: Any) -> None:
    """Set what is at the path, in place; mappings are made where there are none."""
    *parents, last = path
    for step in parents:
        if isinstance(document, dict) and document.get(step) is None:
            document[step] = {}
        document = document[step]
    document[last] = value


def taken_away(document: Any, path: Sequence[str | int]) -> None:
    """Take the value at the path away, and mappings that are empty then; lists keep their place."""
    holders = [document]
    for step in path[:-1]:
        holders.append(holders[-1][step])
    del holders[-1][path[-1]]
    for holder, step, inner in zip(reversed(holders[:-1]), reversed(path[:-1]), reversed(holders[1:]), strict=True):
        if inner or isinstance(step, int) or isinstance(holder, list):
            return
        del holder[step]
