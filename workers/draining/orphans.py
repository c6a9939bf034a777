"""Runs of a process worker that was killed along with its flows: nobody else would ever end them.

A process worker's runs live in its container. What the server still holds for Running, Pending or Cancelling under the
worker's name, of a process that is gone, has gone with it. While one container follows another there are two processes
of that name, and the mark on a run tells whose it is.
"""

from __future__ import annotations

import logging
from typing import Final

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Cancelled, Crashed

from workers.draining.lives import Life

logger = logging.getLogger("prefect.workers.draining")

WORKER_LABEL: Final = "prefect.worker.name"
PROCESS_LABEL: Final = "prefect-infra.worker-process"
"""Of a run: the mark of the worker's process that took it."""
PAGE: Final = 200
UNFINISHED: Final = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]


async def end_orphans(
    client: PrefectClient, pool: str, worker: str, life: Life | None, *, first: bool = True
) -> list[FlowRun]:
    """End the runs that processes of the worker left behind; those.

    `first`: this process has taken no run yet. Only then is a run without a mark known to be another's.
    """
    orphans = [run for run in await _unfinished(client, pool) if _is_orphan(run, worker, life, first=first)]
    for run in orphans:
        state = _end_of(run, worker)
        logger.warning("Flow run '%s' (%s) lost its worker: %s", run.name, run.id, state.name)
        # Forced: rules that would hold a living run back, for a retry say, don't hold a dead one.
        await client.set_flow_run_state(run.id, state, force=True)
    return orphans


def _is_orphan(run: FlowRun, worker: str, life: Life | None, *, first: bool) -> bool:
    if run.labels.get(WORKER_LABEL) != worker:
        return False
    mark = run.labels.get(PROCESS_LABEL)
    return first if life is None or mark is None else not life.is_alive(str(mark))


def _end_of(run: FlowRun, worker: str) -> State[object]:
    message = f"The worker {worker} was killed, and this run along with it."
    if run.state_type == StateType.CANCELLING:
        return Cancelled(message=message)
    return Crashed(message=message)


async def _unfinished(client: PrefectClient, pool: str) -> list[FlowRun]:
    found: list[FlowRun] = []
    while True:
        page = await client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNFINISHED)),
            ),
            work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[pool])),
            limit=PAGE,
            offset=len(found),
        )
        found += page
        if len(page) < PAGE:
            return found
