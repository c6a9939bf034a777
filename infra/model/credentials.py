"""Credentials in plain: which values of a declaration are one, and what to show in their place."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from infra.credential_forms import exposed, is_reference, speaks_of_secrets
from infra.model.errors import KeyPath
from infra.model.rules import Rule
from infra.model.rules import credentials as rules

MASK = "********"
_SHORTEST = 8
_BITS_PER_CHARACTER = 2.75
"""What random letters and digits of the shortest length have, less a repetition or two; words have no digits."""
_PREFIX = 8
"""How much of a secret must stand in a message to be taken for it: messages cut long values."""


class PlainSecret(NamedTuple):
    path: KeyPath
    kind: str
    text: str
    known: bool
    """Of a known form; else it is only as random as one, under a key that speaks of one."""
    of_key: bool = False

    @property
    def rule(self) -> Rule:
        return rules.KNOWN_SECRET if self.known else rules.LIKELY_SECRET

    @property
    def message(self) -> str:
        return (
            f"{self.kind} stands here in plain" if self.known else "this looks like a secret, and stands here in plain"
        )


def masked(text: str) -> str:
    """The text without what has the form of a credential."""
    for found in sorted(exposed(text), key=lambda each: each.start, reverse=True):
        text = text[: found.start] + MASK + text[found.end :]
    return text


def without(text: str, secrets: frozenset[str]) -> str:
    """The text without these secrets, nor a beginning of one."""
    for secret in sorted(secrets, key=len, reverse=True):
        beginning = secret[:_PREFIX]
        while beginning and (start := text.find(beginning)) >= 0:
            length = next(
                (n for n, (a, b) in enumerate(zip(secret, text[start:], strict=False)) if a != b), len(secret)
            )
            text = text[:start] + MASK + text[start + max(length, len(beginning)) :]
    return text


def plain_secrets(value: Any, path: KeyPath = ()) -> Iterator[PlainSecret]:
    """All credentials below the path."""
    match value:
        case {"secret": str(), **rest} | {"secure": str(), **rest} if not rest:
            return  # the name of a secret; an encrypted one
        case dict():
            for key, inner in value.items():
                if found := next(exposed(str(key)), None):
                    yield PlainSecret((*path, key), found.kind, str(key), known=True, of_key=True)
                yield from plain_secrets(inner, (*path, key))
        case list():
            for index, inner in enumerate(value):
                yield from plain_secrets(inner, (*path, index))
        case str():
            found = next(exposed(value), None)
            if found is not None:
                yield PlainSecret(path, found.kind, value[found.start : found.end], known=True)
            elif speaks_of_secrets(path) and looks_random(value):
                yield PlainSecret(path, "a secret", value, known=False)


def looks_random(text: str) -> bool:
    """Whether a value could be a credential rather than a word, a name, a path or a reference."""
    if len(text) < _SHORTEST or any(c.isspace() for c in text) or is_reference(text):
        return False
    kinds = {
        "digit" if c.isdigit() else "upper" if c.isupper() else "lower" if c.islower() else "sign"
        for c in text
        if c not in "-_./:"
    }
    counts = Counter(text)
    bits = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    return len(kinds) > 1 and kinds != {"upper", "lower"} and bits >= _BITS_PER_CHARACTER
