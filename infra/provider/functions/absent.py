"""The error for what isn't there: it names what is, since a misspelt name is the usual reason."""

from __future__ import annotations

from collections.abc import Iterable

from infra.provider.errors import NotFound
from infra.provider.nearness import near


def not_there(what: str, name: str, there: Iterable[str]) -> NotFound:
    """An error for `what`, such as "work pool", called `name`, where `there` is what exists in its stead."""
    # A listing may be older than its end.
    return NotFound(f"there is no {what} {name!r}: {near(name, (other for other in there if other != name))}")
