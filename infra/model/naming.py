"""Names: what they may hold, which one was probably meant, and which are said twice."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeVar

FORBIDDEN_IN_NAMES = "/%&><"
"""Prefect refuses these in the names of pools, queues and deployments, or stumbles over them."""

_T = TypeVar("_T")


def meant(wrong: str, allowed: Iterable[str]) -> str | None:
    """The allowed name that `wrong` most likely stands for."""
    by_folded = {name.casefold().replace("-", "_"): name for name in sorted(allowed)}
    close = difflib.get_close_matches(wrong.casefold().replace("-", "_"), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None


def suggestion(wrong: str, allowed: Iterable[str]) -> str | None:
    """A hint: the name that was meant or, failing that, all there are."""
    names = sorted(allowed)
    if not names:
        return None
    if (close := meant(wrong, names)) is not None:
        return f"did you mean {close!r}?"
    return f"allowed: {', '.join(names)}"


def repeated(named: Iterable[tuple[str, _T]]) -> Mapping[str, list[_T]]:
    """The names that stand more than once, each with all its places in order."""
    places: defaultdict[str, list[_T]] = defaultdict(list)
    for name, place in named:
        places[name].append(place)
    return {name: found for name, found in places.items() if len(found) > 1}


def forbidden_characters(name: str) -> str:
    return "".join(sorted({c for c in name if c in FORBIDDEN_IN_NAMES or not c.isprintable()}))


def secret_block(pool: str, secret: str) -> str:
    """What the Prefect block is called that holds a stack's secret for the runs of a pool."""
    return f"{pool}-{secret}".replace("_", "-").lower()
