"""The JSON schema of a flow's parameters: what Prefect's own `parameter_schema` gives for the imported function."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.errors import PydanticUndefinedAnnotation, PydanticUserError
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from infra.model.annotations import Annotations, is_unknown_default
from infra.model.docstrings import parameter_descriptions
from infra.model.source import Function

_NOT_PARAMETERS = frozenset({"self", "cls"})
_NO_DEFAULT = object()
_NO_SCHEMA = (ValueError, TypeError, PydanticUserError, PydanticUndefinedAnnotation, RecursionError)


@dataclass(frozen=True)
class Parameter:
    name: str
    annotation: Any
    default: Any


@dataclass(frozen=True)
class Signature:
    names: tuple[str, ...]
    required: tuple[str, ...]
    takes_any: bool
    """Whether it has **kwargs."""
    schema: dict[str, Any]


class _EmptyForClasses(GenerateJsonSchema):
    """As Prefect has it: a class that pydantic doesn't know may be anything."""

    def is_instance_schema(self, schema: core_schema.IsInstanceSchema) -> JsonSchemaValue:
        del schema
        return {}


def signature(function: Function, annotations: Annotations) -> Signature:
    parameters = list(_parameters(function, annotations))
    descriptions = parameter_descriptions(ast.get_docstring(function))
    named = tuple(parameter.name for parameter in parameters if parameter.name not in _NOT_PARAMETERS)
    schema = _schema(parameters, descriptions)
    variadic = {arg.arg for arg in (function.args.vararg, function.args.kwarg) if arg is not None}
    return Signature(
        names=tuple(name for name in named if name not in variadic),
        required=tuple(name for name in schema.get("required", ()) if name not in variadic),
        takes_any=function.args.kwarg is not None,
        schema=schema,
    )


UNSEEN = Signature(
    names=(),
    required=(),
    takes_any=True,
    schema={"title": "Parameters", "type": "object", "properties": {}, "definitions": {}},
)
"""Of a flow whose source is not here."""


def _parameters(function: Function, annotations: Annotations) -> Iterator[Parameter]:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    for argument, default in zip(positional, [*defaults, *arguments.defaults], strict=True):
        yield _parameter(argument, default, annotations)
    if arguments.vararg:
        yield _parameter(arguments.vararg, None, annotations)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _parameter(argument, default, annotations)
    if arguments.kwarg:
        yield _parameter(arguments.kwarg, None, annotations)


def _parameter(argument: ast.arg, default: ast.expr | None, annotations: Annotations) -> Parameter:
    value = _NO_DEFAULT if default is None else annotations.default_of(default)
    return Parameter(argument.arg, annotations.type_of(argument.annotation), value)


def _schema(parameters: list[Parameter], descriptions: dict[str, str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for position, parameter in enumerate(parameters):
        if parameter.name in _NOT_PARAMETERS:
            continue  # they keep their position, as in Prefect
        name, info = _field(parameter, position, descriptions.get(parameter.name))
        fields[name] = (parameter.annotation, info)
    try:
        made = _generated(fields)
    except _NO_SCHEMA:
        made = _generated({name: (_if_it_has_a_schema(name, *field), field[1]) for name, field in fields.items()})
    schema = {
        "title": "Parameters",
        "type": "object",
        "properties": made.get("properties", {}),
        "required": made.get("required", []),
        "definitions": made.get("$defs", {}),
    }
    return schema if schema["required"] else {key: value for key, value in schema.items() if key != "required"}


def _field(parameter: Parameter, position: int, description: str | None) -> tuple[str, Any]:
    # A field can't have the name of one of BaseModel's own attributes.
    clashes = hasattr(BaseModel, parameter.name)
    default: Any = ... if parameter.default is _NO_DEFAULT else parameter.default
    extra: dict[str, Any] = {"position": position}
    settings: dict[str, Any] = {"default": default}
    if isinstance(default, FieldInfo):
        settings = {"default": default.default}
        if is_unknown_default(default):
            settings = {"default_factory": default.default_factory}
        description = default.description or description
        if isinstance(default.json_schema_extra, dict):
            extra = {**extra, **default.json_schema_extra}
    info = Field(
        title=parameter.name,
        description=description,
        alias=parameter.name if clashes else None,
        json_schema_extra=extra,
        **settings,
    )
    return f"{parameter.name}__" if clashes else parameter.name, info


def _if_it_has_a_schema(name: str, annotation: Any, info: FieldInfo) -> Any:
    try:
        _generated({name: (annotation, info)})
    except _NO_SCHEMA:
        return Any
    return annotation


def _generated(fields: dict[str, Any]) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of defaults without a JSON form, which are left out, and of shadowed names
        model = create_model("Parameters", __config__=ConfigDict(arbitrary_types_allowed=True), **fields)
        return model.model_json_schema(
            by_alias=True, ref_template="#/definitions/{model}", schema_generator=_EmptyForClasses
        )
