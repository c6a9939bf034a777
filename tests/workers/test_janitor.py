"""Each of the janitor's policies on a real server."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import anyio
import pytest
from prefect.client.orchestration import PrefectClient

from tests.workers.conftest import Work
from workers.janitor.policies import SETTLING, Policies
from workers.janitor.rounds import Rounds
from workers.janitor.server import Server

pytestmark = [pytest.mark.server, pytest.mark.thorough]
OFF = {"zombie_runs": None, "pending_timeout": None, "late_runs": "run_all", "dead_workers": None, "rerun_crashed": 0}


@pytest.fixture
async def client(server: str) -> AsyncIterator[PrefectClient]:
    async with PrefectClient(server) as made:
        yield made


def rounds(work: Work, client: PrefectClient, **policies: Any) -> Rounds:
    given = Policies.model_validate({"pools": [work.pool], "every": 1, **OFF, **policies})
    return Rounds(given, Server(client, given.pools))


def beat(work: Work, run: str) -> None:
    event = {
        "id": str(uuid4()),
        "event": "prefect.flow-run.heartbeat",
        "occurred": datetime.now(UTC).isoformat(),
        "resource": {"prefect.resource.id": f"prefect.flow-run.{run}"},
    }
    work.api.post("events", json=[event]).raise_for_status()


def has_beaten(work: Work, run: str) -> bool:
    condition = {"resource": {"id": [f"prefect.flow-run.{run}"]}, "event": {"name": ["prefect.flow-run.heartbeat"]}}
    return bool(work.api.post("events/filter", json={"filter": condition}).json()["events"])


async def test_a_run_without_a_sign_of_life_ends_crashed_and_one_with_goes_on(
    work: Work, client: PrefectClient
) -> None:
    dead, alive, cancelling = (work.submit() for _ in range(3))
    for run in (dead, alive):
        work.put(run, "RUNNING")
    work.put(cancelling, "CANCELLING")
    janitor = rounds(work, client, zombie_runs=8)
    await janitor.one()
    assert work.state(dead) == "RUNNING"  # it has just begun to look: who can say how long nobody beat

    with anyio.fail_after(60):
        while work.state(dead) == "RUNNING":
            beat(work, alive)
            await anyio.sleep(1)
            await janitor.one()

    await janitor.one()
    assert work.state(dead) == "CRASHED"
    assert "never a heartbeat" in work.run(dead)["state"]["message"]
    assert work.state(cancelling) == "CANCELLED"
    assert has_beaten(work, alive)
    assert work.state(alive) == "RUNNING"


async def test_after_a_pause_the_silence_is_nobodys_fault(work: Work, client: PrefectClient) -> None:
    run = work.submit()
    work.put(run, "RUNNING")
    janitor = rounds(work, client, zombie_runs=2)
    await janitor.one()
    janitor.last = datetime.now(UTC) - timedelta(hours=1)
    janitor._watching_since = datetime.now(UTC) - timedelta(hours=2)
    await anyio.sleep(2.5)

    await janitor.one()

    assert work.state(run) == "RUNNING"


async def test_what_was_taken_and_never_started_ends_crashed(work: Work, client: PrefectClient) -> None:
    run, waiting = work.submit(), work.submit()
    work.put(run, "PENDING")
    janitor = rounds(work, client, pending_timeout=1)
    await anyio.sleep(1.5)

    await janitor.one()

    assert work.state(run) == "CRASHED"
    assert work.state(waiting) == "SCHEDULED"


async def test_nothing_is_judged_while_the_servers_clock_is_another_one(
    work: Work, client: PrefectClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = work.submit()
    work.put(run, "PENDING")
    server = Server(client, [work.pool])
    assert abs(await server.skew()) < timedelta(seconds=5)
    janitor = rounds(work, client, pending_timeout=1)
    await anyio.sleep(1.5)

    async def behind(_: Server) -> timedelta:
        return timedelta(hours=-1)

    with monkeypatch.context() as patch:
        patch.setattr(Server, "skew", behind)
        assert await janitor.one() == 0
    assert work.state(run) == "PENDING"

    await janitor.one()
    assert work.state(run) == "CRASHED"


async def test_after_a_pause_what_was_taken_has_its_time_to_start_anew(work: Work, client: PrefectClient) -> None:
    run = work.submit()
    work.put(run, "PENDING")
    janitor = rounds(work, client, pending_timeout=2)
    janitor.last = datetime.now(UTC) - timedelta(hours=1)
    await anyio.sleep(2.5)

    await janitor.one()
    assert work.state(run) == "PENDING"

    await anyio.sleep(2.5)
    await janitor.one()
    assert work.state(run) == "CRASHED"


def scheduled_late(work: Work, hours: list[int]) -> dict[int, str]:
    """Runs of a schedule that nobody took in time, as the server's scheduler makes them."""
    now = datetime.now(UTC)
    schedule = {"schedule": {"interval": 3600, "anchor_date": "2020-01-01T00:00:00+00:00"}, "active": True}
    deployment = work.deploy("tardia", schedules=[schedule])
    body = {"start_time": (now - timedelta(hours=max(hours) + 1)).isoformat(), "end_time": now.isoformat()}
    work.api.post(f"deployments/{deployment}/schedule", json=body).raise_for_status()
    filters = {"deployments": {"id": {"any_": [deployment]}}, "sort": "EXPECTED_START_TIME_DESC"}
    filters["flow_runs"] = {"expected_start_time": {"before_": now.isoformat()}}
    rows = work.api.post("flow_runs/filter", json=filters).json()
    assert len(rows) > max(hours), rows
    return {hour: rows[hour]["id"] for hour in hours}


