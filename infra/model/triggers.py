"""Triggers of deployments: what may stand together, told offline; the provider holds resources against the same."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from infra.model import arguments, declared
from infra.model.collecting import Findings
from infra.model.errors import KeyPath
from infra.model.naming import repeated
from infra.model.rules import coherence, keys
from infra.model.shape import Places

SHORTEST_PROACTIVE: Final = 10.0  # seconds
SHORTEST_METRIC: Final = 300.0  # seconds
_OF_KIND: Final = {
    "event": {"match", "match_related", "after", "expect", "for_each", "posture", "threshold", "within"},
    "metric": {"match", "match_related", "posture", "metric"},
    "compound": {"triggers", "within", "require"},
    "sequence": {"triggers", "within"},
}
_OF_ALL: Final = frozenset({"type"}).union(*_OF_KIND.values())
_DURATION: Final = TypeAdapter(timedelta)


def made(given: Sequence[declared.Trigger], path: KeyPath, places: Places, found: Findings) -> Iterator[dict[str, Any]]:
    """Each as the provider takes it, without what is as by default."""
    named: list[tuple[str, KeyPath]] = []
    for at, trigger in places.of(path, given):
        _check(trigger, at, places, found)
        if trigger.name is not None:
            named.append((trigger.name, (*at, "name")))
        for key in ("parameters", "job_variables"):
            if (place := arguments.not_json(getattr(trigger, key))) is not None:
                found.add(keys.NOT_JSON, (*at, key, *place), "not a finite number")
        yield trigger.model_dump(exclude_unset=True, exclude_none=True)
    for name, paths in repeated(named).items():
        for at in paths[1:]:
            found.add(coherence.REPEATED_NAME, at, f"another trigger of this deployment is called {name!r}")


def kind(given: declared.Condition) -> str:
    """By the rules of Prefect's own `prefect.yaml`."""
    if given.type is not None:
        return given.type
    if given.posture == "Metric":
        return "metric"
    if "triggers" in given.model_fields_set:
        return "compound" if given.require is not None else "sequence"
    return "event"


def _check(given: declared.Condition, path: KeyPath, places: Places, found: Findings) -> None:
    of = kind(given)
    for key in sorted((given.model_fields_set & _OF_ALL) - {"type"} - _OF_KIND[of]):
        message = f"a trigger of the type {of} has no {key!r}; it has: {', '.join(sorted(_OF_KIND[of]))}"
        found.add(keys.MISPLACED_KEY, (*path, key), message, of_key=True)
    for key in ("within", "schedule_after"):
        _seconds(getattr(given, key, None), (*path, key), 0.0, found)
    if given.metric is not None:
        for key in ("range", "firing_for"):
            _seconds(getattr(given.metric, key), (*path, "metric", key), SHORTEST_METRIC, found)
    if not found.any_at(*path):
        for at_key, message, hint in _incoherent(given, of):
            at = (*path, at_key) if at_key else path
            found.add(coherence.MALFORMED_TRIGGER, at, message, hint=hint)
    for at, inner in places.of((*path, "triggers"), given.triggers):
        _check(inner, at, places, found)


def _incoherent(given: declared.Condition, of: str) -> Iterator[tuple[str | None, str, str]]:
    proactive, within = given.posture == "Proactive", _length(given.within)
    if (of == "metric") is not (given.posture == "Metric" or (of == "metric" and given.posture is None)):
        yield "posture", "the posture Metric goes with the type metric, and no other", "leave it out"
    elif of == "metric" and given.metric is None:
        yield None, "a trigger of the type metric needs `metric`", "give it: metric: {name: lateness, …}"
    elif proactive and within is not None and 0 < within < SHORTEST_PROACTIVE:
        yield "within", "`within` of a Proactive trigger is 10 seconds or more", "for example 60"
    elif of == "event" and not proactive and not (given.expect or given.match or given.match_related):
        yield (
            None,
            "any event at all would fire it: it would fire at its own firing, for ever",
            "say what it waits for: expect: [prefect.flow-run.Completed]",
        )
    elif of in ("compound", "sequence") and not given.triggers:
        yield None, f"a trigger of the type {of} needs `triggers`", "give them: a list of conditions"
    elif of == "compound" and given.require is None:
        yield None, "a trigger of the type compound needs `require`", "any, all or a number"
    elif isinstance(given.require, int) and not 1 <= given.require <= len(given.triggers):
        message = f"`require` is {given.require}: it goes from 1 to the number of triggers, {len(given.triggers)}"
        yield "require", message, "or write any, or all"


def _seconds(given: object, path: KeyPath, least: float, found: Findings) -> None:
    if given is None or found.has(path):
        return
    length = _length(given)
    if length is None:
        hint = "seconds, or text such as PT1H or 01:00:00"
        found.add(
            coherence.MALFORMED_TRIGGER, path, f"{path[-1]!r} is {given!r}, which is no length of time", hint=hint
        )
    elif length < least:
        found.add(keys.OUT_OF_RANGE, path, f"{path[-1]!r} must be at least {least:g} seconds, got {given!r}")


def _length(given: object) -> float | None:
    """In seconds, as Prefect reads it."""
    if isinstance(given, (int, float)):
        return float(given) if math.isfinite(given) else None
    try:
        return _DURATION.validate_python(given).total_seconds()
    except (ValidationError, OverflowError):
        return None
