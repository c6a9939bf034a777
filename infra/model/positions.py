"""YAML with places: plain values on one side, the line and column of each on the other.

Read as Pulumi reads it: `yes` and `12:30` are text, 010 is eight, and a date without quotes is what Go makes of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from infra.model.errors import KeyPath
from infra.model.rules import Rule, reading

_TAG = "tag:yaml.org,2002:"
_MERGE = "<<"
_MOST_VALUES = 500_000
"""Aliases of aliases can stand for billions; no stack file comes near this."""


class Mark(NamedTuple):
    line: int
    column: int


class YamlFault(Exception):  # noqa: N818  # as all that is raised here
    """The text can't be read, or not in one way only."""

    def __init__(
        self, message: str, mark: Mark | None, hint: str | None = None, *, rule: Rule = reading.NOT_YAML
    ) -> None:
        super().__init__(message)
        self.message, self.mark, self.hint, self.rule = message, mark, hint, rule


@dataclass(frozen=True)
class Document:
    """One YAML text: its values, and where each stands."""

    values: Any
    _root: Node | None

    def find(self, path: KeyPath) -> tuple[Node | None, Node] | None:
        """The key (None for a list item) and the value at the path."""
        key: Node | None = None
        node = self._root
        for part in path:
            step = _child(node, part) if node is not None else None
            if step is None:
                return None
            key, node = step
        return None if node is None else (key, node)

    def mark(self, path: KeyPath, *, of_key: bool = False) -> Mark | None:
        """Where the value begins: a scalar at its own place, else (or if wanted) at its key."""
        if (found := self.find(path)) is None:
            return None
        key, value = found
        return _mark(value if key is None or (isinstance(value, ScalarNode) and not of_key) else key)


def read(text: str) -> Document:
    """Raises YamlFault."""
    root = _compose(text)
    return Document(_Plain().of(root) if root is not None else None, root)


def _compose(text: str) -> Node | None:
    try:
        return _parsed(text, pure=False)
    except YAMLError:
        # The fast parser knows YAML 1.1 only in places: what it refuses the other may take, or explain better.
        pass
    except RecursionError as error:
        raise YamlFault("the values are nested too deeply", None) from error
    try:
        return _parsed(text, pure=True)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        hint = "indent with spaces, not tabs" if "'\\t'" in problem else None
        raise YamlFault(
            f"this is no YAML: {problem}", Mark(mark.line + 1, mark.column + 1) if mark else None, hint
        ) from error
    except (RecursionError, ValueError) as error:
        raise YamlFault("the text can't be read as YAML", None) from error


def _parsed(text: str, *, pure: bool) -> Node | None:
    node: Node | None = YAML(typ="safe", pure=pure).compose(text)
    return node


class _Plain:
    """Nodes to plain values. What is said twice, or stands within itself, is a fault."""

    def __init__(self) -> None:
        self._within: list[int] = []
        self._count = 0

    def of(self, node: Node) -> Any:
        self._count += 1
        if self._count > _MOST_VALUES:
            raise YamlFault("the file is too large: its aliases stand for too many values", _mark(node))
        if isinstance(node, ScalarNode):
            return _scalar(node)
        if id(node) in self._within:
            raise YamlFault("an alias stands within the very value it repeats", _mark(node))
        self._within.append(id(node))
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node)
            return [self.of(item) for item in node.value]
        except RecursionError as error:
            raise YamlFault("the values are nested too deeply", _mark(node)) from error
        finally:
            self._within.pop()

    def _mapping(self, node: MappingNode) -> dict[str, Any]:
        own: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                raise YamlFault("a key must be text", _mark(key))
            if _is_merge(key):
                continue
            if key.value in own:
                raise YamlFault(
                    f"the key {key.value!r} stands twice", _mark(key), "take one away", rule=reading.REPEATED_KEY
                )
            own[key.value] = self.of(value)
        inherited: dict[str, Any] = {}
        for merged in _merged(node):
            if id(merged) in self._within:
                raise YamlFault("an alias stands within the very value it repeats", _mark(merged))
            inherited = {**self.of(merged), **inherited}
        return {**inherited, **own}


def _scalar(node: ScalarNode) -> Any:
    convert = _CONVERT.get(str(node.tag))
    if convert is None:
        return node.value
    try:
        return convert(node.value)
    except ValueError:
        return node.value


def _int(text: str) -> int:
    text = text.replace("_", "")
    digits = text.lstrip("+-")
    if digits[:2].lower() in ("0x", "0o", "0b"):
        return int(text, 0)
    return int(text, 8) if re.fullmatch("0[0-7]+", digits) else int(text)


def _date(text: str) -> str:
    day, _, time = text.replace("T", " ").replace("t", " ").partition(" ")
    return f"{day} {time.strip()[:8] or '00:00:00'} +0000 UTC"


def _float(text: str) -> float:
    text = text.replace("_", "").lower()
    if text.endswith(".nan"):
        return math.nan
    return float(text.replace(".inf", "inf"))


_CONVERT: dict[str, Callable[[str], Any]] = {
    f"{_TAG}null": lambda _: None,
    f"{_TAG}bool": lambda text: text.lower() == "true",
    f"{_TAG}int": _int,
    f"{_TAG}float": _float,
    f"{_TAG}timestamp": _date,
}


def _is_merge(key: Node) -> bool:
    return key.value == _MERGE and str(key.tag) == f"{_TAG}merge"


def _merged(node: MappingNode) -> Iterator[MappingNode]:
    for key, value in node.value:
        if _is_merge(key):
            for source in [value] if isinstance(value, MappingNode) else value.value:
                if not isinstance(source, MappingNode):
                    raise YamlFault("<< takes a mapping, or a list of mappings", _mark(key))
                yield source


def _child(node: Node, part: str | int) -> tuple[Node | None, Node] | None:
    if isinstance(node, MappingNode):
        own = next(((key, value) for key, value in node.value if key.value == part and not _is_merge(key)), None)
        if own is not None:
            return own
        return next((found for merged in _merged(node) if (found := _child(merged, part))), None)
    if isinstance(part, int) and not isinstance(node, ScalarNode) and part < len(node.value):
        return None, node.value[part]
    return None


def _mark(node: Node) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1)


def spans(text: str) -> dict[Mark, Mark]:
    """Where each key and plain value of the text begins, and where it ends; nothing of what is no YAML."""
    try:
        root = _compose(text)
    except YamlFault:
        return {}
    found: dict[Mark, Mark] = {}
    seen: set[int] = set()
    waiting = [root] if root is not None else []
    while waiting:
        node = waiting.pop()
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, ScalarNode):
            found[_mark(node)] = Mark(node.end_mark.line + 1, node.end_mark.column + 1)
        elif isinstance(node, MappingNode):
            waiting.extend(part for pair in node.value for part in pair)
        else:
            waiting.extend(node.value)
    return found
