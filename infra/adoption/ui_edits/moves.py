"""Which values somebody has moved on the server: what the files alone have changed since the last `up` is no move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from infra.adoption.ui_edits.edits import REMOVED, Unsaid
from infra.drift import ABSENT

CONFLICT: Final = Unsaid("the file has another value since the last `up`: settle by hand which one is to be")


def moved(declared: Any, known: Any, found: Any) -> Any:
    """ABSENT where nothing is to be done; REMOVED, or the value to be; CONFLICT where both sides have moved."""
    if found in (declared, known):
        return ABSENT
    if declared != known:
        return CONFLICT
    return REMOVED if found is ABSENT else found


def moves(declared: Any, known: Any, found: Any) -> Iterator[tuple[str, Any]]:
    """Key by key, in the order of their names."""
    sides = [side if isinstance(side, Mapping) else {} for side in (declared, known, found)]
    for key in sorted({*sides[0], *sides[2]}):
        value = moved(*(side.get(key, ABSENT) for side in sides))
        if value is not ABSENT:
            yield key, value
