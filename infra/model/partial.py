"""A part of a model: what an overlay may say of what it lies over."""

from __future__ import annotations

import functools
import types
import typing
from typing import Annotated, Any

from pydantic import BaseModel, Field, GetCoreSchemaHandler, create_model
from pydantic_core import CoreSchema


class Partial:
    """Marks a model of which any part will do: no key is required, and each may be nothing, which takes it away.

    What is in a list is not made partial: an overlay replaces lists whole.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler.generate_schema(partial(source))


@functools.cache
def partial(model: type[BaseModel]) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        annotation = _partial(field.annotation)
        if field.metadata:
            annotation = Annotated[annotation, *field.metadata]
        fields[name] = (
            annotation | None,
            Field(default=None, description=field.description, examples=field.examples),
        )
    return create_model(f"{model.__name__}Overlay", __base__=model.__base__, __doc__=model.__doc__, **fields)


def _partial(annotation: Any) -> Any:
    arguments = typing.get_args(annotation)
    match typing.get_origin(annotation):
        case None if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            return partial(annotation)
        case typing.Union | types.UnionType:
            return typing.Union[tuple(map(_partial, arguments))]  # noqa: UP007  # of as many as there are
        case typing.Annotated:
            return Annotated[_partial(arguments[0]), *arguments[1:]]
        case origin if origin is dict:
            return types.GenericAlias(dict, (arguments[0], _partial(arguments[1]) | None))
    return annotation
