"""Answers as people type them, as the values that they stand for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from infra.model.arguments import misfits
from infra.model.signatures import Signature

_DEFINITIONS: Final = "#/definitions/"
_YES: Final = frozenset({"true", "yes", "y", "si", "sí", "s"})
_NO: Final = frozenset({"false", "no", "n"})
_WORDS: Final = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "yes or no",
    "array": "a list, with commas",
    "object": "JSON",
}


def value_of(text: str, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    """What the text stands for in a parameter of that schema: a text where it takes one, else JSON, a list with commas,
    yes or no. What fits nothing stays text, for the signature's check to say what is wrong with it.
    """
    kinds = [_resolved(kind, definitions) for kind in _resolved(schema, definitions).get("anyOf", [schema])]
    types = {str(kind.get("type")) for kind in kinds}
    stripped = text.strip()
    if types <= {"string", "null"}:
        return None if "null" in types and stripped == "null" else text
    if "boolean" in types and stripped.casefold() in _YES | _NO:
        return stripped.casefold() in _YES
    try:
        return json.loads(stripped)
    except ValueError:
        pass
    lists = [kind for kind in kinds if kind.get("type") == "array"]
    if lists:
        items = lists[0].get("items")
        of = items if isinstance(items, Mapping) else {}
        return [value_of(part.strip(), of, definitions) for part in stripped.split(",") if part.strip()]
    return text


def parameter(name: str, text: str, signature: Signature) -> Any:
    """The value for the flow's parameter.

    Raises:
        ValueError: It doesn't fit the signature; the text says what would.

    """
    schema = signature.schema
    value = value_of(text, schema["properties"].get(name, {}), schema.get("definitions", {}))
    for misfit in misfits({name: value}, signature):
        raise ValueError(f"{misfit.message}" + (f" ({misfit.hint})" if misfit.hint else ""))
    return value


def kind(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """What a parameter takes, in words."""
    resolved = _resolved(schema, definitions)
    if "enum" in resolved:
        return f"one of {', '.join(map(str, resolved['enum']))}"
    kinds = [str(_resolved(each, definitions).get("type")) for each in resolved.get("anyOf", [resolved])]
    return " or ".join(dict.fromkeys(_WORDS[each] for each in kinds if each in _WORDS)) or "text or JSON"


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith(_DEFINITIONS):
        found: Mapping[str, Any] = definitions.get(reference.removeprefix(_DEFINITIONS), {})
        return found
    return schema
