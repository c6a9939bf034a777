"""A null inside of what is kept as it is given is a value: a flow's parameter that is null is none that is left out."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.server
ZONE = "America/Argentina/Buenos_Aires"
EVENT = {"type": "event", "posture": "Reactive", "expect": ["a"], "threshold": 1, "within": 0}
RUN = {"type": "run-deployment", "source": "inferred"}
HOURLY = {"slug": "a", "cron": "0 * * * *", "timezone": ZONE}

CASES: dict[str, tuple[str, str, Any, Any]] = {
    "a variable": ("Variable", "value", {"desde": None, "n": 1}, {"n": 1}),
    "deep in a variable": ("Variable", "value", {"a": [{"b": None}]}, {"a": [{}]}),
    "a parameter": ("Deployment", "parameters", {"desde": None}, {}),
    "a part of a parameter": ("Deployment", "parameters", {"n": {"desde": None}}, {"n": {}}),
    "a job variable": ("Deployment", "job_variables", {"command": None}, {}),
    "a schedule's parameter": (
        "Deployment",
        "schedules",
        [{**HOURLY, "parameters": {"desde": None}}],
        [HOURLY],
    ),
    "a trigger's parameter": (
        "Deployment",
        "triggers",
        [{"expect": ["a"], "parameters": {"desde": None}}],
        [{"expect": ["a"], "parameters": {}}],
    ),
    "a parameter of an automation's run": (
        "Automation",
        "actions",
        [{**RUN, "parameters": {"desde": None}}],
        [{**RUN, "parameters": {}}],
    ),
    "true for one": ("Deployment", "parameters", {"n": True}, {"n": 1}),
}


@pytest.mark.parametrize("case", sorted(CASES))
@pytest.mark.parametrize("first", [0, 1])
async def test_a_null_is_written_seen_as_drift_and_taken_away(
    engine: Any, client: Any, unique: str, case: str, first: int
) -> None:
    kind, key, *values = CASES[case]
    one, other = values[first], values[1 - first]
    base: dict[str, Any] = {"name": f"{unique}-o"}
    if kind == "Deployment":
        pool = await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
        base |= {"flow_name": unique, "entrypoint": "a.py:f", "work_pool_name": pool.id}
    if kind == "Automation":
        base["trigger"] = EVENT
    resource = await engine.up(kind, "r", {**base, key: one})
    assert await engine.refresh(resource) == []
    assert (await engine.up(kind, "r", {**base, key: one})).steps == ["same"]

    assert all(step.startswith(f"update {key}") for step in (await engine.up(kind, "r", {**base, key: other})).steps)
    assert await engine.refresh(resource) == []

    # Somebody else makes it what it was.
    recorded = resource.inputs, resource.state
    await engine.up(kind, "r", {**base, key: one})
    resource.inputs, resource.state = recorded
    drift = await engine.refresh(resource)
    assert drift
    assert all(path.startswith(key) for path in drift)
    await engine.up(kind, "r", {**base, key: other})
    assert await engine.refresh(resource) == []
