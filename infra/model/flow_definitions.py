"""All flows that a module's text defines, named as an entrypoint names them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from infra.model.entrypoints import flow_options, wrapped_function
from infra.model.source import Function, Module, SourceError, read_module

__all__ = ["FlowDefinition", "Function", "Module", "SourceError", "flow_definitions", "read_module"]


class FlowDefinition(NamedTuple):
    """`qualified_name`: what follows the colon of its entrypoint. `options`: the keywords that `flow` is given."""

    qualified_name: str
    function: Function
    options: list[ast.keyword]
    is_method: bool


def flow_definitions(module: Module) -> Iterator[FlowDefinition]:
    """In the order of their lines."""
    functions = dict(module.callables())
    found = [
        FlowDefinition(name, function, options, "." in name and not _is_static(function))
        for name, function in functions.items()
        if (options := flow_options(function, module)) is not None
    ]
    found += [
        FlowDefinition(name, function, wrapped[1], is_method=False)
        for name in module.values
        if (wrapped := wrapped_function(module, name)) and (function := functions.get(wrapped[0]))
    ]
    yield from sorted(found, key=lambda each: (each.function.lineno, each.qualified_name))


def _is_static(function: Function) -> bool:
    return any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in function.decorator_list)
