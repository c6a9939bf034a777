"""What a selector means: an area, `area/deployment`, a pool, `pool/queue`, a deployment; with * and ? for many."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from infra.drift import Difference


def matches(each: Difference, selectors: Sequence[str]) -> bool:
    """Whether any of them means it; without any, all are meant."""
    if not selectors:
        return True
    names = [each.name, *([each.area, f"{each.area}/{each.name}"] if each.area else [])]
    return any(fnmatchcase(name, selector) for name in names for selector in selectors)
