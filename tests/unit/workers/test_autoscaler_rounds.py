"""A round goes on while workers take their time to stop, and while one area can't be looked at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import cast

import httpx
import pytest

from infra.container_names import FAILED, FORMER, LEAVING, aside
from workers.autoscaler.engine import Engine
from workers.autoscaler.policies import Demand, Policies, Queue
from workers.autoscaler.rounds import Rounds
from workers.autoscaler.server import Server

AREA = {"type": "docker", "limit": 1, "min": 1, "max": 3, "cool_down": 1}


@dataclass
class Played:
    """Both sides: runs that are due by pool (none: the server fails), and containers by name with their state."""

    due: dict[str, int] = field(default_factory=dict)
    containers: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    drained: asyncio.Event = field(default_factory=asyncio.Event)

    async def demand(self, pool: str) -> Demand:
        if pool not in self.due:
            raise httpx.ConnectError("no server")
        return Demand(queues=[Queue(waiting=self.due[pool], in_flight=0)], in_flight={})

    async def handle(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            rows = [
                {
                    "Id": name,
                    "Names": [f"/{name}"],
                    "State": state,
                    "Labels": {"prefect-infra.area": name.split("-")[0]},
                }
                for name, state in self.containers.items()
            ]
            return httpx.Response(200, json=rows)
        _, name, what = request.url.path.strip("/").split("/")
        self.told.append(f"{what} {name}")
        if what == "stop":
            await self.drained.wait()
        self.containers[name] = {"start": "running", "stop": "exited"}[what]
        return httpx.Response(204)


@pytest.fixture
async def played() -> AsyncIterator[tuple[Played, Rounds]]:
    made = Played()
    areas = [{**AREA, "name": name, "pool": name} for name in ("compras", "ventas")]
    given = Policies.model_validate({"every": 1, "areas": areas})
    async with httpx.AsyncClient(transport=httpx.MockTransport(made.handle), base_url="http://engine") as client:
        yield made, Rounds(given, cast(Server, made), Engine(client))


@pytest.mark.thorough
async def test_a_worker_that_drains_holds_nothing_back_and_is_told_once(played: tuple[Played, Rounds]) -> None:
    both, rounds = played
    both.due = {"compras": 0, "ventas": 0}
    both.containers = {"compras-10": "exited", "compras-9": "running", "ventas-2": "exited"}
    await rounds.one()
    assert both.told == []  # what runs when it begins counts as needed for a cool-down
    await asyncio.sleep(1.2)

    for _ in range(3):
        assert await asyncio.wait_for(rounds.one(), 5) == 2
        await asyncio.sleep(0.01)
    assert both.told == ["stop compras-9"]

    both.due["compras"] = 2
    await rounds.one()
    assert both.told[1:] == ["start compras-10"]
    both.drained.set()
    await asyncio.sleep(0.1)
    both.due["compras"] = 9
    await rounds.one()
    assert both.told[2:] == ["start compras-9"]


async def test_who_makes_room_for_another_or_failed_is_no_worker_to_count_with(played: tuple[Played, Rounds]) -> None:
    both, rounds = played
    both.due = {"compras": 1, "ventas": 0}
    id_ = "0123456789ab" * 4
    aside_ = {aside("compras-2", mark, id_): "running" for mark in (FORMER, LEAVING)}
    both.containers = {**aside_, aside("compras-2", FAILED, id_): "exited", "compras-2": "created"}
    await rounds.one()
    assert both.told == []  # one is there always

    both.due["compras"] = 2
    await rounds.one()
    assert both.told == ["start compras-2"]


async def test_an_area_that_can_not_be_looked_at_holds_no_other_back(played: tuple[Played, Rounds]) -> None:
    both, rounds = played
    both.due = {"ventas": 5}
    both.containers = {"ventas-2": "created", "ventas-3": "exited"}

    assert await rounds.one() == 1

    assert both.told == ["start ventas-2", "start ventas-3"]
    assert rounds.last is not None
