"""A worker of any type, with a way to stop taking runs and to know those it has.

The methods that begin with an underscore are Prefect's (prefect/workers/base.py, 3.8.8):
tests/unit/workers/test_draining.py tells when an upgrade moves them.
"""

from __future__ import annotations

import logging
import os
import signal
from abc import ABC
from collections.abc import Callable
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
        self._in_flight: dict[UUID, int | None] = {}
        """Each run that was submitted and isn't over, with its process once there is one."""
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
        runs = [] if self.draining else await super()._get_scheduled_flow_runs()
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
        def started(identifier: Any) -> None:
            self._in_flight[flow_run.id] = identifier if isinstance(identifier, int) else None

        self._in_flight[flow_run.id] = None
        noted: Any = task_status and _Noted(task_status, started)
        try:
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
            processes = [(run, pid) for run, pid in self._in_flight.items() if pid is not None]
            for run, pid in processes:
                logger.warning("Flow run '%s' took too long: its process gets %s", run, number.name)
                _signal(pid, number)
            if processes:
                await self._wait(END_SECONDS)

    async def _wait(self, seconds: float) -> None:
        with anyio.move_on_after(seconds):
            while self.in_flight:  # noqa: ASYNC110  # half of it is Prefect's own set, which tells nobody of a change
                await anyio.sleep(EVERY_SECONDS)


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
