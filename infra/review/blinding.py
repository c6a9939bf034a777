"""No secret in what is told of a plan, whether Pulumi marks it, its form gives it away, or its key does.

Pulumi blinds what is marked in `preview --json`. This stands behind it: for a provider that forgot a mark, for what
somebody wrote into a file in plain, and for the same value where it turns up again without its mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from infra.credential_forms import exposed, is_secret_key
from infra.model import credentials

SECRET: Final = "[secret]"  # noqa: S105  # what Pulumi writes in a secret's place
UNKNOWN: Final = "(known after up)"
_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
"""The key of an object that stands for something else, of `pulumi.runtime.rpc`."""
_SECRET_MARK: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  # the marker of secrets, not one
_UNKNOWN_TEXTS: Final = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
_PAIR: Final = re.compile(r"(?P<key>[\w.-]+)=(?P<value>.*)", re.DOTALL)
"""An environment variable, as Docker's provider has it."""
_INNER_PAIR: Final = re.compile(r"""(?P<key>[\w-]+)["']?\s*[:=]\s*(?P<value>"[^"\n]*"?|'[^'\n]*'?|[^\s,}\]#]+)""")
_SHORTEST: Final = 6
"""Of a marked secret that is looked for elsewhere: shorter ones are words and numbers of other things, too."""


class Blinding:
    """Of one plan. What was once seen to be a secret is one wherever it stands."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def values(self, value: Any) -> Any:
        """The same values, without secrets. All that may hold some must have been seen by `learn` before."""
        match value:
            case {**fields} if fields.get(_SIGNATURE) == _SECRET_MARK:
                return SECRET
            case dict():
                return {self.text(str(key)): self._under(str(key), inner) for key, inner in value.items()}
            case list():
                return [self.values(inner) for inner in value]
            case str() if value in _UNKNOWN_TEXTS:
                return UNKNOWN
            case str():
                return self.text(value)
        return value

    def text(self, text: str) -> str:
        """The text without what has a secret's form, stands beside a key that speaks of one, or was seen as one."""
        known = frozenset(secret for secret in self._secrets if secret in text)
        text = credentials.masked(credentials.without(text, known) if known else text)
        for pair in reversed(list(_INNER_PAIR.finditer(text))):
            if _gives_away(pair["key"], pair["value"].strip("\"'")):
                start, end = pair.span("value")
                text = text[:start] + credentials.MASK + text[end:]
        return text

    def learn(self, value: Any) -> None:
        """Take note of all secrets in there."""
        for found in credentials.plain_secrets(value):
            self._secrets.add(found.text)
        self._secrets.update(_marked(value))

    def learn_all_of(self, value: Any) -> None:
        """All texts in there are secrets: whoever knows says so."""
        self._secrets.update(_texts(value))

    def _under(self, key: str, value: Any) -> Any:
        if isinstance(value, str) and _gives_away(key, value):
            return SECRET
        return self.values(value)


def holds_secret(value: Any) -> bool:
    """Of values that are blinded: whether something secret is among them."""
    match value:
        case dict():
            return any(map(holds_secret, value.values()))
        case list():
            return any(map(holds_secret, value))
        case str():
            return SECRET in value or credentials.MASK in value
    return False


def _gives_away(key: str, value: str) -> bool:
    return is_secret_key(key) and credentials.looks_random(value)


def _marked(value: Any) -> Iterator[str]:
    match value:
        case {**fields} if fields.get(_SIGNATURE) == _SECRET_MARK:
            yield from _texts({key: inner for key, inner in fields.items() if key != _SIGNATURE})
        case dict():
            for inner in value.values():
                yield from _marked(inner)
        case list():
            for inner in value:
                yield from _marked(inner)
        case str():
            yield from (value[found.start : found.end] for found in exposed(value))
            pairs = (pair for form in (_PAIR, _INNER_PAIR) for pair in form.finditer(value))
            for pair in pairs:
                if _gives_away(pair["key"], secret := pair["value"].strip("\"'")):
                    yield secret


def _texts(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for inner in value.values():
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)
        case str() if len(value) >= _SHORTEST and value not in _UNKNOWN_TEXTS and value != SECRET:
            yield value
            if len(value) > 2 and value[0] == value[-1] == '"':  # noqa: PLR2004  # an envelope keeps its text as JSON
                yield value[1:-1]
