"""Messages without secrets: a server repeats what it doesn't like in its answer, be it secret or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from infra.provider.wire import Path, Properties

SHORTEST: Final = 4  # fewer characters are words and numbers that mean something else as well
PLACEHOLDER: Final = "[secret]"


def secret_texts(properties: Properties, always: Iterable[Path] = ()) -> frozenset[str]:
    """The texts and numbers at the secret places, and at those of `always`."""
    found: set[str] = set()
    for path in {*properties.secrets, *always}:
        value: Any = properties.values
        for step in path:
            value = value.get(step) if isinstance(value, Mapping) else None
        found.update(_leaves(value))
    return frozenset(found)


def redactor(texts: Iterable[str]) -> Callable[[str], str]:
    """What makes a message one that may be shown."""
    forms = {form for text in texts for form in (text, repr(text)[1:-1], json.dumps(text)[1:-1])}
    longest_first = sorted((form for form in forms if len(form) >= SHORTEST), key=len, reverse=True)

    def redact(message: str) -> str:
        for form in longest_first:
            message = message.replace(form, PLACEHOLDER)
        return message

    return redact


def _leaves(value: Any) -> Iterator[str]:
    match value:
        case Mapping():
            for item in value.values():
                yield from _leaves(item)
        case list() | tuple():
            for item in value:
                yield from _leaves(item)
        case str() | int() | float() if not isinstance(value, bool):
            yield str(value)
