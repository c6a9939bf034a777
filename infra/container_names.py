"""What containers are called while one follows another of its name; program and provider both give and read it.

X                  the one at work
X-former-<id>      the one before, at work, while it isn't known whether the new one is healthy
X-leaving-<id>     the one before, to be told to stop and removed
X-failed-<id>      one that did not become healthy, stopped; kept for whoever wants to look at it
"""

from __future__ import annotations

from typing import Final

FORMER: Final = "-former-"
LEAVING: Final = "-leaving-"
FAILED: Final = "-failed-"
_ID_LENGTH: Final = 12


def aside(name: str, mark: str, container: str) -> str:
    """What the container of that id is called once another one has, or is to have, its name."""
    return f"{name}{mark}{container[:_ID_LENGTH]}"


def is_of(name: str, called: str) -> bool:
    """Whether a container that is called so has the name, or had it. The engine's filter takes a part for a match."""
    return called == name or called.startswith((name + FORMER, name + LEAVING, name + FAILED))
