"""Names for what is imported: deployments (importar-lista-de-precios), flows and files (importar_lista_de_precios)."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Callable, Collection

from infra.model import descriptive
from infra.model.declared import Naming

_LONGEST = 60


def deployment_name(text: str, fallback: str = "tarea-importada") -> str:
    """Words in small letters with dashes, cut at a word."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    # A name such as ImportarPrecios is three words' worth of meaning.
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", plain)
    name = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")
    if len(name) > _LONGEST:
        name = name[:_LONGEST].rpartition("-")[0] or name[:_LONGEST]
    if not name:
        return fallback
    # A name that says nothing would be refused; that it was imported says a little more.
    return f"{fallback}-{name}" if descriptive.says_nothing(name, Naming()) else name


def function_name(name: str) -> str:
    """A Python name for a flow and its file."""
    made = re.sub(r"\W", "_", name)
    if not made[:1].isalpha() or keyword.iskeyword(made):
        made = f"tarea_{made}"
    return made


def unique(name: str, taken: Collection[str], among: Callable[[str], str] = str) -> str:
    """The name, or the name with the first number that makes it one of its own."""
    made, number = name, 2
    while among(made) in taken:
        made, number = f"{name}-{number}", number + 1
    return made
