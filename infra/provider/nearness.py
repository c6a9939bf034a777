"""What was probably meant by a name that isn't there: a misspelt one is the usual reason."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

CLOSE: Final = 3  # names that are offered for a misspelt one
MOST: Final = 10  # names that are all told, when none is near


def near(name: str, there: Iterable[str]) -> str:
    """What of the names that there are was probably meant; where none is near, the names themselves."""
    by_folded = {candidate.casefold(): candidate for candidate in there}
    close = [by_folded[folded] for folded in get_close_matches(name.casefold(), by_folded, n=CLOSE, cutoff=0.6)]
    names = sorted(by_folded.values())
    match close:
        case [*rest, last] if rest:
            return f"did you mean {', '.join(map(repr, rest))} or {last!r}?"
        case [one]:
            return f"did you mean {one!r}?"
    if not names:
        return "there is none at all"
    if len(names) <= MOST:
        return f"there are: {', '.join(names)}"
    return f"there are {len(names)}, and none has a name near to that"
