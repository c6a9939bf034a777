"""Entrypoints: from `path/file.py:function` to the flow, read from the file's text."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from infra.model.annotations import Annotations, Unknown
from infra.model.docstrings import first_paragraph
from infra.model.naming import forbidden_characters, meant
from infra.model.signatures import Signature, signature
from infra.model.source import Function, Module, SourceError, read_module

_FLOW = frozenset({"prefect.flow", "prefect.flows.flow", "prefect.main.flow"})
_SHAPE = "path/file.py:function, relative to the root of the code"


class EntrypointError(Exception):
    """It leads to no flow. `in_other_repository`: because the file isn't here, which a git repository may explain."""

    def __init__(self, message: str, hint: str | None = None, *, file_is_missing: bool = False) -> None:
        super().__init__(message)
        self.hint = hint
        self.file_is_missing = file_is_missing


@dataclass(frozen=True)
class Flow:
    name: str
    description: str | None
    signature: Signature


class Entrypoints:
    """The flows of one checkout. Each file is read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._modules: dict[str, Annotations | EntrypointError] = {}
        self._flows: dict[str, Flow | EntrypointError] = {}

    def flow(self, entrypoint: str) -> Flow:
        """Raises EntrypointError."""
        if entrypoint not in self._flows:
            try:
                self._flows[entrypoint] = self._find(entrypoint)
            except EntrypointError as error:
                self._flows[entrypoint] = error
        found = self._flows[entrypoint]
        if isinstance(found, EntrypointError):
            raise found
        return found

    def _find(self, entrypoint: str) -> Flow:
        file, name = split(entrypoint)
        annotations = self._module(file)
        module = annotations.module
        functions = dict(module.callables())
        wrapped = wrapped_function(module, name)
        function = functions.get(wrapped[0] if wrapped else name)
        if function is None:
            raise _no_such_function(file, name, module, functions)
        options = wrapped[1] if wrapped else flow_options(function, module)
        if options is None:
            raise _no_flow(file, name, function, module, functions)
        given = {keyword.arg: keyword.value for keyword in options if keyword.arg}
        if None in [keyword.arg for keyword in options] and "name" not in given:
            raise EntrypointError(
                f"the name of the flow {name!r} in {file} is not to be seen: it is among **options",
                'write it out: @flow(name="…")',
            )
        return Flow(
            name=self._text(annotations, given.get("name"), file, "name") or function.name.replace("_", "-"),
            description=first_paragraph(
                self._description(annotations, given.get("description")) or ast.get_docstring(function)
            ),
            signature=signature(function, annotations),
        )

    def _module(self, file: str) -> Annotations:
        if file not in self._modules:
            try:
                self._modules[file] = Annotations(self._read(file))
            except EntrypointError as error:
                self._modules[file] = error
        found = self._modules[file]
        if isinstance(found, EntrypointError):
            raise found
        return found

    def _read(self, file: str) -> Module:
        path = self._root / file
        try:
            is_file = path.is_file()
        except (OSError, ValueError):
            is_file = False
        if not is_file:
            raise EntrypointError(f"there is no file {file}", self._other_file(file), file_is_missing=True)
        try:
            return read_module(path)
        except SourceError as error:
            raise EntrypointError(f"{file}: {error}", "the flow's file must be valid Python") from error

    def _other_file(self, file: str) -> str | None:
        folder = self._root / PurePosixPath(file).parent
        try:
            names = [entry.name for entry in folder.iterdir() if entry.suffix == ".py"]
        except (OSError, ValueError):
            return f"there is no folder {PurePosixPath(file).parent} either"
        close = meant(PurePosixPath(file).name, names)
        return f"did you mean {PurePosixPath(file).parent / close}?" if close else None

    @staticmethod
    def _text(annotations: Annotations, node: ast.expr | None, file: str, what: str) -> str | None:
        if node is None:
            return None
        try:
            value = annotations.value_of(node)
        except Unknown:
            value = None
            if not isinstance(node, ast.Constant):
                raise EntrypointError(
                    f"the {what} of the flow in {file}, line {node.lineno}, is not to be seen without running it",
                    "write it as plain text",
                ) from None
        if isinstance(value, str) and (wrong := forbidden_characters(value)):
            raise EntrypointError(f"the flow's {what} {value!r} in {file} has {wrong!r}, which Prefect refuses")
        return value if isinstance(value, str) else None

    @staticmethod
    def _description(annotations: Annotations, node: ast.expr | None) -> str | None:
        try:
            value = annotations.value_of(node) if node is not None else None
        except Unknown:
            return None
        return value if isinstance(value, str) else None


def split(entrypoint: str) -> tuple[str, str]:
    """File and function. Raises EntrypointError."""
    file, colon, name = entrypoint.rpartition(":")
    if not colon or not file or not all(part.isidentifier() for part in name.split(".")):
        raise EntrypointError(f"the entrypoint is {entrypoint!r}: it must be {_SHAPE}")
    if "\\" in file:
        raise EntrypointError(
            f"the entrypoint {entrypoint!r} has \\ in it", f"write {file.replace(chr(92), '/')}:{name}"
        )
    path = PurePosixPath(file)
    if path.is_absolute() or PureWindowsPath(file).drive or ".." in path.parts:
        raise EntrypointError(f"the entrypoint {entrypoint!r} leads out of the code", f"it must be {_SHAPE}")
    if path.suffix != ".py":
        raise EntrypointError(f"the entrypoint's file is {file!r}, which is no .py file", f"it must be {_SHAPE}")
    return str(path), name


def flow_options(function: Function, module: Module) -> list[ast.keyword] | None:
    """What the decorator is given; None if there is none of Prefect's `flow`."""
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if module.dotted(called) in _FLOW:
            return decorator.keywords if isinstance(decorator, ast.Call) else []
    return None


