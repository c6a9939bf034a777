"""A review for a program: plain values, without secrets, in a form that only grows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.review.blinding import Blinding
from infra.review.plan import Step
from infra.review.reviewing import Review
from infra.review.schedules import When


def table(review: Review) -> dict[str, Any]:
    told = {
        "stack": review.stack,
        "timezone": review.timezone,
        "base": review.base,
        "from": review.first.isoformat(),
        "digest": review.digest,
        "refusals": list(review.refusals),
        "areas": [
            {
                "name": area.name,
                "title": area.title,
                "renamed_from": area.renamed_from,
                "headline": list(area.headline),
                "runs_a_day": {"before": area.runs_a_day_before, "after": area.runs_a_day_after},
                "schedules": [
                    {
                        "deployment": each.deployment,
                        "slug": each.slug,
                        "kind": each.kind,
                        "before": _when(each.before),
                        "after": _when(each.after),
                        "clock_changes": list(map(str, each.clock_changes)),
                    }
                    for each in area.schedules
                ],
                "steps": [_step(step) for step in area.steps],
            }
            for area in review.areas
        ],
        "not_of_this_change": [step.urn for step in review.beside],
        "restarts": [
            {
                "container": each.container,
                "role": each.role,
                "area": each.area,
                "goes": each.goes,
                "reasons": list(each.reasons),
                "effect": each.effect,
                "deployments_cut_short": list(each.flows),
                "running": {name: (review.running or {}).get(name) for name in each.flows},
            }
            for each in review.restarts
        ],
        "destroyed": [
            {
                "type": each.type,
                "name": each.name,
                "area": each.area,
                "verb": each.verb,
                "effect": each.effect,
                "protected": each.protected,
                "runs": each.runs,
            }
            for each in review.losses
        ],
        "max_deletes": review.max_deletes,
        "secrets": [{"name": each.name, "kind": each.kind} for each in review.secrets],
        "revisions": [{"what": each.what, "before": each.before, "after": each.after} for each in review.revisions],
        "load": [
            {
                "pool": each.pool,
                "peak": {"before": each.peak_before, "after": each.peak_after},
                "limit": {"before": each.limit_before, "after": each.limit_after},
                "hours": {"before": list(each.before), "after": list(each.after)},
            }
            for each in review.loads
        ],
        "collisions": [{"scope": each.scope, "name": each.name, "text": each.told} for each in review.collisions],
        "findings": [
            {
                "severity": each.severity,
                "code": each.code,
                "place": each.place,
                "text": each.text,
                "on_changed_lines": each.is_new,
            }
            for each in review.findings
        ],
        "owners": [{"owner": each.owner, "files": list(each.files)} for each in review.owners],
        "pulumi": None
        if review.plan is None
        else {
            "counts": dict(review.plan.counts),
            "diagnostics": [{"severity": each.severity, "message": each.message} for each in review.plan.diagnostics],
        },
    }
    cleaned: dict[str, Any] = _cleaned(told, review.blinding)
    return cleaned


def _when(when: When | None) -> dict[str, Any] | None:
    if when is None:
        return None
    return {
        "words": when.words,
        "schedule": when.written,
        "timezone": when.timezone,
        "active": when.active,
        "next": [each.isoformat(timespec="minutes") for each in when.firings],
        "runs_a_day": when.runs_a_day,
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "urn": step.urn,
        "type": step.type,
        "name": step.name,
        "verb": step.verb,
        "changes": [
            {
                "path": each.path,
                "kind": each.kind,
                "replaces": each.replaces,
                "before": each.before,
                "after": each.after,
            }
            for each in step.changes
        ],
    }


def _cleaned(value: Any, blinding: Blinding) -> Any:
    match value:
        case Mapping():
            return {blinding.text(str(key)): _cleaned(inner, blinding) for key, inner in value.items()}
        case list():
            return [_cleaned(inner, blinding) for inner in value]
        case str():
            return blinding.text(value)
    return value
