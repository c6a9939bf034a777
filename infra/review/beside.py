"""What a plan changes although this change doesn't: what nobody has brought up yet, or edits on the server."""

from __future__ import annotations

from typing import Any, Final

from infra.model import Stack
from infra.review.plan import Plan, Step

_POOL: Final = "prefect:index:WorkPool"
_DEPLOYMENT: Final = "prefect:index:Deployment"


def beside(plan: Plan, before: Stack, after: Stack) -> tuple[Step, ...]:
    """Steps of deployments and work pools that both revisions declare alike."""
    old, new = _declared(before), _declared(after)
    alike = {key for key in old.keys() & new.keys() if old[key] == new[key]}
    # One that neither declares goes for reasons older than this change.
    known = old.keys() | new.keys()
    return tuple(
        step
        for step in plan.of_type(_POOL, _DEPLOYMENT)
        if (key := (step.type, str(step.inputs.get("name") or step.name))) in alike or key not in known
    )


def _declared(stack: Stack) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {(_POOL, area.pool.name): (area.pool, area.env) for area in stack.areas}
    for area in stack.areas:
        found |= {(_DEPLOYMENT, each.name): each for each in area.deployments}
    return found
