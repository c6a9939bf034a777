"""Whose a step is: an area's, or the platform's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from infra.review.plan import Step, urn_parts

AREA: Final = "prefect-infra:index:Area"


def area_of(step: Step, areas: Iterable[str]) -> str | None:
    """The area's name; None for what all areas share.

    A URN names the types of a resource's parents, and of these only the nearest is told: what lies deeper, such as a
    limit of a worker's container, and the areas' images are known by their names.
    """
    if step.type == AREA:
        return step.name
    if step.parent is not None:
        type_, name = urn_parts(step.parent)
        if type_ == AREA:
            return name
    words = f"-{step.name}-"
    if AREA in step.qualified_type or step.name.startswith("image-"):
        # The longest first: `ventas-web` is not `ventas`.
        return next((area for area in sorted(areas, key=len, reverse=True) if f"-{area}-" in words), None)
    return None
