"""Credentials: which texts have the form of one, and which keys speak of one.

The forms are those that the issuers publish for secret scanners. An own table rather than a scanner: those find lines,
where values are told by key here, and bring a network client into each preview.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Path = tuple[str | int, ...]

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


def exposed(text: str) -> Iterator[Exposed]:
    """Whatever in the text has the form of a credential; a reference in a password's place is none."""
    for kind, form in _KNOWN:
        for match in form.finditer(text):
            start, end = match.span("password" if "password" in form.groupindex else 0)
            if not is_reference(text[start:end].strip("'\"")):
                yield Exposed(kind, start, end)


def is_secret_key(key: str) -> bool:
    """Whether a key speaks of a credential: ERP_PASSWORD, apiKey, clave. Not PASSWORD_FILE, which speaks of a file."""
    words = [word.lower() for word in _WORDS.findall(key)]
    if not words or words[-1] in _ABOUT_SECRETS:
        return False
    return bool(_SECRET_WORDS.intersection(words)) or any(pair in _SECRET_PAIRS for pair in itertools.pairwise(words))


def is_reference(text: str) -> bool:
    """Whether it only leads to something: a template, a variable, a path, or stars in something's place."""
    return _REFERENCE.fullmatch(text) is not None


def places(value: Any, path: Path) -> Iterator[Path]:
    """Where below the path a credential stands: of known form, or whatever a key that speaks of one has.

    One inside of a list, or in a key, is told by the place of the list, or of what has the key.
    """
    match value:
        case Mapping():
            if any(next(exposed(str(key)), None) for key in value):
                yield path
                return
            for key, inner in value.items():
                yield from places(inner, (*path, str(key)))
        case list() | tuple():
            if any(next(places(inner, (*path, index)), None) for index, inner in enumerate(value)):
                yield path
        case str():
            if next(exposed(value), None) or (value and speaks_of_secrets(path) and not is_reference(value)):
                yield path
        case int() | float() if not isinstance(value, bool) and speaks_of_secrets(path):
            yield path


def speaks_of_secrets(path: Path) -> bool:
    keys = [part for part in path if isinstance(part, str)]
    return any(is_secret_key(key) for key in keys[-2:]) and not _last_is_about(keys)


def _last_is_about(keys: list[str]) -> bool:
    words = _WORDS.findall(keys[-1]) if keys else []
    return bool(words) and words[-1].lower() in _ABOUT_SECRETS
