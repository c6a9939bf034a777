"""What the autoscaler reads from a real server: what waits for a worker, and which worker has what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient

from tests.workers.conftest import Work
from workers.autoscaler.server import WORKER_LABEL, Server

pytestmark = [pytest.mark.server, pytest.mark.thorough]


@pytest.fixture
async def client(server: str) -> AsyncIterator[PrefectClient]:
    async with PrefectClient(server) as made:
        yield made


def put(work: Work, run: str, state: str, worker: str | None = None, **more: Any) -> None:
    work.put(run, state, **more)
    if worker:
        work.api.patch(f"flow_runs/{run}/labels", json={WORKER_LABEL: worker}).raise_for_status()


async def test_what_is_due_waits_and_what_a_worker_took_is_known_by_its_name(work: Work, client: PrefectClient) -> None:
    due, later, slot, retried, running, pending, ended = (work.submit() for _ in range(7))
    put(work, later, "SCHEDULED", state_details={"scheduled_time": "2100-01-01T00:00:00Z"})
    put(work, slot, "SCHEDULED", name="AwaitingConcurrencySlot")
    put(work, running, "RUNNING", "w-1")
    put(work, pending, "PENDING")
    put(work, ended, "COMPLETED", "w-1")
    put(work, retried, "SCHEDULED", "w-2", name="AwaitingRetry")
    policy = {"empirical_policy": {"retry_type": "in_process"}}
    work.api.patch(f"flow_runs/{retried}", json=policy).raise_for_status()
    assert work.state(due) == "SCHEDULED"

    demand = await Server(client).demand(work.pool)

    (queue,) = demand.queues
    assert (queue.waiting, queue.in_flight) == (1, 3)
    assert dict(demand.in_flight) == {"w-1": 1, "w-2": 1, None: 1}
    assert (demand.limit, demand.paused, queue.limit, queue.paused) == (None, False, None, False)


async def test_runs_over_their_deployments_limit_wait_for_that_and_not_for_a_worker(
    work: Work, client: PrefectClient
) -> None:
    work.deploy("espera", concurrency_limit=2)
    runs = [work.submit() for _ in range(5)]
    assert len({work.submit("cae") for _ in range(3)}) == 3
    put(work, runs[0], "RUNNING", "w-1")

    (queue,) = (await Server(client).demand(work.pool)).queues

    assert queue.waiting == 1 + 3


async def test_limits_and_pauses_are_known_and_asking_makes_no_pool_ready(work: Work, client: PrefectClient) -> None:
    work.submit()
    work.api.patch(f"work_pools/{work.pool}", json={"concurrency_limit": 3}).raise_for_status()
    body = {"concurrency_limit": 2, "is_paused": True}
    work.api.patch(f"work_pools/{work.pool}/queues/default", json=body).raise_for_status()

    demand = await Server(client).demand(work.pool)

    assert (demand.limit, demand.queues[0].limit, demand.queues[0].paused) == (3, 2, True)
    assert work.api.get(f"work_pools/{work.pool}").json()["status"] == "NOT_READY"
