"""Names that say what they stand for."""

from __future__ import annotations

import re
import unicodedata

from infra.model import declared

_SAYS_NOTHING = frozenset({
    "abc", "algo", "asd", "asdf", "bar", "baz", "borrador", "copia", "copy", "cosa", "default", "demo", "deploy",
    "deployment", "deployments", "despliegue", "dummy", "ejemplo", "example", "flow", "flows", "flujo", "foo", "hello",
    "hola", "job", "main", "mi", "misc", "my", "new", "nuevo", "nueva", "principal", "proceso", "prueba", "pruebas",
    "qwerty", "run", "sample", "script", "task", "tarea", "temp", "temporal", "test", "testing", "tests", "tmp",
    "untitled", "world", "mundo", "x", "xxx", "xyz",
})  # fmt: skip
_CARRIES_NO_MEANING = frozenset(
    {
        "a",
        "al",
        "con",
        "de",
        "del",
        "e",
        "el",
        "en",
        "la",
        "las",
        "lo",
        "los",
        "o",
        "para",
        "por",
        "un",
        "una",
        "y",
        "u",
    }
    | {"and", "by", "for", "in", "of", "on", "the", "to"}
)


EXAMPLE = "for example importar-lista-de-precios"


def says_nothing(name: str, naming: declared.Naming) -> bool:
    """Whether it has no word but those that any deployment could be called."""
    words = _words(name)
    forbidden = _SAYS_NOTHING | {_plain(word) for word in naming.forbidden}
    return name not in naming.allowed and bool(words) and all(word in forbidden for word in words)


def has_few_words(name: str, naming: declared.Naming) -> bool:
    return name not in naming.allowed and len(_words(name)) < naming.min_words


def kebab(name: str) -> str:
    """The name in kebab case; equal to it if it is."""
    apart = re.sub(r"(?<=[a-zñáéíóúü0-9])(?=[A-ZÑÁÉÍÓÚÜ])", "-", name)
    return "-".join(re.findall(r"\w+", apart.lower().replace("_", "-")))


def _words(name: str) -> list[str]:
    """Small letters without accents or numbers; articles and single letters aside."""
    found = (re.sub(r"\d+", "", _plain(word)) for word in kebab(name).split("-"))
    return [word for word in found if len(word) > 1 and word not in _CARRIES_NO_MEANING]


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if not unicodedata.combining(c))
