"""A worker of any type, with a way to stop taking runs and to know those it has.

The methods that begin with an underscore are Prefect's (prefect/workers/base.py, 3.8.8):
tests/unit/workers/test_draining.py tells when an upgrade moves them.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from abc import ABC
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import anyio
import anyio.abc
import httpx
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.responses import WorkerFlowRunResponse
from prefect.exceptions import ObjectNotFound
from prefect.workers.base import BaseWorker, BaseWorkerResult

from workers.draining.lives import Life
from workers.draining.lost_runs import LOOK_SECONDS, lost_runs, was_crashed
from workers.draining.orphans import PROCESS_LABEL, WORKER_LABEL, end_orphans

logger = logging.getLogger("prefect.workers.draining")

END_SECONDS: Final = 10  # for a flow to clean up after itself, as long as an engine gives a container
EVERY_SECONDS: Final = 0.2
UNFINISHED: Final = frozenset({StateType.PENDING, StateType.RUNNING})


class Draining(BaseWorker[Any, Any, Any], ABC):
    """Laid over a type of worker by `draining()`. As an ABC it is not entered into Prefect's table of types."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.draining = False
        self.life: Life | None = None
        """By which this process's runs are told from those of another of the worker's name; None: by the name alone."""
        self._in_flight: dict[UUID, _UnderWay] = {}
        """Each run that was submitted and isn't over."""
        self._lost: set[UUID] = set()
        """Runs that were this worker's no longer at the last look."""
        self._looked_at = time.monotonic()
        self._has_looked_back = False
        self._has_polled = False
        self._asking = anyio.Lock()

    @property
    def in_flight(self) -> set[UUID]:
        return {*self._in_flight, *self._submitting_flow_run_ids}

    def is_worker_still_polling(self, query_interval_seconds: float) -> bool:
        """What the health check asks. Prefect's worker says yes from its start on, whether it reaches the server or
        not: whoever waits for this one before stopping another must know that it takes runs.
        """
        return self._has_polled and super().is_worker_still_polling(query_interval_seconds)

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """One at a time: a run that both of two answers hold is taken once."""
        async with self._asking:
            return await super().get_and_submit_flow_runs()

    async def _ask_again(self) -> None:
        """The end of a run may make room for another one, within its pool's limit or this worker's. Prefect's worker
        leaves that room empty until it asks the next time.
        """
        if self.draining:
            return
        try:
            await self.get_and_submit_flow_runs()
        except httpx.HTTPError:  # it asks every few seconds anyway, and tells of what lasts
            logger.debug("The server can't be asked for another run just now", exc_info=True)

    async def _get_scheduled_flow_runs(self) -> list[WorkerFlowRunResponse]:
        if self.type == "process":
            await self._look_back()
        await self._end_lost()
        runs = [] if self.draining else await self._not_under_way(await super()._get_scheduled_flow_runs())
        self._has_polled = True
        # It may have been told to stop while it asked. No run is this worker's before it proposes Pending.
        return [] if self.draining else runs

    async def _look_back(self) -> None:
        """End what others of this name left: before the first run is taken, and whenever one has died since."""
        dead = self.life.dead() if self.life else []
        if self._has_looked_back and not dead:
            return
        first = not self._has_looked_back
        await end_orphans(self.client, self._work_pool_name, self.name, self.life, first=first)
        if self.life:
            self.life.forget(dead)
        self._has_looked_back = True

    async def _end_lost(self) -> None:
        """End what goes on for runs that are this worker's no longer."""
        if not self._in_flight or time.monotonic() < self._looked_at + LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        started = [run for run, under_way in self._in_flight.items() if under_way.identifier is not None]
        lost = await lost_runs(self.client, started, self.name, self.life)
        for run in lost & self._lost:
            await self._end(run)
        self._lost = lost

    async def _not_under_way(self, offered: list[WorkerFlowRunResponse]) -> list[WorkerFlowRunResponse]:
        """Without runs that were scheduled anew while this worker still has a process of theirs. They are taken once
        it is gone. Prefect's worker would run both; one with a limit would fail there, and take no other run either.
        """
        twice = {each.flow_run.id for each in offered} & self._in_flight.keys() - self._submitting_flow_run_ids
        for run in twice:
            if await was_crashed(self.client, run):
                await self._end(run)
        return [each for each in offered if each.flow_run.id not in twice]

    async def _end(self, run: UUID) -> None:
        """At once: told to stop, it would tell the server that the run crashed, which by now may run elsewhere."""
        under_way = self._in_flight.get(run)
        if under_way is None or under_way.identifier is None or under_way.let_go:
            return
        logger.warning("Flow run '%s' is no longer this worker's: what it started for it is ended", run)
        under_way.let_go = True
        if isinstance(under_way.identifier, int):
            _signal(under_way.identifier, signal.SIGKILL)
            under_way.scope.cancel()  # before its end is seen, which Prefect would tell the server
            return
        try:
            unused: Any = None
            await self.kill_infrastructure(under_way.identifier, configuration=unused, grace_seconds=0)
        except Exception:  # those of the engine's client as well; the next look tries again
            under_way.let_go = False
            logger.warning("What was started for flow run '%s' can't be ended", run, exc_info=True)

    async def _propose_crashed_state(self, flow_run: FlowRun, *message: Any, **more: Any) -> None:
        under_way = self._in_flight.get(flow_run.id)
        if under_way is None or not under_way.let_go:
            await super()._propose_crashed_state(flow_run, *message, **more)

    async def _give_worker_labels_to_flow_run(self, flow_run_id: UUID) -> None:
        """Prefect's own labels, and this process's mark along with them: in one call, so that no run has but one."""
        if self.life is None:
            await super()._give_worker_labels_to_flow_run(flow_run_id)
            return
        labels = {WORKER_LABEL: self.name, "prefect.worker.type": self.type, PROCESS_LABEL: self.life.mark}
        pool = {"prefect.work-pool.name": self.work_pool.name, "prefect.work-pool.id": str(self.work_pool.id)}
        await self.client.update_flow_run_labels(flow_run_id, {**labels, **pool})

    async def _submit_run_and_capture_errors(
        self, flow_run: FlowRun, task_status: anyio.abc.TaskStatus[int | Exception] | None = None
    ) -> Any:
        under_way = self._in_flight[flow_run.id] = _UnderWay()

        def started(identifier: Any) -> None:
            under_way.identifier = identifier if isinstance(identifier, int | str) else None

        noted: Any = task_status and _Noted(task_status, started)
        try:
            with under_way.scope:
                result = await super()._submit_run_and_capture_errors(flow_run, noted)
                if isinstance(result, BaseWorkerResult) and result.status_code == 0:
                    await self._end_if_unfinished(flow_run, result.identifier)
                return result
        finally:
            self._in_flight.pop(flow_run.id, None)
            if self._runs_task_group is not None:
                self._runs_task_group.start_soon(self._ask_again)

    async def _end_if_unfinished(self, flow_run: FlowRun, identifier: str) -> None:
        """Prefect takes exit code 0 for a run that told its own end. One that found no API to tell it has not: it would
        stay Pending or Running, and hold its slot. What was paused or scheduled anew, or is somebody else's by now, is
        left as it is.
        """
        try:
            now = await self.client.read_flow_run(flow_run.id)
        except (httpx.HTTPError, ObjectNotFound):  # the janitor comes by
            logger.warning("Flow run '%s' ended, and whether it told so can't be asked", flow_run.id, exc_info=True)
            return
        if now.state_type in UNFINISHED and now.infrastructure_pid == identifier:
            await self._propose_crashed_state(flow_run, "Its process ended without telling how the run ended.")

    async def drain(self, seconds: float) -> None:
        """Take no more runs, and wait for those that there are."""
        self.draining = True
        logger.info("Worker %r takes no more runs, and waits for %d", self.name, len(self.in_flight))
        await self._wait(seconds)

    async def end_processes(self) -> None:
        """End what runs as a process of this worker: Prefect then reports the run as Crashed."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            under_way = self._in_flight.items()
            processes = [(run, each.identifier) for run, each in under_way if isinstance(each.identifier, int)]
            for run, pid in processes:
                logger.warning("Flow run '%s' took too long: its process gets %s", run, number.name)
                _signal(pid, number)
            if processes:
                await self._wait(END_SECONDS)

    async def _wait(self, seconds: float) -> None:
        with anyio.move_on_after(seconds):
            while self.in_flight:  # noqa: ASYNC110  # half of it is Prefect's own set, which tells nobody of a change
                await anyio.sleep(EVERY_SECONDS)


@dataclass
class _UnderWay:
    """A run that was submitted."""

    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    identifier: int | str | None = None
    """Its process or container, once there is one."""
    let_go: bool = False
    """It was ended for a run that isn't this worker's any more: how it ends is not for this worker to tell."""


class _Noted:
    """Prefect's task status, that tells what started to somebody else as well."""

    def __init__(self, status: anyio.abc.TaskStatus[int], note: Callable[[Any], None]) -> None:
        self._status = status
        self._note = note

    def started(self, value: Any = None) -> None:
        self._note(value)
        self._status.started(value)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._status, name)


def draining(kind: str) -> type[Draining]:
    """The class of a type of worker, as Prefect has it, with draining. Raises: LookupError: there is none."""
    base = BaseWorker.get_worker_class_from_type(kind)
    if base is None:
        known = ", ".join(sorted(BaseWorker.get_all_available_worker_types()))
        raise LookupError(f"no worker of type {kind!r}: there are {known}")
    return type(f"Draining{base.__name__}", (Draining, base, ABC), {})


def _signal(pid: int, number: signal.Signals) -> None:
    """To a flow's whole process group, where it has one of its own."""
    try:
        if os.getpgid(pid) == pid:
            os.killpg(pid, number)
        else:
            os.kill(pid, number)
    except ProcessLookupError:
        pass