@pytest.mark.parametrize(("policy", "kept"), [("run_all", {0, 1, 2}), ("keep_latest", {0}), (5400, {0})])
async def test_late_runs_are_made_up_for_as_the_policy_says(
    work: Work, client: PrefectClient, policy: str | int, kept: set[int]
) -> None:
    runs = scheduled_late(work, [0, 1, 2])
    by_hand = work.submit()

    await rounds(work, client, late_runs=policy).one()

    states = {hour: work.run(run)["state"] for hour, run in runs.items()}
    waiting = {hour for hour, state in states.items() if state["type"] == "SCHEDULED"}
    # The last full hour is up to an hour ago, the one before it up to two.
    assert waiting - {1} == kept - {1}, states
    if policy == "run_all":
        assert waiting == kept
    assert all(state["name"] == "Skipped" for hour, state in states.items() if hour not in waiting)
    assert work.state(by_hand) == "SCHEDULED"


async def test_a_worker_that_is_long_gone_is_forgotten(work: Work, client: PrefectClient) -> None:
    work.api.post(f"work_pools/{work.pool}/workers/heartbeat", json={"name": "ido"}).raise_for_status()
    workers = f"work_pools/{work.pool}/workers/filter"
    await anyio.sleep(2.5)
    work.api.post(f"work_pools/{work.pool}/workers/heartbeat", json={"name": "aqui"}).raise_for_status()

    await rounds(work, client, dead_workers=2).one()

    assert [row["name"] for row in work.api.post(workers, json={}).json()] == ["aqui"]


async def test_a_run_that_crashed_runs_again_and_one_that_always_crashes_ends_for_good(
    work: Work, client: PrefectClient
) -> None:
    """With a real worker: the flow kills itself each time."""
    work.worker()
    run, careful = work.submit("cae"), work.submit("cae")
    work.api.patch(f"flow_runs/{careful}", json={"tags": ["no-rerun"]}).raise_for_status()
    janitor = rounds(work, client, rerun_crashed=1)

    def begun(of: str) -> int:
        return int(work.run(of)["run_count"])

    with anyio.fail_after(600):  # a flow starts twice, which takes a busy machine a while
        while begun(run) < 2 or work.state(run) != "CRASHED":
            await janitor.one()
            await anyio.sleep(1)
        crashed = datetime.now(UTC)
        while datetime.now(UTC) - crashed < SETTLING + timedelta(seconds=2):
            await janitor.one()
            await anyio.sleep(1)
    assert (work.state(run), work.state(careful)) == ("CRASHED", "CRASHED")
    assert (begun(run), begun(careful)) == (2, 1)


async def test_a_server_that_is_away_is_told_of_and_ends_nothing(work: Work, caplog: pytest.LogCaptureFixture) -> None:
    async with PrefectClient("http://127.0.0.1:9/api") as nobody:
        janitor = rounds(work, nobody, zombie_runs=1, pending_timeout=1)
        with caplog.at_level(logging.WARNING, "janitor"):
            assert await janitor.one() < 5
    assert "next round tries again" in caplog.text
