"""A small program with an object of each kind that a Prefect server has, for tests that kill what makes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from infra.provider.kinds import KINDS
from tests.provider.killing import Declared, State

ZONE = "America/Argentina/Buenos_Aires"
ADOPTABLE = frozenset(kind.token.rpartition(":")[2] for kind in KINDS if "adopt" in kind.inputs.model_fields)


def small_program(
    name: str,
    state: State,
    *,
    n: int = 1,
    pool_type: str = "process",
    renamed: Mapping[str, str] | None = None,
    adopt: bool = False,
    only: Collection[str] = (),
) -> list[Declared]:
    """With values that `n` tells apart, the objects in `renamed` called so instead; `only` leaves all others out."""
    small = dict.fromkeys(("block", "variable", "limit", "of-a-tag", "automation"), name)
    called = {"queue": "urgente", "one": f"{name}-1", **small, **(renamed or {})}
    route = {"work_pool_name": name, "work_pool_id": state.output("pool", "work_pool_id")}
    run = {"flow_name": f"{name}-f", "entrypoint": "a.py:f", **route, "work_queue_name": called["queue"]}
    schedules = [{"slug": slug, "cron": f"{n} {hour} * * *", "timezone": ZONE} for slug, hour in (("a", 1), ("b", 2))]
    triggers = [{"name": f"{name}-t{i}", "expect": [f"e{n}"]} for i in (1, 2)]
    event = {"type": "event", "posture": "Reactive", "expect": [f"e{n}"], "threshold": 1}
    act = {"type": "pause-work-pool", "source": "inferred"}
    more = {"schedules": schedules, "triggers": triggers, "description": f"d{n}"}

    def referring() -> dict[str, Any]:
        id_ = state.output("block", "block_document_id")()
        return {"repository_url": f"https://git/{n}", "credentials": {"$ref": {"block_document_id": id_}}}

    program = [
        Declared("WorkPool", "pool", {"name": name, "type": pool_type, "concurrency_limit": n}),
        Declared("WorkQueue", "queue", {**route, "name": called["queue"], "concurrency_limit": n}, within="pool"),
        Declared("WorkQueue", "other-queue", {**route, "name": "tranquila", "concurrency_limit": n}, within="pool"),
        Declared("Deployment", "one", {**run, **more, "name": called["one"]}),
        Declared("Deployment", "two", {**run, "name": f"{name}-2", "parameters": {"n": n}}),
        Declared("Block", "block", {"name": called["block"], "type_slug": "secret", "data": {"value": f"s{n}"}}),
        Declared("Block", "of-a-block", {"name": f"{name}-of", "type_slug": "github-repository", "data": referring}),
        Declared("Variable", "variable", {"name": called["variable"], "value": {"n": n}}),
        Declared("GlobalConcurrencyLimit", "limit", {"name": called["limit"], "limit": n}),
        Declared("TagConcurrencyLimit", "of-a-tag", {"tag": called["of-a-tag"], "concurrency_limit": n}),
        Declared("Automation", "automation", {"name": called["automation"], "trigger": event, "actions": [act]}),
    ]
    return [
        Declared(kind, key, {**inputs, **({"adopt": True} if adopt and kind in ADOPTABLE else {})}, within)
        for kind, key, inputs, within in program
        if not only or key in only
    ]
