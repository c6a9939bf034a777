"""What all shapes of a stack file have in common: strict, and a key with nothing after it counts as left out."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema, model_validator
from pydantic.fields import FieldInfo

Text = Annotated[str, StringConstraints(min_length=1)]
Json = dict[str, Any]
Limit = Annotated[int, Field(ge=1)]
Memory = Annotated[int, Field(ge=128)]
Cpus = Annotated[float, Field(gt=0)]
Pids = Annotated[int, Field(ge=32)]
Port = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 65535})]


class Declared(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        defer_build=True,
        use_attribute_docstrings=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_left_out(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return {key: value for key, value in data.items() if value is not None or cls._keeps_nothing(key)}

    @classmethod
    def _keeps_nothing(cls, key: str) -> bool:
        field = field_of(cls, key)
        return field is None or field.is_required() or _takes_none(field.annotation)


def field_of(model: type[BaseModel], key: str) -> FieldInfo | None:
    """The field that a key of a file stands for."""
    return next((field for name, field in model.model_fields.items() if (field.alias or name) == key), None)


def keys_of(model: type[BaseModel]) -> list[str]:
    """The keys that a file may have there, the required ones first."""
    fields = sorted(model.model_fields.items(), key=lambda each: not each[1].is_required())
    return [field.alias or name for name, field in fields]


def _takes_none(annotation: Any) -> bool:
    return type(None) in typing.get_args(annotation)
