"""How many workers an area has: a number, or as many as its runs need."""

from __future__ import annotations

from infra.model import declared, upkeep
from infra.model.collecting import Findings
from infra.model.errors import KeyPath
from infra.model.rules import keys
from infra.model.stack import Autoscale, Workers


def check(given: declared.Workers | declared.WorkersOverride, path: KeyPath, found: Findings) -> None:
    """What is wrong with the keys of one place, whatever there is in others."""
    scale = given.autoscale
    if scale is None:
        return
    at: KeyPath = (*path, "autoscale")
    if "replicas" in given.model_fields_set and given.replicas is not None:
        message = "`autoscale` and `replicas` exclude each other: it tells how many workers there are"
        found.add(keys.CONFLICTING_KEYS, at, message, hint="keep one of them", of_key=True)
    if scale.min >= scale.max:
        message = f"`min` is {scale.min} and `max` is {scale.max}: nothing would be started or stopped"
        hint = f"write a `max` above {scale.min}, or replicas: {scale.min} in the place of `autoscale`"
        found.add(keys.OUT_OF_RANGE, (*at, "max"), message, hint=hint)
    upkeep.seconds(scale.cool_down, (*at, "cool_down"), found)


def scaled(
    of: declared.Workers, over: declared.WorkersOverride, limit: int | None, path: KeyPath, found: Findings
) -> dict[str, object]:
    """The fields of an area's workers that tell how many there are. The nearest of the two keys counts."""
    scale, at = over.autoscale, path
    if scale is None and over.replicas is None:
        scale, at = of.autoscale, ()
    if scale is None:
        return {"replicas": of.replicas if over.replicas is None else over.replicas, "autoscale": None}
    if limit is None:
        message = f"{path[-1]}: without `limit` one worker takes all runs, and no further one would be started"
        where: KeyPath = (*at, "workers", "autoscale")
        found.add(keys.MISSING_KEY, where, message, hint="give the workers one: limit: 5", of_key=True)
    return {
        "replicas": scale.max,
        "autoscale": Autoscale(min=scale.min, cool_down=upkeep.in_seconds(scale.cool_down)),
    }


def check_alerts(workers: Workers, alerts: declared.Alerts | None, path: KeyPath, found: Findings) -> None:
    if workers.autoscale and workers.autoscale.min == 0 and alerts and "offline" in alerts.on:
        message = (
            f"{path[-1]}: with `min: 0` its pool has no worker each time that nothing is due, and `offline` alerts"
        )
        hint = "write min: 1, or alerts without it: on: [failed, crashed, late]"
        found.add(keys.CONFLICTING_KEYS, path, message, hint=hint, of_key=True)
