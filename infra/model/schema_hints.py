"""Short forms of a value: what is read as one, and how an editor is told."""

from __future__ import annotations

from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

AREA_FILE = r"^(?!/|[A-Za-z]:)(?!(.*/)?\.\.(/|$))[^\\]+\.ya?ml$"
"""A YAML file below the project's root."""


class OrNumber:
    """Marks a model that a lone number stands for, which is its field `limit`."""

    def __init__(self, least: int = 1) -> None:
        self._least = least

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_number_is_the_limit, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "integer", "minimum": self._least}, handler(schema["schema"])]}


class OrFile:
    """Marks an area that may be the path of its file, or say `file` beside keys of its own.

    Only an editor needs telling: what is loaded has the file's keys in it already.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return handler(source)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        area = handler.resolve_ref_schema(handler(schema))
        path = {
            "type": "string",
            "pattern": AREA_FILE,
            "description": "The area's own file, relative to the project's root.",
            "examples": ["areas/compras.yaml"],
        }
        return {"anyOf": [path, {**area, "properties": {"file": path, **area["properties"]}}]}


def _number_is_the_limit(data: Any) -> Any:
    return {"limit": data} if isinstance(data, int) and not isinstance(data, bool) else data
