"""Why a value doesn't fit a JSON schema, in words that never repeat it: it may be a secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_CALLED: Final = {
    "string": "a text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def reason(error: ValidationError, whose: str) -> str:
    """`whose` says what the schema is of."""
    rule, limit = error.validator, error.validator_value
    match rule:
        case "type":
            return _expected(types_of(error), error.instance)
        case "enum":
            allowed = [str(item) for item in limit]
            close = get_close_matches(str(error.instance), allowed, n=1)
            return f"expected one of {', '.join(allowed)}{f'; did you mean {close[0]}?' if close else ''}"
        case "anyOf" | "oneOf":
            arms = error.context or []
            of_types = [arm for arm in arms if arm.validator == "type" and not arm.path]
            if of_types and len(of_types) == len(arms):
                return _expected((name for arm in of_types for name in types_of(arm)), error.instance)
            best = next((arm for arm in sorted(arms, key=lambda arm: -len(arm.path)) if arm.validator != "type"), None)
            return f"fits none of the types that {whose} takes" + (f": {reason(best, whose)}" if best else "")
        case "required" | "additionalProperties":
            return str(error.message)  # names alone
        case "format":
            return f"expected {limit}"
        case _:
            return f"breaks {whose}'s rule {rule}: {limit}"


def types_of(error: ValidationError) -> list[str]:
    """The types that would have been right, where it is the type that is wrong."""
    limit = error.validator_value
    return [limit] if isinstance(limit, str) else [*limit]


def _expected(types: Iterable[str], value: Any) -> str:
    return f"expected {' or '.join(_CALLED.get(name, name) for name in types)}, got {called(value)}"


def called(value: Any) -> str:
    """What a value is, in words."""
    return _CALLED[_type_of(value)]


def _type_of(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case Mapping():
            return "object"
        case _:
            return "array"
