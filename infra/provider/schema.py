"""The provider's published schema, derived from the kinds' own models: what other languages' programs are made from."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel

from infra.provider.functions.function import Function
from infra.provider.kinds.kind import Kind

PACKAGE: Final = "prefect"

CONFIGURATION: Final[Mapping[str, Mapping[str, Any]]] = {
    "api_url": {
        "type": "string",
        "description": "The server's API. Left out: that of `profile`, of PREFECT_API_URL, or of the active profile.",
    },
    "profile": {
        "type": "string",
        "description": "A profile of Prefect's profiles.toml that the address and the credentials come from.",
    },
    "auth_string": {"type": "string", "secret": True, "description": "`user:password` for basic authentication."},
    "api_key": {"type": "string", "secret": True, "description": "A bearer token, for servers behind a gate."},
    "headers": {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "secret": True,
        "description": "Further headers of each request.",
    },
    "ca_file": {"type": "string", "description": "Absolute path of a PEM file: who signed the server's certificate."},
    "ca_certificate": {"type": "string", "description": "The same as PEM text; it goes before `ca_file`."},
    "writes_at_once": {
        "type": "integer",
        "description": "Changes that the server is asked for side by side. Left out: the provider finds out, 1 to 4.",
    },
}


def provider_schema(kinds: Iterable[Kind[Any]], functions: Iterable[Function[Any]], version: str) -> dict[str, Any]:
    types: dict[str, Any] = {}
    resources = {kind.token: _resource(kind, types) for kind in kinds}
    lookups = {function.token: _function(function, types) for function in functions}
    return {
        "name": PACKAGE,
        "version": version,
        "description": "Prefect's objects as Pulumi resources",
        "keywords": ["prefect", "workflow", "orchestration"],
        "config": {"variables": dict(CONFIGURATION)},
        "provider": {"inputProperties": dict(CONFIGURATION)},
        "types": types,
        "resources": resources,
        "functions": lookups,
    }


def _resource(kind: Kind[Any], types: dict[str, Any]) -> dict[str, Any]:
    inputs, required = _properties(kind.inputs, types, kind.secrets, kind.replaced_by)
    outputs, _ = _properties(kind.outputs, types, kind.secrets)
    fields = kind.outputs.model_fields
    always = [key for key, field in fields.items() if field.is_required() or field.default_factory is not None]
    return {
        "description": inspect.cleandoc(sys.modules[type(kind).__module__].__doc__ or ""),
        "inputProperties": inputs,
        "requiredInputs": required,
        "properties": {**inputs, **outputs},
        "required": sorted({*required, *always}),
    }


def _function(function: Function[Any], types: dict[str, Any]) -> dict[str, Any]:
    arguments, required = _properties(function.arguments, types)
    result, always = _properties(function.result, types, function.secrets)
    return {
        "description": inspect.getdoc(type(function)) or "",
        "inputs": {"type": "object", "properties": arguments, "required": required},
        "outputs": {"type": "object", "properties": result, "required": always},
    }


def _properties(
    model: type[BaseModel],
    types: dict[str, Any],
    secrets: Collection[str] = (),
    replaced_by: Mapping[str, str] = MappingProxyType({}),
) -> tuple[dict[str, Any], list[str]]:
    schema = model.model_json_schema(mode="validation")
    definitions = schema.get("$defs", {})
    for name, definition in definitions.items():
        types[f"{PACKAGE}:index:{name}"] = {
            "type": "object",
            "description": definition.get("description", ""),
            "properties": {key: _type(value) for key, value in definition["properties"].items()},
            "required": sorted(definition.get("required", [])),
        }
    properties = {}
    for key, value in schema["properties"].items():
        properties[key] = _type(value)
        if key in secrets:
            properties[key]["secret"] = True
        if reason := replaced_by.get(key):
            properties[key]["willReplaceOnChanges"] = True
            properties[key]["description"] += f" Can't be changed in place: {reason}."
    return properties, sorted(schema.get("required", []))


def _type(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON schema of pydantic's as a Pulumi type."""
    description = {"description": schema["description"]} if "description" in schema else {}
    if "$ref" in schema:
        return {"$ref": f"#/types/{PACKAGE}:index:{schema['$ref'].rsplit('/', 1)[-1]}", **description}
    if "anyOf" in schema:
        arms = [arm for arm in schema["anyOf"] if arm.get("type") != "null"]
        if len(arms) == 1:
            return {**_type(arms[0]), **description}
        return {"oneOf": [_type(arm) for arm in arms], **description}
    match schema.get("type"):
        case "array":
            return {"type": "array", "items": _type(schema.get("items", {})), **description}
        case "object":
            inner = schema.get("additionalProperties", True)
            items = _type(inner) if isinstance(inner, dict) else {"$ref": "pulumi.json#/Any"}
            return {"type": "object", "additionalProperties": items, **description}
        case "string" | "integer" | "number" | "boolean" as name:
            return {"type": name, **description}
        case _:
            return {"$ref": "pulumi.json#/Any", **description}
