"""Pulumi's property values (protobuf structs) to plain Python and back; the one place that knows how they are coded.

Unknown values (known only after `up`) become the `UNKNOWN` singleton. Secrets are unwrapped, and their places told
beside the values, so that kinds can compare plain values and still no secret comes back unmarked. Whole numbers come
as floats on the wire and are ints here.

Source of the markers: `pulumi.runtime.rpc`, and "Special values" in Pulumi's provider protocol.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, final

from google.protobuf import struct_pb2

Path = tuple[str | int, ...]

# Of `pulumi.runtime.rpc`, which a plugin needn't import for them: a test holds them against it.
_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  # the marker of secrets, not one
_UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWN_TEXTS: Final = frozenset(
    {
        _UNKNOWN_TEXT,  # a text, and all that Python programs know of; the engine tells apart by what it will be:
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # a boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # a number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # a list
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # an object
    }
)


@final
class Unknown:
    """A value that will be known only once something else was made."""

    def __repr__(self) -> str:
        return "<known after up>"

    def __reduce__(self) -> str:
        return "UNKNOWN"  # a copy of it, be it deep inside of a value, is the one that there is

    def __bool__(self) -> bool:
        raise TypeError("an unknown value is neither true nor false: test it with `is UNKNOWN`")


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Properties:
    """Plain values, and the paths below which everything is secret."""

    values: dict[str, Any]
    secrets: frozenset[Path] = field(default=frozenset())


def decode(struct: struct_pb2.Struct) -> Properties:
    secrets: set[Path] = set()
    values = {key: _decode(value, (key,), secrets) for key, value in struct.fields.items()}
    return Properties(values, frozenset(secrets))


def _decode(value: struct_pb2.Value, path: Path, secrets: set[Path]) -> Any:
    match value.WhichOneof("kind"):
        case "struct_value":
            fields = value.struct_value.fields
            if _SIGNATURE in fields and fields[_SIGNATURE].string_value == _SECRET:
                secrets.add(_before_first_index(path))
                return _decode(fields["value"], path, secrets)
            return {key: _decode(item, (*path, key), secrets) for key, item in fields.items()}
        case "list_value":
            return [_decode(item, (*path, n), secrets) for n, item in enumerate(value.list_value.values)]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return UNKNOWN if value.string_value in _UNKNOWN_TEXTS else value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def _before_first_index(path: Path) -> Path:
    """A list may come back in another order: a secret inside of one makes the whole list secret."""
    for n, step in enumerate(path):
        if isinstance(step, int):
            return path[:n]
    return path


def nearest(path: Path, values: Mapping[str, Any]) -> Path:
    """The path, or as much of it as there is."""
    at: Any = values
    for n, step in enumerate(path):
        if not isinstance(at, Mapping) or step not in at:
            return path[: max(n, 1)]
        at = at[step]
    return path


def holds_unknown(value: Any) -> bool:
    """Whether it is unknown, or anything inside of it is."""
    match value:
        case Mapping():
            return any(holds_unknown(item) for item in value.values())
        case list():
            return any(holds_unknown(item) for item in value)
        case _:
            return value is UNKNOWN


def encode(values: Mapping[str, Any], secrets: Iterable[Path] = ()) -> struct_pb2.Struct:
    """The struct for `values`, with what lies at `secrets` marked as secret.

    Raises:
        TypeError: a value that JSON doesn't have.

    """
    marked = frozenset(secrets)
    return struct_pb2.Struct(fields={key: _encode(value, (key,), marked) for key, value in values.items()})


def _encode(value: Any, path: Path, secrets: frozenset[Path]) -> struct_pb2.Value:
    if path in secrets:
        inner = _encode(value, path, frozenset())  # what lies within is secret along with it
        wrapped = {_SIGNATURE: struct_pb2.Value(string_value=_SECRET), "value": inner}
        return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=wrapped))
    match value:
        case Unknown():
            return struct_pb2.Value(string_value=_UNKNOWN_TEXT)
        case None:
            return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
        case bool():
            return struct_pb2.Value(bool_value=value)
        case int() | float():
            return struct_pb2.Value(number_value=value)
        case str():
            return struct_pb2.Value(string_value=value)
        case Mapping():
            fields = {str(key): _encode(item, (*path, str(key)), secrets) for key, item in value.items()}
            return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
        case list() | tuple():
            items = [_encode(item, (*path, n), secrets) for n, item in enumerate(value)]
            return struct_pb2.Value(list_value=struct_pb2.ListValue(values=items))
        case _:
            raise TypeError(f"{'.'.join(map(str, path))}: {type(value).__name__} has no form on Pulumi's wire")


def render(path: Path) -> str:
    """A property path as Pulumi writes it: `schedules[0].cron`, `env["a.b"]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.replace("_", "a").replace("-", "a").isalnum():
            text += f".{step}" if text else step
        else:
            text += '["' + step.replace('"', '\\"') + '"]'  # Pulumi's grammar has no escape but this one
    return text
