"""Whether declared parameters fit a flow's signature, as the server will judge them by their JSON schema."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from infra.model.naming import suggestion
from infra.model.shape import describe
from infra.model.signatures import Signature

_NAMES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
_TEMPLATE = "__prefect_kind"
_DEFINITIONS = "#/definitions/"


class Misfit(NamedTuple):
    """`path` below the parameters. `of_key`: the name is wrong, not the value."""

    path: tuple[str | int, ...]
    message: str
    hint: str | None
    of_key: bool = False


def misfits(parameters: Mapping[str, Any], signature: Signature) -> Iterator[Misfit]:
    properties = signature.schema["properties"]
    for name, value in parameters.items():
        if name not in signature.names:
            if not signature.takes_any:
                hint = suggestion(name, signature.names) or "the flow takes no parameters"
                yield Misfit((name,), f"the flow has no parameter {name!r}", hint, of_key=True)
        elif (value is None and properties[name].get("default", ...) is None) or _is_template(value):
            continue
        elif fault := _fault(value, properties[name], signature.schema.get("definitions", {}), (name,)):
            yield fault


def _is_template(value: object) -> bool:
    """A value that the server fills in itself, from Jinja or a variable."""
    return isinstance(value, dict) and _TEMPLATE in value


def not_json(value: object, path: tuple[str | int, ...] = ()) -> tuple[str | int, ...] | None:
    """Where the value holds what JSON has no form for."""
    if isinstance(value, float) and not math.isfinite(value):
        return path
    if isinstance(value, dict):
        found = (not_json(inner, (*path, key)) for key, inner in value.items())
    elif isinstance(value, list):
        found = (not_json(inner, (*path, index)) for index, inner in enumerate(value))
    else:
        return None if value is None or isinstance(value, (str, int, float)) else path
    return next((place for place in found if place is not None), None)


def _fault(
    value: Any, schema: Mapping[str, Any], definitions: Mapping[str, Any], path: tuple[str | int, ...]
) -> Misfit | None:
    schema = _resolved(schema, definitions)
    if alternatives := schema.get("anyOf"):
        faults = [_fault(value, alternative, definitions, path) for alternative in alternatives]
        if None in faults:
            return None
        # The one whose kind it has tells best what is wrong with it.
        kinds = [str(_resolved(alternative, definitions).get("type")) for alternative in alternatives]
        near = [fault for fault, kind in zip(faults, kinds, strict=True) if kind in _NAMES and _is(value, kind)]
        return near[0] if near else _wrong(value, _expected(schema, definitions), path)
    if "enum" in schema or "const" in schema:
        allowed = schema.get("enum", [schema.get("const")])
        if _identity(value) in map(_identity, allowed):
            return None
        return Misfit(
            path,
            f"{path[-1]!r} must be one of {', '.join(map(repr, allowed))}, got {describe(value)}",
            suggestion(value, map(str, allowed)) if isinstance(value, str) else None,
        )
    kind = schema.get("type")
    if isinstance(kind, str) and not _is(value, kind):
        return _wrong(value, _expected(schema, definitions), path)
    if schema.get("format") == "date" and isinstance(value, str) and not _is_date(value):
        return Misfit(path, f"{path[-1]!r} must be a date, got {value!r}", 'for example "2026-01-31"')
    if isinstance(value, list):
        return _in_list(value, schema, definitions, path)
    if isinstance(value, dict) and isinstance(of := schema.get("additionalProperties"), Mapping):
        inner = (_fault(item, of, definitions, (*path, key)) for key, item in value.items())
        return next((fault for fault in inner if fault), None)
    return None


def _in_list(
    value: list[Any], schema: Mapping[str, Any], definitions: Mapping[str, Any], path: tuple[str | int, ...]
) -> Misfit | None:
    leading = schema.get("prefixItems", [])
    rest = schema.get("items")
    for index, item in enumerate(value):
        of = leading[index] if index < len(leading) else rest
        if isinstance(of, Mapping) and (fault := _fault(item, of, definitions, (*path, index))):
            return fault
    if schema.get("uniqueItems") and len({_identity(item) for item in value}) < len(value):
        return Misfit(path, f"{path[-1]!r} has an item twice, and the flow takes a set", "take one away")
    low, high = schema.get("minItems", 0), schema.get("maxItems", math.inf)
    if not low <= len(value) <= high:
        wanted = f"{low}" if low == high else f"{low} to {high}" if high < math.inf else f"at least {low}"
        return Misfit(path, f"{path[-1]!r} must have {wanted} items, got {len(value)}", None)
    return None


def _identity(value: object) -> object:
    """What makes two JSON values the same: true is not 1, but 1.0 is."""
    match value:
        case dict():
            return tuple(sorted((key, _identity(inner)) for key, inner in value.items()))
        case list():
            return tuple(map(_identity, value))
    return type(value) is bool, value


def _resolved(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith(_DEFINITIONS):
        resolved: Mapping[str, Any] = definitions.get(reference.removeprefix(_DEFINITIONS), {})
        return resolved
    return schema


def _expected(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    kinds = [_resolved(one, definitions) for one in schema.get("anyOf", [schema])]
    return " or ".join(dict.fromkeys(_NAMES.get(str(kind.get("type")), "one of its choices") for kind in kinds))


def _wrong(value: object, expected: str, path: tuple[str | int, ...]) -> Misfit:
    name = path[-1] if isinstance(path[-1], str) else f"item {path[-1]}"
    hint = None
    if isinstance(value, (bool, int, float)) and "text" in expected:
        hint = "put it in quotes"
    elif isinstance(value, str) and ("number" in expected or "true or false" in expected):
        hint = "take the quotes away"
    return Misfit(path, f"{name!r} must be {expected}, got {describe(value)}", hint)


def _is(value: object, kind: str) -> bool:
    match kind:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return not isinstance(value, bool) and (
                isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            )
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
    return True


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
