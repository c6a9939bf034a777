"""The flows of a checkout: where each is, what it takes, and which deployments use it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from infra.discovery.files import python_files
from infra.discovery.uses import Use, uses
from infra.model.annotations import Annotations, Unknown
from infra.model.flow_definitions import FlowDefinition, Module, SourceError, flow_definitions, read_module

_MUST_SAY = (b"flow", b"prefect")
"""A file that says one of them nowhere can't hold a flow, and need not be parsed."""
_MAY_HAVE_MAIN = re.compile(rb"^if\b[^\n]*__name__", re.MULTILINE)


class Parameter(NamedTuple):
    """`annotation` and `default` as they are written."""

    name: str
    annotation: str | None
    default: str | None
    required: bool


@dataclass(frozen=True)
class FoundFlow:
    file: str
    line: int
    function: str
    name: str | None
    """None when only running the file would tell."""
    is_async: bool
    parameters: tuple[Parameter, ...]
    has_main: bool
    uses: tuple[Use, ...]

    @property
    def entrypoint(self) -> str:
        return f"{self.file}:{self.function}"


class Warned(NamedTuple):
    file: str
    reason: str


@dataclass(frozen=True)
class Discovery:
    flows: tuple[FoundFlow, ...]
    warnings: tuple[Warned, ...]


def find_flows(root: Path, files: Sequence[str] | None = None) -> Discovery:
    """All flows by file and line; `files` instead of what git tracks or would track."""
    used, unreadable = uses(root)
    flows: list[FoundFlow] = []
    warnings = [Warned(file, reason) for file, reason in unreadable]
    for file in python_files(root) if files is None else files:
        try:
            flows += _flows_in(root, file, used)
        except (SourceError, OSError) as error:
            warnings.append(Warned(file, str(error)))
    return Discovery(tuple(flows), tuple(warnings))


def _flows_in(root: Path, file: str, used: dict[str, list[Use]]) -> Iterator[FoundFlow]:
    path = root / file
    try:
        text = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError):
        return  # git still lists what was deleted and not committed
    if not all(word in text for word in _MUST_SAY):
        return
    module = read_module(path)
    definitions = list(flow_definitions(module))
    has_main = bool(definitions) and _has_main(text)
    for each in definitions:
        yield FoundFlow(
            file=file,
            line=each.function.lineno,
            function=each.qualified_name,
            name=_name(each, module),
            is_async=isinstance(each.function, ast.AsyncFunctionDef),
            parameters=tuple(_parameters(each)),
            has_main=has_main,
            uses=tuple(used.get(f"{file}:{each.qualified_name}", ())),
        )


def _name(definition: FlowDefinition, module: Module) -> str | None:
    given = {keyword.arg: keyword.value for keyword in definition.options}
    node = given.get("name")
    if node is None:
        return None if None in given else definition.function.name.replace("_", "-")
    try:
        value = Annotations(module).value_of(node)
    except Unknown:
        return None
    return value if isinstance(value, str) and value else definition.function.name.replace("_", "-")


def _parameters(definition: FlowDefinition) -> Iterator[Parameter]:
    arguments = definition.function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    none: list[ast.expr | None] = [None]
    defaults = none * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    pairs = list(zip(positional, defaults, strict=True))
    if definition.is_method and positional:
        pairs = pairs[1:]
    for argument, default in [*pairs, *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]:
        yield Parameter(argument.arg, _written(argument.annotation), _written(default), default is None)
    for star, variadic in (("*", arguments.vararg), ("**", arguments.kwarg)):
        if variadic is not None:
            yield Parameter(f"{star}{variadic.arg}", _written(variadic.annotation), None, required=False)


def _written(node: ast.expr | None) -> str | None:
    return None if node is None else ast.unparse(node)


def _has_main(text: bytes) -> bool:
    """Whether the module itself asks `if __name__ == "__main__"`, either way around."""
    for found in _MAY_HAVE_MAIN.finditer(text):
        try:
            # What follows is short, and no Python of its own if it stands within a text.
            statements = ast.parse(text[found.start() :]).body[:1]
        except (SyntaxError, ValueError):
            statements = ast.parse(text).body
        if any(_is_main(each) for each in statements):
            return True
    return False


def _is_main(statement: ast.stmt) -> bool:
    match statement:
        case ast.If(test=ast.Compare(left=left, ops=[ast.Eq()], comparators=[right])):
            names = [each.id for each in (left, right) if isinstance(each, ast.Name)]
            values = [each.value for each in (left, right) if isinstance(each, ast.Constant)]
            return names == ["__name__"] and values == ["__main__"]
    return False
