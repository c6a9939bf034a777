"""A round: each area in its turn. One that fails is told of, and keeps none of the others waiting."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import httpx

from workers.autoscaler import policies
from workers.autoscaler.engine import Container, Engine
from workers.autoscaler.policies import Area, Policies, Want, Worker
from workers.autoscaler.server import Server

logger = logging.getLogger("autoscaler")


class Rounds:
    """Knows what was wanted of late, and which workers it told to stop that haven't yet."""

    def __init__(self, given: Policies, server: Server, engine: Engine) -> None:
        self._policies = given
        self._server = server
        self._engine = engine
        self._wants: dict[str, list[Want]] = {}
        self._stopping: dict[str, asyncio.Task[None]] = {}
        """By the container's id. To stop one takes as long as its runs do, and nobody waits for it."""
        self.last: datetime | None = None
        """When the last round that reached server and engine ended."""

    async def one(self) -> int:
        """How many areas were looked at."""
        worked = 0
        try:
            containers = await self._engine.containers()
        except (httpx.HTTPError, KeyError, ValueError) as error:
            logger.warning("The engine: %s: %s; the next round tries again", type(error).__name__, error)
            return worked
        for area in self._policies.areas:
            try:
                await self._look(area, containers.get(area.name, []))
                worked += 1
            except (httpx.HTTPError, OSError, KeyError, ValueError) as error:
                logger.warning("%s: %s: %s; the next round tries again", area.name, type(error).__name__, error)
        if worked:
            self.last = datetime.now(UTC)
        return worked

    async def _look(self, area: Area, containers: list[Container]) -> None:
        demand = await self._server.demand(area.pool)
        now, cool_down = datetime.now(UTC), timedelta(seconds=area.cool_down)
        by_name = {each.name: each for each in containers}
        workers = [Worker(name=each.name, state=self._state(each)) for each in containers]
        stopping = [worker.name for worker in workers if worker.state == "stopping"]
        if area.name not in self._wants:
            # Who has just opened their eyes can't tell for how long what runs has been too much.
            running = sum(worker.state == "working" for worker in workers)
            self._wants[area.name] = [Want(at=now, workers=min(area.max, area.min + running))]
        wanted = Want(at=now, workers=policies.needed(area, demand, stopping))
        self._wants[area.name] = policies.still_counting([*self._wants[area.name], wanted], now, cool_down)
        step = policies.step(area, self._wants[area.name], workers, demand.in_flight)
        waiting, taken = sum(queue.waiting for queue in demand.queues), sum(demand.in_flight.values())
        for name in step.start:
            logger.info("Starting %s: %d runs wait, %d are in flight", name, waiting, taken)
            await self._engine.start(by_name[name])
        for name in step.stop:
            logger.info("Stopping %s: %d workers have been enough for %s", name, wanted.workers, cool_down)
            self._stopping[by_name[name].id] = asyncio.create_task(self._stop(by_name[name]))

    def _state(self, container: Container) -> policies.State:
        if not container.running:
            return "stopped"
        return "stopping" if container.id in self._stopping else "working"

    async def _stop(self, container: Container) -> None:
        try:
            await self._engine.stop(container)
            logger.info("%s has stopped", container.name)
        except httpx.HTTPError as error:
            logger.warning("%s: not stopped: %s: %s", container.name, type(error).__name__, error)
        finally:
            del self._stopping[container.id]
