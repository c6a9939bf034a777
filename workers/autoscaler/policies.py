"""How many workers an area should have, and which to start or stop: without a clock, a server or a side effect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

State = Literal["stopped", "working", "stopping"]


class Area(BaseModel):
    """What a stack file says of an area's workers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    pool: str
    type: Literal["process", "docker"]
    limit: int = Field(ge=1)
    """Runs at once per worker."""
    min: int = Field(ge=0)
    max: int = Field(ge=1)
    cool_down: int = Field(ge=1)
    """Seconds for which fewer workers must have been enough before one is stopped."""

    @model_validator(mode="after")
    def _in_order(self) -> Area:
        if self.min >= self.max:
            raise ValueError("min is below max")
        return self


class Policies(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    every: int = Field(gt=0)
    """Seconds from one look to the next."""
    areas: tuple[Area, ...]


@dataclass(frozen=True, kw_only=True)
class Queue:
    waiting: int
    """Runs that are due and that no worker has taken."""
    in_flight: int
    limit: int | None = None
    paused: bool = False


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What an area's pool has to do."""

    queues: Sequence[Queue]
    in_flight: Mapping[str | None, int]
    """Runs that a worker took, by the worker's name; of None it isn't known yet."""
    limit: int | None = None
    """Runs of the pool at once."""
    paused: bool = False


@dataclass(frozen=True, kw_only=True)
class Worker:
    """One of those that may be stopped: the first `min` are none of them."""

    name: str
    state: State


@dataclass(frozen=True, kw_only=True)
class Want:
    """How many workers were enough at a time."""

    at: datetime
    workers: int


@dataclass(frozen=True, kw_only=True)
class Step:
    start: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()


def needed(area: Area, demand: Demand, stopping: Iterable[str] = ()) -> int:
    """How many workers are enough for what runs and what could run.

    What a limit or a pause of the pool or of a queue holds back no further worker could take. A worker that is
    stopping ends its own runs, and counts for nothing.
    """
    startable = 0
    if not demand.paused:
        for queue in demand.queues:
            room = queue.waiting if queue.limit is None else max(0, queue.limit - queue.in_flight)
            startable += 0 if queue.paused else min(queue.waiting, room)
        if demand.limit is not None:
            startable = min(startable, max(0, demand.limit - sum(demand.in_flight.values())))
    gone = frozenset(stopping)
    kept = sum(count for worker, count in demand.in_flight.items() if worker not in gone)
    return min(area.max, max(area.min, -(-(startable + kept) // area.limit)))


def still_counting(wants: Iterable[Want], now: datetime, cool_down: timedelta) -> list[Want]:
    """What was wanted within the cool-down: the most of it is what there should be."""
    return [want for want in wants if now - want.at <= cool_down]


def step(area: Area, wants: Sequence[Want], workers: Sequence[Worker], in_flight: Mapping[str | None, int]) -> Step:
    """More for what is wanted now; fewer once no more were wanted for the whole cool-down. So none goes soon after one
    came, which it would if it came for what was wanted before: when all who might have come were stopping.

    `wants`: of the cool-down, the newest last.
    """
    working = [worker.name for worker in workers if worker.state == "working"]
    there = area.min + len(working)
    if there < wants[-1].workers:
        stopped = [worker.name for worker in workers if worker.state == "stopped"]
        return Step(start=tuple(stopped[: wants[-1].workers - there]))
    surplus = max(0, there - max(want.workers for want in wants))
    # Of those that are as idle, the last: the first ones are what people know.
    candidates = sorted(working, key=lambda name: (in_flight.get(name, 0), -working.index(name)))
    if area.type == "process":
        # A process worker that has runs ends them when they take longer than it may drain; a run that was taken a
        # moment ago may be anybody's. A docker worker's run goes on by itself.
        known = not in_flight.get(None)
        candidates = [name for name in candidates if known and not in_flight.get(name)]
    return Step(stop=tuple(candidates[:surplus]))
