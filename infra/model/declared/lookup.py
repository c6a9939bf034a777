"""Which shape stands at a place of a stack file."""

from __future__ import annotations

import types
import typing
from typing import Annotated, Any

from infra.model.declared.declaration import Declared, field_of
from infra.model.declared.stack import Stack


def model_at(path: tuple[str | int, ...]) -> type[Declared] | None:
    """The model whose keys may stand at the path."""
    return in_model(Stack, path)


def in_model(outer: type[Declared], path: tuple[str | int, ...]) -> type[Declared] | None:
    annotation: Any = outer
    for part in path:
        model = _model_in(annotation)
        if model is not None and isinstance(part, str):
            field = field_of(model, part)
            if field is None:
                return None
            annotation = field.annotation
        elif (arguments := typing.get_args(_container(annotation))) and model is None:
            annotation = arguments[-1]
        else:
            return None
    return _model_in(annotation)


def _model_in(annotation: Any) -> type[Declared] | None:
    if isinstance(annotation, type) and issubclass(annotation, Declared):
        return annotation
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, Annotated):
        return next((found for arg in typing.get_args(annotation) if (found := _model_in(arg))), None)
    return None


def _container(annotation: Any) -> Any:
    if typing.get_origin(annotation) in (list, dict):
        return annotation
    return next((a for a in typing.get_args(annotation) if typing.get_origin(a) in (list, dict)), None)
