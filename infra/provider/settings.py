"""What the provider is told: which of it is wrong, and what it means.

Which settings there are is in the schema (`CONFIGURATION`); where they come from otherwise, in connection.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import struct_pb2

from infra.provider import wire
from infra.provider.schema import CONFIGURATION


def problems(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Of each setting that is wrong, its name and the reason."""
    for key in values:
        if key not in CONFIGURATION and key != "version":
            yield key, f"no such setting; there are: {', '.join(CONFIGURATION)}"
    if values.get("api_url") is not None and values.get("profile") is not None:
        yield "profile", "the address comes from the profile: leave out one of `api_url` and `profile`"
    if not _headers_are_right(values.get("headers")):
        yield "headers", "expected texts, each by its name"
    if not _writes_are_right(values.get("writes_at_once")):
        yield "writes_at_once", "expected a number from 1 up"


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, in the form in which they are meant. Raises: ValueError: headers that are none."""
    found = {key: value for key, value in values.items() if key in CONFIGURATION}
    if "headers" in found:
        found["headers"] = _headers(found["headers"])
    if "writes_at_once" in found:
        found["writes_at_once"] = _writes_at_once(found["writes_at_once"])
    return found


def _headers(given: Any) -> Any:
    """The engine passes settings of object type as JSON. Raises: ValueError: it is none."""
    if not isinstance(given, str):
        return given
    struct = struct_pb2.Struct()
    struct.update({"headers": json.loads(given)})
    return wire.decode(struct).values["headers"]


def _headers_are_right(given: Any) -> bool:
    try:
        headers = _headers(given)
    except ValueError:
        return False
    match headers:
        case None | wire.Unknown():
            return True
        case Mapping():
            return all(isinstance(value, str | wire.Unknown) for value in headers.values())
        case _:
            return False


def _writes_are_right(given: Any) -> bool:
    """The engine passes settings as texts."""
    return given is None or given is wire.UNKNOWN or (str(given).isdecimal() and int(given) > 0)


def _writes_at_once(given: Any) -> int | None:
    return None if given is None or given is wire.UNKNOWN else int(given)
