"""A trigger that has seen one of the events that it waits for: which changes of a stack it outlives, and which not."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

pytestmark = [pytest.mark.server, pytest.mark.thorough]
TRIES, PAUSE = 240, 0.25  # a minute: events, triggers and actions are three services of a busy server
ENOUGH = 3.0  # seconds, after others have fired at the same event
LEARNS = 2.0  # seconds: what counts events hears of a change after whoever made it


class Armed:
    """A deployment that three triggers run, one of them at the first event already, and an automation beside them."""

    def __init__(self, engine: Any, client: Any, name: str) -> None:
        self.engine, self.client, self.name = engine, client, name
        self.first, self.other = f"{name}.uno", f"{name}.otro"
        counting = {"expect": [self.first], "threshold": 2, "within": 600.0}
        both = [{"type": "event", "expect": [self.first]}, {"type": "event", "expect": [self.other]}]
        compound = {"type": "compound", "require": "all", "within": 600.0, "triggers": both}
        self.inputs = {
            "name": f"{name}-d",
            "flow_name": f"{name}-f",
            "entrypoint": "a.py:f",
            "work_pool_name": name,
            "triggers": [
                {"name": f"{name}-1", "expect": [self.first], "parameters": {"by": "at-once"}},
                {"name": f"{name}-2", **counting, "parameters": {"by": "counting"}},
                {"name": f"{name}-3", **compound, "parameters": {"by": "compound"}},
            ],
        }
        self.counting = {"type": "event", "posture": "Reactive", **counting}

    def automation(self, deployment: str) -> dict[str, Any]:
        run = {"type": "run-deployment", "source": "selected", "deployment_id": deployment}
        actions = [{**run, "parameters": {"by": "automation"}}]
        return {"name": f"{self.name}-a", "trigger": self.counting, "actions": actions}

    async def up(self, deployment: Mapping[str, Any] = {}, automation: Mapping[str, Any] = {}, limit: int = 1) -> None:
        """The whole stack, with these changes."""
        await self.engine.up("WorkPool", "p", {"name": self.name, "type": "process", "concurrency_limit": limit})
        resource = await self.engine.up("Deployment", "d", {**self.inputs, **deployment})
        await self.engine.up("Automation", "a", {**self.automation(resource.id), **automation})
        self.id = resource.id
        await asyncio.sleep(LEARNS)

    async def send(self, event: str) -> None:
        resource = {"prefect.resource.id": "prueba.cosa"}
        body = {"id": str(uuid.uuid4()), "occurred": datetime.now(UTC).isoformat(), "event": event}
        await self.client.post("events", [{**body, "resource": resource, "payload": {}}])

    async def fired(self) -> list[str]:
        rows = await self.client.find("flow_runs/filter", {"deployments": {"id": {"any_": [self.id]}}})
        return sorted(row["parameters"]["by"] for row in rows)

    async def fire(self, *expected: str) -> None:
        """Wait for just these to have fired."""
        for _ in range(TRIES):
            if (fired := await self.fired()) == sorted(expected):
                break
            await asyncio.sleep(PAUSE)
        assert fired == sorted(expected)
        await asyncio.sleep(ENOUGH)
        assert await self.fired() == sorted(expected)


@pytest.fixture
async def armed(engine: Any, client: Any, unique: str) -> Armed:
    """Each has seen the first event, once."""
    armed = Armed(engine, client, unique)
    await armed.up()
    await armed.send(armed.first)
    await armed.fire("at-once")
    return armed


CHANGES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "the pool": {"limit": 2},
    "the deployment": {"deployment": {"description": "otra", "tags": ["x"], "parameters": {"n": 1}}},
    "its schedules": {"deployment": {"schedules": [{"slug": "a", "cron": "0 1 * * *", "timezone": "UTC"}]}},
}


@pytest.mark.parametrize("change", sorted(CHANGES))
async def test_what_a_trigger_has_seen_stays_over_a_change_of_anything_but_itself(armed: Armed, change: str) -> None:
    await armed.up(**CHANGES[change])

    await armed.send(armed.first)
    await armed.fire("at-once", "at-once", "counting", "automation")
    await armed.send(armed.other)
    await armed.fire("at-once", "at-once", "counting", "automation", "compound")


async def test_another_triggers_and_another_automations_change_leave_it_as_well(armed: Armed) -> None:
    first, *others = armed.inputs["triggers"]
    await armed.up(deployment={"triggers": [{**first, "description": "otra"}, *others]})
    await armed.engine.up("Automation", "b", {**armed.automation(armed.id), "name": f"{armed.name}-b"})

    await armed.send(armed.first)
    await armed.fire("at-once", "at-once", "counting", "automation")


async def test_switched_off_and_on_it_goes_on_counting(armed: Armed) -> None:
    await armed.up(automation={"enabled": False})
    await armed.up(automation={"enabled": True})

    await armed.send(armed.first)
    await armed.fire("at-once", "at-once", "counting", "automation")


async def test_any_other_change_of_an_automation_begins_to_count_anew(armed: Armed) -> None:
    """The API changes it as a whole, and gives its trigger another id, which the events seen hang on."""
    await armed.up(automation={"description": "otra"})

    await armed.send(armed.first)
    await armed.fire("at-once", "at-once", "counting")
    await armed.send(armed.first)
    await armed.fire("at-once", "at-once", "at-once", "counting", "automation")
