"""One number for what a plan does, so that the plan made at the merge can be held against the one that was reviewed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.review.plan import Plan, Step

SHOWN = 12
"""Digits that people read; all of them are compared."""


def digest(plan: Plan, secrets: Mapping[str, str], root: Path) -> str:
    """Over each step's resource, verb and fields, and over the secrets as they are encrypted.

    Not over ids, times, the stack's outputs (a deployment's next run moves by itself), or where the checkout lies:
    those differ between two plans that do the same.
    """
    told = {"steps": [_step(step) for step in plan.steps], "secrets": dict(sorted(secrets.items()))}
    text = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.replace(str(root), ".").encode()).hexdigest()


def _step(step: Step) -> dict[str, Any]:
    fields: Any
    match step.verb:
        case "delete":
            fields = None
        case "create":
            fields = step.new
        case _:
            fields = [[each.path, each.kind, each.replaces, each.before, each.after] for each in step.changes]
    return {"urn": step.urn, "verb": step.verb, "fields": fields}
