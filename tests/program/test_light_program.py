"""What Pulumi's SDK does for each resource beside making it, and that it stays in proportion."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks, settings
from pulumi.runtime.stack import run_pulumi_func

from infra.resources import Deployment, WorkPool, light_program

MANY = 150


class Everything(pulumi.runtime.Mocks):
    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        time.sleep(0.001)  # so that the registrations are not all done before the first is waited for
        return args.name, {**args.inputs, "work_pool_id": "uuid", "deployment_id": "uuid"}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        if args.token == "prefect:index:getServerVersion":
            return {"version": "3.8.8"}
        raise AssertionError(f"the program calls no other function, called {args.token}")


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    settings.reset_options()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    mocks.set_mocks(Everything(), "prefect-infra", "pruebas", preview=False)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()
    settings.reset_options()


def deployment(n: int, pool: WorkPool, **more: Any) -> Deployment:
    return Deployment(f"d{n}", name=f"d{n}", flow_name=f"f{n}", entrypoint="a.py:f", work_pool=pool, **more)


def test_a_program_waits_for_many_resources_without_looking_at_all_of_them_each_time(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at = 0
    wait = asyncio.wait

    async def counting(tasks: Iterable[Any], **options: Any) -> Any:
        nonlocal looked_at
        tasks = list(tasks)
        looked_at += len(tasks)
        return await wait(tasks, **options)

    monkeypatch.setattr("pulumi.runtime.stack.asyncio.wait", counting)

    def program() -> None:
        settings._get_rpc_manager().clear()  # in a real program the stack's own registration hasn't begun by now
        pool = WorkPool("pool", name="pool", type="process")
        for n in range(MANY):
            deployment(n, pool)

    loop.run_until_complete(run_pulumi_func(program))
    assert looked_at < 10 * MANY


def test_the_sdks_debug_messages_stay_away_and_a_programs_own_do_not(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(pulumi.log, "debug", lambda message, **_: told.append(message))

    def program() -> None:
        deployment(1, WorkPool("pool", name="pool", type="process"))
        pulumi.log.debug("mine")

    loop.run_until_complete(run_pulumi_func(program))
    assert "mine" in told
    assert [message for message in told if "prefect:index" in message] == []


def test_the_types_of_a_class_are_found_out_once(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[type] = []
    real = pulumi._types._types_from_annotations
    monkeypatch.setattr(pulumi._types, "_types_from_annotations", lambda cls: (found.append(cls), real(cls))[1])
    light_program._types_of_class.cache_clear()

    def program() -> None:
        pool = WorkPool("pool", name="pool", type="process")
        for n in range(3):
            deployment(n, pool)

    loop.run_until_complete(run_pulumi_func(program))
    assert found.count(Deployment) == 1


def test_what_was_given_and_what_the_server_makes_are_outputs(loop: asyncio.AbstractEventLoop) -> None:
    seen: dict[str, Any] = {}

    def program() -> None:
        made = deployment(1, WorkPool("pool", name="pool", type="process"), description="x")
        for name in ("name", "description", "deployment_id"):
            getattr(made, name).apply(lambda value, name=name: seen.update({name: value}))
        assert not hasattr(made, "path")

    loop.run_until_complete(run_pulumi_func(program))
    assert seen == {"name": "d1", "description": "x", "deployment_id": "uuid"}


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the engine is asked to register, by name."""
    seen: dict[str, Any] = {}
    real = pulumi.runtime.mocks.MockMonitor.RegisterResource
    monkeypatch.setattr(
        pulumi.runtime.mocks.MockMonitor,
        "RegisterResource",
        lambda self, request: (seen.update({request.name: request}), real(self, request))[1],
    )
    return seen


def test_the_state_keeps_the_calls_of_the_program_once_and_none_of_the_sdk(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch, requests: dict[str, Any]
) -> None:
    monkeypatch.chdir(Path(__file__).parent)

    def called() -> None:
        pool = WorkPool("pool", name="pool", type="process")
        [deployment(n, pool) for n in (2,)]

    loop.run_until_complete(run_pulumi_func(called))

    for name in ("pool", "d2"):
        request = requests[name]
        assert request.sourcePosition.uri == Path(__file__).as_uri()
        uris = [frame.pc.uri for frame in request.stackTrace.frames]
        assert len(uris) != 1, "it would say the position again"
        assert {*uris} <= {Path(__file__).as_uri()}
        places = [(frame.pc.uri, frame.pc.line) for frame in request.stackTrace.frames]
        assert all(place != following for place, following in pairwise(places))
    assert len(requests["d2"].stackTrace.frames) > 1, "the calls from which it came"
