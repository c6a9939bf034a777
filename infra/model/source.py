"""A Python file as names: what each module-level name is, read from the text. Nothing is executed or imported."""

from __future__ import annotations

import ast
import builtins
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


class SourceError(Exception):
    """The file can't be read as Python."""


@dataclass(frozen=True, eq=False)
class Module:
    """`imports`: local name -> dotted name of what it stands for. `stars`: modules imported whole."""

    functions: dict[str, Function] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    values: dict[str, ast.expr] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)

    def dotted(self, expression: ast.expr) -> str | None:
        """The full name of what an expression names: `p.flow` after `import prefect as p` is prefect.flow."""
        seen: set[str] = set()
        while isinstance(expression, ast.Name) and expression.id in self.values and expression.id not in seen:
            seen.add(expression.id)
            if expression.id in self.imports:
                break  # `try: from prefect import flow`, and some other value when that fails
            if not isinstance(self.values[expression.id], (ast.Name, ast.Attribute)):
                return expression.id
            expression = self.values[expression.id]
        if isinstance(expression, ast.Attribute):
            owner = self.dotted(expression.value)
            return f"{owner}.{expression.attr}" if owner else None
        if not isinstance(expression, ast.Name):
            return None
        name = expression.id
        if name in self.imports:
            return self.imports[name]
        if name in self.functions or name in self.classes:
            return name
        if hasattr(builtins, name):
            return f"builtins.{name}"
        return f"{self.stars[-1]}.{name}" if self.stars else name

    def callables(self) -> Iterator[tuple[str, Function]]:
        """All functions, and all methods as `Class.method`."""
        yield from self.functions.items()
        for name, definition in self.classes.items():
            yield from _methods(name, definition)


def read_module(path: Path) -> Module:
    """Raises SourceError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the flow's own text, such as "\d"
            tree = ast.parse(path.read_bytes())
    except SyntaxError as error:
        place = f"line {error.lineno}" if error.lineno else "the file"
        raise SourceError(f"{place} is no Python: {error.msg}") from error
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        raise SourceError(f"it can't be read: {error}") from error
    module = Module()
    _collect(tree.body, module)
    return module


def _collect(statements: Iterable[ast.stmt], module: Module) -> None:
    for statement in statements:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                module.functions[statement.name] = statement
            case ast.ClassDef():
                module.classes[statement.name] = statement
            case ast.Import() | ast.ImportFrom():
                _import(statement, module)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                module.values[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                module.values[name] = value
            case ast.If() | ast.Try() | ast.With():
                _collect(_inner(statement), module)


def _import(statement: ast.Import | ast.ImportFrom, module: Module) -> None:
    for alias in statement.names:
        if isinstance(statement, ast.Import):
            first = alias.name.partition(".")[0]
            module.imports[alias.asname or first] = alias.name if alias.asname else first
            continue
        origin = "." * statement.level + (statement.module or "")
        if alias.name == "*":
            module.stars.append(origin)
        else:
            module.imports[alias.asname or alias.name] = f"{origin}.{alias.name}"


def _inner(statement: ast.If | ast.Try | ast.With) -> Iterator[ast.stmt]:
    """What may run in the module itself: `if TYPE_CHECKING:`, `try: import …`. The main body comes last and wins."""
    if isinstance(statement, ast.Try):
        for handler in statement.handlers:
            yield from handler.body
        yield from statement.orelse
    if isinstance(statement, ast.If):
        yield from statement.orelse
    yield from statement.body


def _methods(prefix: str, definition: ast.ClassDef) -> Iterator[tuple[str, Function]]:
    for statement in definition.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield f"{prefix}.{statement.name}", statement
        elif isinstance(statement, ast.ClassDef):
            yield from _methods(f"{prefix}.{statement.name}", statement)
