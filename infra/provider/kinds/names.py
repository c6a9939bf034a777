"""Names as the server takes them: some characters would lie in the paths of its API, or in what it writes of them.

It answers 422 for some kinds of objects and 500 for others, and only when the object is made.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field

BANNED: Final = "/%&<>"  # `prefect.types.names.BANNED_CHARACTERS`: a test holds them against the server


def _possible(name: str) -> str:
    if found := [character for character in BANNED if character in name]:
        told = " and ".join(f"'{character}'" for character in found)
        raise ValueError(f"the server takes no {told} in a name, got {name!r}: try {_without_banned(name)!r}")
    return name


def _without_banned(name: str) -> str:
    return "".join("-" if character in BANNED else character for character in name)


Name = Annotated[str, Field(min_length=1), AfterValidator(_possible)]
