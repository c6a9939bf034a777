"""A plugin killed at each call of a destroy, a replacement, a refresh, an import, or of taking over what was there."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Any

import grpc
import pytest

from tests.provider.conftest import Engine, serving
from tests.provider.everything import everything
from tests.provider.front import fronting, nothing
from tests.provider.killing import Declared, Killer, Scenario, State, answered, destroy, plugin, refresh, up
from tests.provider.small_program import small_program

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def prefect_server(own_server: str) -> str:
    return own_server


@pytest.fixture
async def neighbour(prefect_server: str, unique: str) -> AsyncIterator[State]:
    """Another stack's objects, with triggers of the same names as ours: each test sees that they stay as they are."""
    theirs = State(stack="otra")
    program = small_program(f"{unique}-otra", theirs)
    same_triggers = [{"name": f"{unique}-t{i}", "expect": ["suyo"]} for i in (1, 2)]
    program[3] = program[3]._replace(inputs={**program[3].inputs, "triggers": same_triggers})
    async with serving({"api_url": prefect_server}) as engine:
        await up(engine, theirs, program)
    yield theirs
    async with serving({"api_url": prefect_server}) as engine:
        await destroy(engine, theirs)


@pytest.mark.usefixtures("neighbour")
async def test_wherever_a_destroy_is_killed_the_next_one_leaves_nothing_not_even_triggers_or_late_runs(
    prefect_server: str, client: Any, unique: str
) -> None:
    async def prepare(engine: Engine, state: State) -> None:
        await up(engine, state, small_program(unique, state))
        await client.post(f"deployments/{state.resources['one'].id}/schedule", {"min_runs": 2})

    calls = await Scenario(destroy, prepare).killed_at_each_call(prefect_server, client)

    assert len(calls) >= 10


async def runs_wait(client: Any, state: State) -> None:
    """Asked for by hand, one to come and one overdue."""
    if "one" not in state.resources:
        return
    for name, due in (("soon", "2040-01-01T03:00:00Z"), ("late", "2024-01-01T03:00:00Z")):
        waiting = {"type": "SCHEDULED", "state_details": {"scheduled_time": due}}
        body = {"name": name, "parameters": {"n": 7}, "tags": ["a mano"], "state": waiting}
        await client.post(f"deployments/{state.resources['one'].id}/create_flow_run", body)


@pytest.mark.parametrize(
    ("change", "only"),
    [
        ({"renamed": {"one": "otro-nombre"}}, {"pool", "queue", "one"}),
        ({"pool_type": "docker"}, {"pool", "queue", "other-queue", "one"}),
        ({"renamed": {"queue": "otro-nombre"}}, {"pool", "queue", "one"}),
        ({"renamed": {"block": "otro-nombre"}}, {"block", "of-a-block"}),
    ],
    ids=["deployment", "pool", "queue", "block"],
)
@pytest.mark.usefixtures("neighbour")
async def test_wherever_a_replacement_is_killed_the_next_up_has_the_new_one_once_with_its_waiting_runs_and_no_old_one(
    prefect_server: str, client: Any, unique: str, change: dict[str, Any], only: set[str]
) -> None:
    async def prepare(engine: Engine, state: State) -> None:
        await up(engine, state, small_program(unique, state, only=only))
        await runs_wait(client, state)

    async def replace(engine: Engine, state: State) -> None:
        await up(engine, state, small_program(unique, state, only=only, **change))

    await Scenario(replace, prepare).killed_at_each_call(prefect_server, client)


async def test_wherever_a_queue_for_another_is_killed_its_waiting_runs_wait_in_the_other_once(
    prefect_server: str, client: Any, unique: str
) -> None:
    of_the_queue = {"pool", "queue", "other-queue", "one"}

    async def prepare(engine: Engine, state: State) -> None:
        await up(engine, state, small_program(unique, state, only=of_the_queue))
        await runs_wait(client, state)

    async def leave(engine: Engine, state: State) -> None:
        program = small_program(unique, state, only=of_the_queue - {"queue"})
        there = {"work_queue_name": "tranquila"}
        await up(
            engine, state, [it._replace(inputs={**it.inputs, **there}) if it.name == "one" else it for it in program]
        )

    calls = await Scenario(leave, prepare).killed_at_each_call(prefect_server, client)

    assert len([call for call in calls if call.path.endswith("/create_flow_run")]) == 2


@pytest.mark.parametrize("then", [{"concurrency_limit": 2}, None], ids=["one of its own", "gone"])
async def test_wherever_letting_go_of_a_shared_limit_is_killed_the_limit_stays_as_it_was_declared(
    prefect_server: str, client: Any, unique: str, then: dict[str, Any] | None
) -> None:
    def program(state: State, more: dict[str, Any] | None) -> list[Declared]:
        pool, deployment, limit = small_program(unique, state, n=5, only={"pool", "two", "limit"})
        if more is None:
            return [pool, limit]
        return [pool, limit, deployment._replace(inputs={**deployment.inputs, **more})]

    async def prepare(engine: Engine, state: State) -> None:
        shared = {"global_concurrency_limit_id": state.output("limit", "limit_id")}
        await up(engine, state, program(state, shared))

    async def let_go(engine: Engine, state: State) -> None:
        await up(engine, state, program(state, then))

    calls = await Scenario(let_go, prepare).killed_at_each_call(prefect_server, client)

    assert len([call for call in calls if call.writes]) == 2


@pytest.mark.usefixtures("neighbour")
async def test_refreshes_and_imports_only_read_and_after_one_was_killed_at_each_call_the_next_finds_the_same(
    prefect_server: str, client: Any, unique: str
) -> None:
    state = State()

    async def read(engine: Engine) -> list[str]:
        assert await refresh(engine, state) == {}
        known = [(resource.token.rpartition(":")[2], name, resource.id) for name, resource in state.resources.items()]
        return [str((await engine.import_(kind, name, id_)).values) for kind, name, id_ in known]

    async with serving({"api_url": prefect_server}) as engine:
        await up(engine, state, small_program(unique, state))
    before = await everything(client)
    async with fronting(prefect_server) as front:
        async with serving({"api_url": front.url}) as engine:
            found = await read(engine)
        calls = answered(front)
        for number in range(1, len(calls) + 1):
            async with plugin(front.url) as (engine, pid):
                killer = Killer(number, after=True, kill=partial(os.kill, pid, signal.SIGKILL))
                killer.stand_at(front)
                with suppress(grpc.aio.AioRpcError):
                    await read(engine)
                assert killer.done
        front.before = front.after = nothing
        async with serving({"api_url": front.url}) as engine:
            assert await read(engine) == found
            assert not any(call.writes for call in front.seen)
            assert await everything(client) == before
            await destroy(engine, state)


async def test_wherever_taking_over_what_was_there_is_killed_the_next_up_has_it_under_the_same_ids(
    prefect_server: str, client: Any, unique: str
) -> None:
    each_kind = {"pool", "queue", "one", "block", "variable", "limit", "of-a-tag", "automation"}
    ids: set[str] = set()

    async def prepare(engine: Engine, state: State) -> None:
        theirs = State(stack="otra")
        await up(engine, theirs, small_program(unique, theirs, only=each_kind))
        ids.clear()
        ids.update(await everything(client))

    async def adopt(engine: Engine, state: State) -> None:
        await up(engine, state, small_program(unique, state, n=2, adopt=True, only=each_kind))

    async def same_ids(state: State) -> None:
        assert {*(await everything(client))} == ids

    await Scenario(adopt, prepare, also=same_ids).killed_at_each_call(prefect_server, client)
