"""Runs that are no longer this worker's, though what it started for them goes on.

A run's process asks nobody whether the run is still its own. It finds out when it next has something to tell: after an
hour, say, where it was told to wait for the time it is scheduled for by a server whose clock was wrong. Until then it
holds one of the worker's slots, and does once more what is done elsewhere by now.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun, StateType

from workers.draining.lives import Life
from workers.draining.orphans import PAGE, PROCESS_LABEL, WORKER_LABEL

LOOK_SECONDS: Final = 30.0
"""Between two looks. What is lost at both is ended: a flow that crashed by itself has that long for its hooks."""


async def lost_runs(client: PrefectClient, runs: Collection[UUID], worker: str, life: Life | None) -> set[UUID]:
    """Of the runs that this worker has under way, those that aren't its own."""
    found: set[UUID] = set()
    ids = list(runs)
    for first in range(0, len(ids), PAGE):
        some = FlowRunFilter(id=FlowRunFilterId(any_=ids[first : first + PAGE]))
        found |= {run.id for run in await client.read_flow_runs(flow_run_filter=some) if _is_lost(run, worker, life)}
    return found


async def was_crashed(client: PrefectClient, run: UUID) -> bool:
    """Whether a run that waits to be taken was Crashed before that, and not ended by itself."""
    states = sorted(await client.read_flow_run_states(run), key=lambda state: state.timestamp)
    before = [state for state in states if state.type != StateType.SCHEDULED]
    return bool(before) and before[-1].type == StateType.CRASHED


def _is_lost(run: FlowRun, worker: str, life: Life | None) -> bool:
    if run.state_type == StateType.CRASHED:
        return True
    if run.labels.get(WORKER_LABEL, worker) != worker:
        return True
    mark = run.labels.get(PROCESS_LABEL)
    return life is not None and mark is not None and mark != life.mark
