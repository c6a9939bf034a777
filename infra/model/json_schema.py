"""The shapes of `declared` as JSON Schema, for editors: one for stack files, one for areas' own files.

Draft 7, which all editors know. A schema takes all that the model takes; what only the model refuses is what a key
means beside the others, and dates without quotes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from infra.model import declared
from infra.model.errors import NAMESPACE

FOLDER: Final = Path(__file__).parent / "schema"
_DRAFT = "http://json-schema.org/draft-07/schema#"
_NULL: Final[dict[str, Any]] = {"type": "null"}
_TOLD = ("description", "examples", "default")
_SECRET: Final[dict[str, Any]] = {
    "description": f"A secret. Pulumi writes it: pulumi config set --secret {NAMESPACE}:<name>",
    "type": "object",
    "properties": {"secure": {"type": "string", "description": "The encrypted value."}},
    "required": ["secure"],
    "additionalProperties": False,
}
_OF_PULUMI: Final = {
    "secretsprovider": "How Pulumi encrypts the stack's secrets.",
    "encryptedkey": "Written by Pulumi, with some secrets providers.",
    "encryptionsalt": "Written by Pulumi, with a passphrase.",
}


def stack_schema() -> dict[str, Any]:
    """Of `Pulumi.<stack>.yaml`."""
    schema = _schema(declared.Stack)
    properties = {f"{NAMESPACE}:{key}": value for key, value in schema["properties"].items()}
    known = "|".join(schema["properties"])
    config = {
        "description": "The stack's configuration. docs/stack-files.md tells of each key.",
        "type": ["object", "null"],
        "properties": properties,
        "patternProperties": {f"^{NAMESPACE}:(?!({known})$).+$": _SECRET, f"^(?!{NAMESPACE}:)[^:]+:.+$": {}},
        "additionalProperties": False,
    }
    of_pulumi = {key: {"type": "string", "description": text} for key, text in _OF_PULUMI.items()}
    return {
        "$schema": _DRAFT,
        "title": "A stack: Pulumi.<stack>.yaml",
        "type": ["object", "null"],
        "properties": {"config": config, **of_pulumi},
        "additionalProperties": False,
        "definitions": schema["definitions"],
    }


def area_schema() -> dict[str, Any]:
    """Of an area's own file."""
    schema = _schema(declared.Area)
    return {"$schema": _DRAFT, "title": "An area's own file: areas/<area>.yaml", **schema, "type": ["object", "null"]}


SCHEMAS: Final[Mapping[str, Callable[[], dict[str, Any]]]] = {"stack": stack_schema, "area": area_schema}


def rendered(name: str) -> str:
    """A schema's text, as it stands in its file."""
    return json.dumps(SCHEMAS[name](), indent=2, ensure_ascii=False) + "\n"


def _schema(model: type[declared.Declared]) -> dict[str, Any]:
    made = model.model_json_schema(ref_template="#/definitions/{model}")
    definitions = made.pop("$defs", {})
    return {**_tidy(made), "definitions": {name: _tidy(inner) for name, inner in definitions.items()}}


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """What pydantic makes, as draft 7 and people want it."""
    tidy = {key: value for key, value in schema.items() if key != "title" and (key, value) != ("default", None)}
    for key in ("anyOf", "allOf"):
        if key in tidy:
            tidy[key] = [_tidy(inner) for inner in tidy[key]]
    for key in ("items", "additionalProperties"):
        if isinstance(tidy.get(key), dict):
            tidy[key] = _tidy(tidy[key])
    if "patternProperties" in tidy:  # pydantic leaves it open what becomes of other keys
        tidy["patternProperties"] = {key: _tidy(inner) for key, inner in tidy["patternProperties"].items()}
        tidy["additionalProperties"] = False
    if "properties" in tidy:
        required = tidy.get("required", ())
        tidy["properties"] = {
            key: _tidy(inner) if key in required else _or_nothing(_tidy(inner))
            for key, inner in tidy["properties"].items()
        }
    if "$ref" in tidy and len(tidy) > 1:  # draft 7 looks at nothing beside a reference
        tidy["allOf"] = [{"$ref": tidy.pop("$ref")}]
    return tidy


def _or_nothing(schema: dict[str, Any]) -> dict[str, Any]:
    """A key with nothing after it counts as left out."""
    if _NULL in schema.get("anyOf", ()) or not schema.keys() - set(_TOLD):
        return schema
    told = {key: schema.pop(key) for key in _TOLD if key in schema}
    if "anyOf" in schema:
        return {**told, "anyOf": [*schema["anyOf"], _NULL]}
    return {**told, "anyOf": [schema, _NULL]}
