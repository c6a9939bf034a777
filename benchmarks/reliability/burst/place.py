"""Where a burst is run: a stack, or bare Prefect. What the course of a burst needs of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from infra.provider.api import Api


@dataclass(frozen=True)
class Place:
    api: Api
    deployments: Sequence[Sequence[str]]
    """Ids, by area."""
    strike: Callable[[str], float | None]
    """Do it; seconds until all was healthy again, None: not in time. Raises RuntimeError: it couldn't be done."""
    split: Callable[[], dict[str, Any]]
    """What was seen of the API since the last call."""

    def in_turn(self) -> list[str]:
        """All deployments, one of each area after the other."""
        most = max(len(each) for each in self.deployments)
        return [area[number] for number in range(most) for area in self.deployments if number < len(area)]
