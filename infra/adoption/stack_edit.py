"""Deployments written into a stack file: what stands there stays as it is, byte for byte.

YAML libraries that write a whole file back move the comment above an area away from it, when something is added to the
area before. So the place is taken from the parser's events, and lines are added there; that the result says what it
should is checked by reading both texts again.
"""

from __future__ import annotations

import copy
import difflib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, Event, MappingStartEvent, ScalarEvent, SequenceStartEvent
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from infra.model import NAMESPACE
from infra.model.positions import YamlFault, read

_STEP = 2


class EditError(Exception):
    """The file can't be edited; it says where and what to do."""


@dataclass
class Node:
    """One node of the text. `last`: the last line (from 0) that has any of it; `end`: a collection's last event."""

    event: Event
    end: Event
    last: int
    children: list[Node] = field(default_factory=list)

    @property
    def is_alias(self) -> bool:
        return isinstance(self.event, AliasEvent)

    @property
    def is_block(self) -> bool:
        return isinstance(self.event, (MappingStartEvent, SequenceStartEvent)) and not self.event.flow_style

    @property
    def is_empty(self) -> bool:
        """Nothing, `~`, `{}` or `[]`."""
        if isinstance(self.event, ScalarEvent):
            return self.event.style is None and self.event.value in ("", "~", "null")
        return not self.is_alias and not self.children

    @property
    def line(self) -> int:
        return int(self.event.start_mark.line)

    @property
    def column(self) -> int:
        return int((self.children[0] if self.children else self).event.start_mark.column)

    def child(self, key: str) -> tuple[Node, Node] | None:
        for name, value in zip(self.children[::2], self.children[1::2], strict=True):
            if isinstance(name.event, ScalarEvent) and name.event.value == key:
                return name, value
        return None


def add_deployments(
    text: str, area: str | None, deployments: Sequence[dict[str, Any]], *, file: str = "the file"
) -> str:
    """The text with the deployments at the end of the area's; the area is made if there is none.

    `area`: None if the text is the area's own file.

    Raises:
        EditError: It is no stack file, or written in a way that can't be added to.

    """
    if not deployments:
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    before = values(text, file)
    lines = text.replace("\r\n", "\n").split("\n")
    at: tuple[str, ...] = ("config", f"{NAMESPACE}:areas", area) if area is not None else ()
    root = tree(text, file)
    if root is not None:
        _insert(lines, root, (*at, "deployments"), list(deployments), file)
    elif area is None:
        _put(lines, len(lines) - 1 - (lines[-1] == ""), 0, rendered({"deployments": list(deployments)}))
    else:
        raise EditError(f"{file}: it is empty")
    after = newline.join(lines)
    if values(after, file) != _added(before, at, deployments):
        where = "the deployments" if area is None else f"areas.{area}"
        raise EditError(f"{file}: its way of writing {where} can't be added to; write it in block style first")
    return after


def difference(before: str, after: str, file: str) -> str:
    made = difflib.unified_diff(before.splitlines(), after.splitlines(), f"a/{file}", f"b/{file}", lineterm="")
    return "\n".join(made)


def rendered(value: Any, *, offset: int = _STEP) -> str:
    """As YAML in block style; dashes are `offset` columns to the right of their key."""
    yaml = YAML()
    yaml.default_flow_style = False
    yaml.allow_unicode = True
    yaml.width = 110
    yaml.indent(mapping=_STEP, sequence=offset + 2, offset=offset)
    out = io.StringIO()
    yaml.dump(styled(value), out)
    return out.getvalue()


def lines_of(block: str) -> list[str]:
    """Of YAML. Not by `splitlines`, nor stripped of more than spaces: a value may end in a space that doesn't break."""
    return block.removesuffix("\n").split("\n")


def indented(block: str, column: int) -> tuple[str, ...]:
    return tuple((" " * column + line).rstrip(" ") for line in lines_of(block))


