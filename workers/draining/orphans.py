"""Runs of a process worker that was killed along with its flows: nobody else would ever end them.

A process worker's runs live in its container. When it begins, none can be alive: what the server still holds for
Running, Pending or Cancelling under the worker's name has lost its process.
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

logger = logging.getLogger("prefect.workers.draining")

WORKER_LABEL: Final = "prefect.worker.name"
PAGE: Final = 200
UNFINISHED: Final = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]


async def end_orphans(client: PrefectClient, pool: str, worker: str) -> list[FlowRun]:
    """End the runs that the worker left behind; those."""
    orphans = [run for run in await _unfinished(client, pool) if run.labels.get(WORKER_LABEL) == worker]
    for run in orphans:
        state = _end_of(run, worker)
        logger.warning("Flow run '%s' (%s) lost its worker: %s", run.name, run.id, state.name)
        # Forced: rules that would hold a living run back, for a retry say, don't hold a dead one.
        await client.set_flow_run_state(run.id, state, force=True)
    return orphans


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