def wrapped_function(module: Module, name: str) -> tuple[str, list[ast.keyword]] | None:
    """`name = flow(function)` and `name = flow(…)(function)`: the function's name and the options."""
    match module.values.get(name):
        case ast.Call(func=ast.Call(func=maker, keywords=keywords), args=[ast.Name(id=function)]):
            pass
        case ast.Call(func=maker, args=[ast.Name(id=function)], keywords=keywords):
            pass
        case _:
            return None
    return (function, keywords) if module.dotted(maker) in _FLOW else None


def _flows(functions: dict[str, Function], module: Module) -> list[str]:
    decorated = [name for name, function in functions.items() if flow_options(function, module) is not None]
    return [*decorated, *(name for name in module.values if wrapped_function(module, name))]


def _no_such_function(file: str, name: str, module: Module, functions: dict[str, Function]) -> EntrypointError:
    flows = _flows(functions, module)
    close = meant(name, flows) or next((flow for flow in flows if flow.rpartition(".")[2] == name), None)
    if close:
        return EntrypointError(f"{file} has no function {name!r}", f"did you mean {file}:{close}?")
    return EntrypointError(
        f"{file} has no function {name!r}", f"its flows: {', '.join(flows)}" if flows else "it has no flow at all"
    )


def _no_flow(
    file: str, name: str, function: Function, module: Module, functions: dict[str, Function]
) -> EntrypointError:
    flows = _flows(functions, module)
    decorators = ", ".join(f"@{ast.unparse(decorator)}" for decorator in function.decorator_list)
    is_task = any(
        "task" in (module.dotted(d.func if isinstance(d, ast.Call) else d) or "") for d in function.decorator_list
    )
    what = "a task" if is_task else f"decorated with {decorators}" if decorators else "a plain function"
    hint = "put @flow above it" + (f", or take one of its flows: {', '.join(flows)}" if flows else "")
    return EntrypointError(f"{name!r} in {file}, line {function.lineno}, is no flow: it is {what}", hint)