def styled(value: Any, key: str = "") -> Any:
    """Copies, so that what is used twice gets no anchor; crons in double quotes, as everywhere in stack files."""
    if isinstance(value, dict):
        return {styled(name): styled(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list):
        return [styled(inner) for inner in value]
    if isinstance(value, str):
        # ruamel.yaml 0.19 writes `{a: :b}`, and doesn't read it.
        return DoubleQuotedScalarString(value) if key == "cron" or value.startswith((":", "?")) else str(value)
    return value


def _insert(lines: list[str], root: Node, path: tuple[str, ...], deployments: list[Any], file: str) -> None:
    """Go down the path as far as it exists, and add there what is missing of it."""
    node, key = root, None
    for depth, name in enumerate(path):
        where, holder = f"{file}, line {node.line + 1}", path[depth - 1] if depth else "the file"
        if node.is_alias:
            raise EditError(f"{where}: {holder} is an alias: what is added would show up elsewhere too")
        if node.is_empty:
            _fill(lines, node, key, _nested(path[depth:], deployments), file)
            return
        if not node.is_block or not isinstance(node.event, MappingStartEvent):
            raise EditError(f"{where}: {holder} is written in one line: write a line for each key of it")
        found = node.child(name)
        if found is None:
            _put(lines, node.last, node.column, rendered(_nested(path[depth:], deployments)))
            return
        key, node = found
    if node.is_empty and not node.is_alias:
        _fill(lines, node, key, deployments, file)
    elif node.is_block and isinstance(node.event, SequenceStartEvent):
        column = int(node.event.start_mark.column)
        offset = column - int(key.event.start_mark.column) if key else _STEP
        _put(lines, node.last, column, rendered(deployments, offset=offset), dash=offset)
    else:
        raise EditError(
            f"{file}, line {node.line + 1}: `deployments` is written in one line or is an alias: write a line for each"
        )


def _fill(lines: list[str], node: Node, key: Node | None, value: Any, file: str) -> None:
    """In the place of an empty value, below its key."""
    if key is None:
        lines[:] = [*lines, *lines_of(rendered(value))] if lines != [""] else [*lines_of(rendered(value)), ""]
        return
    line = int(key.event.end_mark.line)
    if isinstance(node.end, CollectionEndEvent) and int(node.end.end_mark.line) != int(node.event.start_mark.line):
        raise EditError(f"{file}, line {line + 1}: close the bracket in the line that it is opened in")
    start, end = int(node.event.start_mark.column), int(node.end.end_mark.column)
    if node.line == line and end > start:
        lines[line] = (lines[line][:start].rstrip() + " " + lines[line][end:].lstrip()).rstrip()
    dash = _STEP if isinstance(value, list) else 0
    column = int(key.event.start_mark.column) + _STEP
    _put(lines, line, column, rendered(value), dash=dash)


def _put(lines: list[str], after: int, column: int, block: str, *, dash: int = 0) -> None:
    """Below the line; `dash`: how far the renderer has moved a list's dashes already."""
    made = [(" " * column + line[min(dash, len(line)) :]).rstrip(" ") for line in lines_of(block)]
    lines[after + 1 : after + 1] = made


def tree(text: str, file: str) -> Node | None:
    """None if there are comments at most."""
    try:
        events = iter(list(YAML(typ="rt", pure=True).parse(text.replace("\r\n", "\n"))))
    except YAMLError as error:
        raise EditError(f"{file}: it is no YAML: {error}") from error
    lines = text.replace("\r\n", "\n").split("\n")
    for event in events:
        if isinstance(event, (MappingStartEvent, SequenceStartEvent, ScalarEvent)):
            return _node(event, events, lines)
    return None


def _node(event: Event, events: Iterator[Event], lines: list[str]) -> Node:
    if not isinstance(event, (MappingStartEvent, SequenceStartEvent)):
        return Node(event, event, _last_line(event, lines))
    node = Node(event, event, int(event.start_mark.line))
    for inner in events:
        if type(inner).__name__.endswith("EndEvent"):
            node.end = inner
            if event.flow_style:
                node.last = int(inner.end_mark.line)
            break
        node.children.append(_node(inner, events, lines))
        node.last = max(node.last, node.children[-1].last)
    return node


def _last_line(event: Event, lines: list[str]) -> int:
    last = int(event.end_mark.line)
    if isinstance(event, ScalarEvent) and event.style in ("|", ">"):
        # It ends where the next thing begins, the empty lines between included.
        last = min(last, len(lines) - 1)
        if int(event.end_mark.column) == 0 and last > event.start_mark.line:
            last -= 1
        while last > event.start_mark.line and not lines[last].strip():
            last -= 1
    return last


def values(text: str, file: str) -> Any:
    try:
        return copy.deepcopy(read(text).values)
    except YamlFault as fault:
        place = f", line {fault.mark.line}" if fault.mark else ""
        raise EditError(f"{file}{place}: {fault.message}") from fault


def _nested(path: tuple[str, ...], value: Any) -> Any:
    for each in reversed(path):
        value = {each: value}
    return value


def _added(values: Any, at: tuple[str, ...], deployments: Sequence[dict[str, Any]]) -> Any:
    try:
        made = inner = dict(values or {})
        for key in at:
            inner[key] = dict(inner.get(key) or {})
            inner = inner[key]
        inner["deployments"] = [*(inner.get("deployments") or []), *copy.deepcopy(list(deployments))]
    except (TypeError, ValueError):
        return None
    return made
