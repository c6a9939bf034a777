"""A block's data, held against the fields that its type's schema has.

The server keeps whatever it is given: without this, a misspelt field, or one that is missing, would be noticed when a
flow loads the block. Values are never repeated here: most of them are secrets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from pydantic import TypeAdapter, ValidationError

from infra.provider.kinds import block_references as references
from infra.provider.kinds import unfit
from infra.provider.kinds.kind import Failure
from infra.provider.nearness import near
from infra.provider.wire import UNKNOWN, holds_unknown

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, exceptions

OF_PREFECT: Final = frozenset({"block_type_slug"})
"""What Prefect writes beside the fields, and takes for none of them."""
_READERS: Final[Mapping[str, TypeAdapter[Any]]] = {
    "integer": TypeAdapter(int),
    "number": TypeAdapter(float),
    "boolean": TypeAdapter(bool),
}
_OF_TIME: Final = frozenset({"date", "date-time", "duration", "time"})


def wrong(data: Mapping[str, Any], type_slug: str, schema: Mapping[str, Any]) -> Iterator[Failure]:
    """Fields that the block type doesn't have, that it misses, or of another type."""
    known = schema.get("properties")
    judge = _judge(schema)
    if judge is None or not isinstance(known, Mapping):
        return
    whose = f"the block type {type_slug!r}"
    required = frozenset(schema.get("required") or ())
    for name in sorted(required - data.keys()):
        yield Failure(("data", name), f"{whose} requires it")
    for name, value in data.items():
        if name not in known:
            if name not in OF_PREFECT:
                yield Failure(("data", name), f"{whose} has no such field: {near(name, known)}")
        elif not (value is UNKNOWN or references.is_one(value) or (value is None and name not in required)):
            yield from _unfit(value, judge.evolve(schema=known[name]), ("data", name), whose)


def _judge(schema: Mapping[str, Any]) -> Draft202012Validator | None:
    """None where it is no JSON schema: anybody may register anything."""
    import jsonschema  # noqa: PLC0415  # takes a while, and most calls of the plugin have no use for it
    import referencing  # noqa: PLC0415  # likewise

    kind = jsonschema.Draft202012Validator
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError:
        return None
    # A registry of its own: the default one would fetch what a schema refers to from the network.
    return kind(schema, registry=referencing.Registry())


def _unfit(value: Any, judge: Draft202012Validator, at: tuple[str, ...], whose: str) -> Iterator[Failure]:
    import referencing.exceptions  # noqa: PLC0415  # as above

    try:
        for error in judge.iter_errors(value):
            if not (holds_unknown(error.instance) or _is_read_all_the_same(error)):
                yield Failure((*at, *error.absolute_path), unfit.reason(error, whose))
    except (referencing.exceptions.Unresolvable, RecursionError):
        return  # a definition that the schema lacks, which is not for the block to mend


def _is_read_all_the_same(error: exceptions.ValidationError) -> bool:
    """Whether Prefect takes what the schema doesn't: its models read numbers from texts, and times from numbers."""
    value = error.instance
    match error.validator:
        case "type" if value is None:
            # Schemas of old say of what may be left out that it is a text, and nothing of null.
            return bool(error.path) and isinstance(error.path[-1], str)
        case "type":
            types = unfit.types_of(error)
            if isinstance(value, int | float) and "string" in types:
                return error.schema.get("format") in _OF_TIME
            return any(_reads(name, value) for name in types)
        case "anyOf" | "oneOf":
            arms: dict[Any, list[exceptions.ValidationError]] = {}
            for arm in error.context or ():
                arms.setdefault(arm.schema_path[0], []).append(arm)
            return any(all(map(_is_read_all_the_same, arm)) for arm in arms.values())
    return False


def _reads(type_: str, value: Any) -> bool:
    if type_ not in _READERS or not isinstance(value, str | int | float):
        return False
    try:
        _READERS[type_].validate_python(value)
    except ValidationError:
        return False
    return True
