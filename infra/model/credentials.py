"""Credentials in plain: which values have the form of one, and what to show in their place.

The forms are those that the issuers publish for secret scanners. An own table rather than a scanner: those find lines,
where a rule needs values by key, and bring a network client into each preview.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from infra.model.errors import KeyPath
from infra.model.rules import Rule
from infra.model.rules import credentials as rules

MASK = "********"
_SHORTEST = 8
_BITS_PER_CHARACTER = 2.75
"""What random letters and digits of the shortest length have, less a repetition or two; words have no digits."""
_PREFIX = 8
"""How much of a secret must stand in a message to be taken for it: messages cut long values."""

_FORMS: tuple[tuple[str, str], ...] = (
    ("a key of AWS", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    ("a token of GitHub", r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})"),
    ("a token of GitLab", r"\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|oas)-[A-Za-z0-9_.-]{20,}"),
    ("a Prefect API key", r"\bpn[ub]_[A-Za-z0-9]{20,}"),
    ("a token of Slack", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("a webhook of Slack", r"https://hooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/_-]{20,}"),
    ("a webhook of Teams", r"https://[\w.-]+\.webhook\.office\.com/webhookb2/[\w@/-]{40,}"),
    ("an API key of Google", r"\bAIza[A-Za-z0-9_-]{35}"),
    ("a key of Stripe", r"\b[rs]k_live_[A-Za-z0-9]{16,}"),
    ("a token of Mercado Pago", r"\bAPP_USR-\d{6,}-\d{6}-[0-9a-f]{32}-\d+"),
    ("a token of PyPI", r"\bpypi-[A-Za-z0-9_-]{50,}"),
    ("a token of npm", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("a token of a Telegram bot", r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b"),
    ("an API key of OpenAI or Anthropic", r"\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{32,}"),
    ("a JSON web token", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"),
    ("a private key", r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[\s\S]*"),
    ("a URL with a password", r"(?<=://)[^\s/?#:@]*:(?P<password>[^\s/?#@][^\s/?#]*?)@(?=[^\s@]*(?:[/?#\s]|$))"),
    (
        "a connection string with a password",
        r"(?i)(?:\b(?:password|pwd|accountkey|sharedaccesskey)\s*=\s*)(?P<password>[^\s;'\"&]{3,}|'[^']+'|\"[^\"]+\")",
    ),
)
_KNOWN = tuple((kind, re.compile(form)) for kind, form in _FORMS)

_SECRET_WORDS = frozenset({
    "password", "passwd", "passphrase", "pwd", "pass", "secret", "secreto", "token", "apikey", "credential",
    "credentials", "credencial", "credenciales", "clave", "claves", "contraseña", "contrasena", "contrasenia",
    "auth", "bearer", "pat",
})  # fmt: skip
_SECRET_PAIRS = frozenset({("api", "key"), ("access", "key"), ("private", "key"), ("account", "key"), ("auth", "key")})
_ABOUT_SECRETS = frozenset({
    "file", "path", "name", "url", "uri", "host", "user", "username", "type", "ttl", "expiry", "id", "minutes", "days",
    "archivo", "ruta", "nombre", "usuario", "tipo",
})  # fmt: skip
_REFERENCE = re.compile(r"\{\{.*\}\}|\$\{?\w+\}?|%\w+%|<[^<>]*>|[*x.•]+|/.*|\./.*|[A-Za-z]:\\.*", re.DOTALL)
_WORDS = re.compile(r"[A-ZÑ]+(?![a-zñ])|[A-ZÑ]?[a-zñáéíóú]+|\d+")


class Exposed(NamedTuple):
    """A credential in the open: its part of the text, and what it is."""

    kind: str
    start: int
    end: int


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


def exposed(text: str) -> Iterator[Exposed]:
    """Whatever in the text has the form of a credential; a reference in a password's place is none."""
    for kind, form in _KNOWN:
        for match in form.finditer(text):
            start, end = match.span("password" if "password" in form.groupindex else 0)
            if not _REFERENCE.fullmatch(text[start:end].strip("'\"")):
                yield Exposed(kind, start, end)


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
            elif _speaks_of_secrets(path) and looks_random(value):
                yield PlainSecret(path, "a secret", value, known=False)


def looks_random(text: str) -> bool:
    """Whether a value could be a credential rather than a word, a name, a path or a reference."""
    if len(text) < _SHORTEST or any(c.isspace() for c in text) or _REFERENCE.fullmatch(text):
        return False
    kinds = {
        "digit" if c.isdigit() else "upper" if c.isupper() else "lower" if c.islower() else "sign"
        for c in text
        if c not in "-_./:"
    }
    counts = Counter(text)
    bits = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    return len(kinds) > 1 and kinds != {"upper", "lower"} and bits >= _BITS_PER_CHARACTER


def is_secret_key(key: str) -> bool:
    """Whether a key speaks of a credential: ERP_PASSWORD, apiKey, clave. Not PASSWORD_FILE, which speaks of a file."""
    words = [word.lower() for word in _WORDS.findall(key)]
    if not words or words[-1] in _ABOUT_SECRETS:
        return False
    return bool(_SECRET_WORDS.intersection(words)) or any(pair in _SECRET_PAIRS for pair in itertools.pairwise(words))


def _speaks_of_secrets(path: KeyPath) -> bool:
    keys = [part for part in path if isinstance(part, str)]
    return any(is_secret_key(key) for key in keys[-2:]) and not _last_is_about(keys)


def _last_is_about(keys: list[str]) -> bool:
    words = _WORDS.findall(keys[-1]) if keys else []
    return bool(words) and words[-1].lower() in _ABOUT_SECRETS
