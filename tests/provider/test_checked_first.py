"""What is wrong is told when inputs are checked, before anything is made: all at once, each at its place."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import grpc
import pytest

from infra.provider import wire
from infra.provider.kinds.job_template import WORKER_TYPES
from tests.provider.conftest import Resource, serving

pytestmark = pytest.mark.server

ZONE = "America/Argentina/Buenos_Aires"
GIT = "prefect.deployments.steps.git_clone"
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}
DEPLOYMENT = {
    "name": "importar",
    "flow_name": "importar",
    "entrypoint": "a.py:f",
    "work_pool_name": "p",
    "parameter_openapi_schema": SCHEMA,
}
MISTAKEN: dict[str, Any] = {
    "name": "importar/lista",
    "flow_name": "importar%",
    "entrypoint": "a.py",
    "work_queue_name": "a&b",
    "concurrency_limit": 0,
    "tags": 3,
    "descripcion": "x",
    "parameters": {"n": "x", "m": 1},
    "parameter_openapi_schema": SCHEMA,
    "pull_steps": [{GIT[:-1]: {}}, {GIT: {}, "id": "x"}, {"clonar": {}}],
    "schedules": [
        {"slug": "a", "cron": "61 1,13 * * lunes", "timezone": "America/Buenos_Aire"},
        {"slug": "b", "rrule": "FREQ=QUINCENAL", "timezone": ZONE},
        {"slug": "c", "interval": -5, "timezone": ZONE, "anchor_date": "ayer"},
        {"slug": "", "cron": "H * * * *", "timezone": ZONE},
    ],
    "triggers": [{"name": "t", "posture": "Proactive", "within": 5}],
    "owners": {"nombre": "ui"},
}
TOLD = {
    "name": "try 'importar-lista'",
    "flow_name": "no '%'",
    "entrypoint": "expected `path/file.py:function`",
    "work_pool_name": "is required",
    "work_queue_name": "no '&'",
    "concurrency_limit": "greater than or equal to 1",
    "tags": "expected a list, got a number",
    "descripcion": "there are: ",
    "parameters.n": "expected an integer, got a text",
    "parameters.m": "the flow has no such parameter",
    f'pull_steps[0]["{GIT[:-1]}"]': f"did you mean {GIT}?",
    "pull_steps[1]": f"got id, {GIT}",
    "pull_steps[2].clonar": "such as prefect.deployments.steps.git_clone",
    "schedules[0].cron": "the minute is '61', which is none; the day of week is 'lunes', which is none: one is `30 ",
    "schedules[0].timezone": "did you mean 'America/Buenos_Aires'",
    "schedules[1].rrule": "one is `FREQ=WEEKLY;BYDAY=MO`",
    "schedules[2].interval": "greater than 0",
    "schedules[2].anchor_date": "such as 2026-01-01T08:00:00",
    "schedules[3].slug": "at least 1 character",
    "schedules[3].cron": "the minute is 'H'",
    "triggers[0]": "10 seconds or more",
    "owners.nombre": "has no owner of its own; there are: ",
}


async def failures(engine: Any, token: str, inputs: dict[str, Any], name: str = "r") -> dict[str, str]:
    try:
        await engine.check(Resource(f"prefect:index:{token}", name), inputs)
    except engine.CheckFailed as failed:
        return dict(failed.failures)
    return {}


async def test_all_mistakes_of_a_deployment_are_told_at_once_each_at_its_place(offline: Any) -> None:
    told = await failures(offline, "Deployment", MISTAKEN)

    assert {*told} == {*TOLD}
    for path, reason in TOLD.items():
        assert reason in told[path], (path, told[path])


@pytest.mark.parametrize(
    ("token", "wrong", "expected"),
    [
        ("Variable", {"name": "A b", "value": "x" * 5000, "tags": 3}, {"name", "value", "tags"}),
        ("GlobalConcurrencyLimit", {"name": "tag:x", "limit": -1}, {"name", "limit"}),
        ("TagConcurrencyLimit", {"tag": "a/b", "concurrency_limit": -1}, {"tag", "concurrency_limit"}),
        ("Block", {"name": "A", "data": {}}, {"name", "type_slug"}),
        (
            "WorkPool",
            {"name": "prefect-x", "base_job_template": {}, "concurrency_limit": -1},
            {"name", "type", "base_job_template", "concurrency_limit"},
        ),
        (
            "WorkPool",
            {
                "name": "p",
                "type": "x",
                "base_job_template": {"job_configuration": {}, "variables": {"properties": {"image": {}}}},
                "job_defaults": {"imagen": "x"},
            },
            {"job_defaults.imagen"},
        ),
    ],
)
async def test_rules_are_told_beside_wrong_types_and_missing_inputs(
    offline: Any, token: str, wrong: dict[str, Any], expected: set[str]
) -> None:
    assert {*await failures(offline, token, wrong)} == expected


async def test_a_misspelt_worker_type_or_job_default_is_told_before_anything_is_made(
    engine: Any, client: Any, unique: str
) -> None:
    await client.get(WORKER_TYPES)  # a server that has just started looks for news of them in the network first
    told = await failures(engine, "WorkPool", {"name": unique, "type": "dokcer", "job_defaults": {"image": "x"}})
    assert told == {"type": "the server has no such worker type: did you mean 'docker'?"}

    defaults = {"imagen": "x", "stream_output": False}
    told = await failures(engine, "WorkPool", {"name": unique, "type": "docker", "job_defaults": defaults})
    assert [*told] == ["job_defaults.imagen"]
    assert "the template of the type 'docker' has no such variable: did you mean 'image'" in told["job_defaults.imagen"]

    told = await failures(engine, "WorkPool", {"name": unique, "type": "process", "job_configuration": {"comand": "x"}})
    assert told == {
        "job_configuration.comand": "the template of the type 'process' has no such entry in its job configuration: "
        "did you mean 'command'?"
    }

    told = await failures(engine, "WorkPool", {"name": "a/b", "type": "dokcer"})
    assert {*told} == {"name", "type"}
    assert engine.transport.calls == [("GET", WORKER_TYPES)]


async def test_the_server_is_asked_about_changed_inputs_alone_and_once(
    engine: Any, later_engine: Any, unique: str
) -> None:
    inputs = {"name": unique, "type": "process", "job_defaults": {"stream_output": False}}
    pool = await engine.up("WorkPool", "p", inputs)
    later_engine.resources = engine.resources
    changed = {**inputs, "description": "x"}
    await later_engine.up("WorkPool", "p", changed)
    assert [method for method, _ in later_engine.transport.calls] == ["PATCH"]
    later_engine.forget_calls()
    await later_engine.up("WorkPool", "p", changed)
    assert later_engine.transport.calls == []
    for n in range(3):
        more = {**changed, "job_defaults": {"stream_output": True, "env": {}}}
        await later_engine.check(pool, {**more, "name": f"{unique}-{n}"})
    assert later_engine.transport.calls == [("GET", WORKER_TYPES)]


async def test_what_is_unknown_is_not_asked_about(engine: Any, client: Any, unique: str) -> None:
    await client.get(WORKER_TYPES)
    unknown = {"name": unique, "type": wire.UNKNOWN, "job_defaults": {"no_such": 1}}
    assert await failures(engine, "WorkPool", unknown) == {}
    assert await failures(engine, "WorkPool", {**unknown, "type": "process", "job_defaults": wire.UNKNOWN}) == {}
    partly = {"name": unique, "type": "process", "job_defaults": {"no_such": wire.UNKNOWN}}
    assert [*await failures(engine, "WorkPool", partly)] == ["job_defaults.no_such"]


POOL = {"name": "p", "type": "dokcer"}


async def test_where_there_is_no_server_yet_the_check_neither_fails_nor_waits(offline: Any) -> None:
    began = time.monotonic()
    for n in range(20):
        assert await failures(offline, "WorkPool", {**POOL, "name": f"p{n}"}) == {}
    assert time.monotonic() - began < 1
    assert len(offline.transport.calls) == 1


async def test_a_server_that_does_not_answer_is_waited_for_once_and_for_a_second_at_most() -> None:
    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    listening = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with listening, serving({"api_url": f"http://127.0.0.1:{port}/api"}) as engine:
        began = time.monotonic()
        checks = (failures(engine, "WorkPool", {**POOL, "name": f"p{n}"}) for n in range(20))
        assert [told for told in await asyncio.gather(*checks) if told] == []
        assert await failures(engine, "WorkPool", POOL) == {}
        assert time.monotonic() - began < 2
        assert len(engine.transport.calls) == 1


@pytest.mark.parametrize(
    "configuration",
    [{"api_url": wire.UNKNOWN}, {"profile": "no-hay"}, {"api_url": "http://127.0.0.1:9/api", "ca_file": "/no/hay"}],
)
async def test_an_address_that_is_not_there_yet_is_no_mistake_of_a_pool(
    configuration: dict[str, Any], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_PROFILES_PATH", str(tmp_path / "profiles.toml"))
    async with serving(configuration) as engine:
        assert await failures(engine, "WorkPool", POOL) == {}


async def test_a_deployment_that_moves_to_a_missing_pool_is_told_at_once_and_nothing_is_written(
    engine: Any, unique: str
) -> None:
    pool = await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    base = {**DEPLOYMENT, "name": unique, "work_pool_name": pool.id}
    await engine.up("Deployment", "d", base)
    engine.forget_calls()
    began = time.monotonic()

    with pytest.raises(grpc.aio.AioRpcError, match="there is no work pool 'no-hay'") as told:
        await engine.up("Deployment", "d", {**base, "work_pool_name": "no-hay", "description": "x"})

    assert told.value.code() is grpc.StatusCode.NOT_FOUND
    assert time.monotonic() - began < 5
    assert engine.transport.calls == [("GET", "work_pools/no-hay")]


async def test_a_deployment_that_stays_where_it_is_is_not_asked_for_its_pool(engine: Any, unique: str) -> None:
    pool = await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    base = {**DEPLOYMENT, "name": unique, "work_pool_name": pool.id}
    await engine.up("Deployment", "d", base)
    engine.forget_calls()

    await engine.up("Deployment", "d", {**base, "description": "x"})

    # A busy server's 503 has it sent again.
    assert {method for method, _ in engine.transport.calls} == {"PATCH"}


async def test_a_deployment_that_is_taken_over_is_told_of_its_missing_pool_before_it_is_written(
    engine: Any, client: Any, unique: str
) -> None:
    flow = await client.post("flows/", {"name": unique})
    await client.post("deployments/", {"name": unique, "flow_id": flow["id"], "entrypoint": "a.py:f"})
    inputs = {**DEPLOYMENT, "name": unique, "flow_name": unique, "work_pool_name": "no-hay", "adopt": True}

    with pytest.raises(grpc.aio.AioRpcError, match="there is no work pool 'no-hay'"):
        await engine.up("Deployment", "d", inputs)

    assert engine.transport.writes == []


async def test_a_schedule_that_is_as_it_was_is_not_judged_again(engine: Any, unique: str) -> None:
    """An older version may have taken what this one refuses: the stack stays usable until the schedule is changed."""
    odd = {"slug": "a", "cron": "@diario", "timezone": ZONE}
    before = Resource("prefect:index:Deployment", "d", inputs=wire.encode({**DEPLOYMENT, "schedules": [odd]}))
    await engine.check(before, {**DEPLOYMENT, "schedules": [odd], "description": "x"})
    with pytest.raises(engine.CheckFailed):
        await engine.check(before, {**DEPLOYMENT, "schedules": [{**odd, "cron": "@diaria"}]})
