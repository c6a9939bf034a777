"""Look-ups against a real server: what they tell, what they keep secret, and how often they ask."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any
from uuid import uuid4

import grpc
import pytest

from infra.provider.listing import FEW
from infra.provider.wire import UNKNOWN
from tests.provider.conftest import PROJECT, STACK

pytestmark = pytest.mark.server

UUID_OF_NONE = str(uuid4())
OURS = f"{PROJECT}/{STACK}"


@pytest.fixture(scope="module")
def prefect_server(own_server: str) -> str:
    return own_server


async def refused(call: Awaitable[Any]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call
    return raised.value.code(), raised.value.details() or ""


async def a_deployment(engine: Any, unique: str, name: str = "nocturno", **more: Any) -> Any:
    pool = await engine.up("WorkPool", "pool", {"name": unique, "type": "process"})
    inputs = {"name": name, "flow_name": unique, "entrypoint": "a.py:f", "work_pool_name": pool.id, **more}
    return await engine.up("Deployment", name, inputs)


async def test_a_pool_comes_back_as_it_is_and_says_which_stack_made_it(engine: Any, client: Any, unique: str) -> None:
    inputs = {"name": unique, "type": "process", "description": "de Compras", "concurrency_limit": 4}
    made = await engine.up("WorkPool", "p", inputs)
    found = (await engine.invoke("getWorkPool", {"name": unique})).values
    assert found.items() >= {**inputs, "is_paused": False, "managed_by": OURS}.items()
    assert found["work_pool_id"] == made.values["work_pool_id"]
    assert set(found["base_job_template"]) == {"job_configuration", "variables"}

    await client.post("work_pools/", {"name": f"{unique}-a-mano", "type": "docker"})
    by_hand = (await engine.invoke("getWorkPool", {"name": f"{unique}-a-mano"})).values
    assert by_hand["type"] == "docker"
    assert not by_hand.keys() & {"managed_by", "concurrency_limit", "description"}


async def test_a_worker_types_template_is_the_one_that_new_pools_get(engine: Any, unique: str) -> None:
    await engine.up("WorkPool", "p", {"name": unique, "type": "docker"})
    pool = await engine.invoke("getWorkPool", {"name": unique})
    default = await engine.invoke("getDefaultBaseJobTemplate", {"worker_type": "docker"})
    assert default.values["base_job_template"] == pool.values["base_job_template"]
    code, told = await refused(engine.invoke("getDefaultBaseJobTemplate", {"worker_type": "dokcer"}))
    assert code is grpc.StatusCode.NOT_FOUND
    assert told == "there is no worker type 'dokcer': did you mean 'docker'?"


async def test_a_deployment_is_the_same_whichever_way_it_is_asked_for(engine: Any, unique: str) -> None:
    schedule = {"slug": "noche", "cron": "0 3 * * *", "timezone": "America/Argentina/Buenos_Aires"}
    made = await a_deployment(
        engine, unique, parameters={"dias": 3}, tags=["compras"], concurrency_limit=2, schedules=[schedule]
    )
    by_name = await engine.invoke("getDeployment", {"name": f"{unique}/nocturno"})
    by_names = await engine.invoke("getDeployment", {"name": "nocturno", "flow_name": unique})
    by_id = await engine.invoke("getDeployment", {"deployment_id": made.id})
    assert by_name == by_names == by_id
    found = by_name.values
    expected = {"flow_name": unique, "work_pool_name": unique, "work_queue_name": "default", "concurrency_limit": 2}
    assert found.items() >= {**expected, "parameters": {"dias": 3}, "tags": ["compras"], "managed_by": OURS}.items()
    assert found["schedules"] == [{**schedule, "day_or": True, "active": True, "parameters": {}}]
    for key in ("deployment_id", "flow_id", "schedule_ids"):
        assert found[key] == made.values[key]


async def test_a_deployment_that_somebody_else_made_is_told_with_what_it_has(
    engine: Any, client: Any, unique: str
) -> None:
    """As `flow.serve()` makes it, with a schedule as the UI makes it: no pool, no entrypoint, no slug, no time zone."""
    flow = await client.post("flows/", {"name": unique})
    schedule = {"schedule": {"interval": 3600}, "active": True}
    body = {"name": "servido", "flow_id": flow["id"], "schedules": [schedule]}
    row = await client.post("deployments/", body)
    found = (await engine.invoke("getDeployment", {"deployment_id": row["id"]})).values
    assert (found["name"], found["flow_name"]) == ("servido", unique)
    assert not found.keys() & {"managed_by", "work_pool_name", "entrypoint", "concurrency_limit"}
    ((slug, id_),) = found["schedule_ids"].items()
    assert id_ == row["schedules"][0]["id"]
    (told,) = found["schedules"]
    assert told.items() >= {"slug": slug, "interval": 3600, "timezone": "UTC"}.items()


async def test_job_variables_and_pull_steps_are_not_told(engine: Any, unique: str) -> None:
    canary = "Zorzal-9-azul"
    step = {"prefect.deployments.steps.set_working_directory": {"directory": f"/{canary}"}}
    await a_deployment(engine, unique, job_variables={"env": {"CLAVE": canary}}, pull_steps=[step])
    assert canary not in repr(await engine.invoke("getDeployment", {"name": f"{unique}/nocturno"}))


async def test_a_blocks_data_is_a_secret_with_its_real_values(engine: Any, unique: str) -> None:
    block = {"name": unique, "type_slug": "secret", "data": {"value": "Zorzal-9-azul"}}
    made = await engine.up("Block", "b", block)
    found = await engine.invoke("getBlock", {"type_slug": "secret", "name": unique})
    assert found.values == {**block, "block_document_id": made.values["block_document_id"]}
    assert found.secrets == {("data",)}
    assert await engine.invoke("getBlock", {"block_document_id": made.id}) == found


@pytest.mark.parametrize("value", [None, "texto", 7, ["a", None], {"tasa": 1.5, "vacío": None}])
async def test_a_variable_comes_back_with_whatever_value_it_has(engine: Any, unique: str, value: Any) -> None:
    await engine.up("Variable", "v", {"name": unique, "value": value, "tags": ["finanzas"]})
    found = (await engine.invoke("getVariable", {"name": unique})).values
    assert (found["value"], found["tags"]) == (value, ["finanzas"])


async def test_whatever_is_asked_for_with_a_secret_is_a_secret(engine: Any, unique: str) -> None:
    await engine.up("Variable", "v", {"name": unique, "value": 1})
    found = await engine.invoke("getVariable", {"name": unique}, secrets=[("name",)])
    assert found.secrets == {(key,) for key in found.values}
    _, told = await refused(engine.invoke("getVariable", {"name": f"{unique}-x"}, secrets=[("name",)]))
    assert f"{unique}-x" not in told


async def test_what_is_not_there_is_told_with_what_is(engine: Any, unique: str) -> None:
    await a_deployment(engine, unique)
    await engine.up("Block", "b", {"name": unique, "type_slug": "secret", "data": {"value": "x"}})
    await engine.up("Variable", "v", {"name": unique, "value": 1})
    wrong = f"{unique}s"
    asked: dict[str, tuple[dict[str, Any], str]] = {
        "getWorkPool": ({"name": wrong}, f"there is no work pool '{wrong}': did you mean '{unique}'?"),
        "getDeployment": (
            {"name": f"{unique}/noctunro"},
            f"there is no deployment '{unique}/noctunro': did you mean '{unique}/nocturno'?",
        ),
        "getBlock": (
            {"type_slug": "secret", "name": wrong},
            f"there is no block of type 'secret' called '{wrong}': did you mean '{unique}'?",
        ),
        "getVariable": ({"name": wrong}, f"there is no variable '{wrong}': did you mean '{unique}'?"),
    }
    for function, (arguments, expected) in asked.items():
        code, told = await refused(engine.invoke(function, arguments))
        # Other tests' objects may be near as well.
        assert (code, told.startswith(expected.partition(" did")[0])) == (grpc.StatusCode.NOT_FOUND, True), told
        assert repr(expected.split("'")[-2]) in told.partition("did you mean")[2], told
    code, told = await refused(engine.invoke("getBlock", {"type_slug": "secrt", "name": unique}))
    assert told.startswith("there is no block type 'secrt': did you mean 'secret'")
    for function, key in (("getDeployment", "deployment_id"), ("getBlock", "block_document_id")):
        id_ = str(uuid4())
        code, told = await refused(engine.invoke(function, {key: id_}))
        assert (code, told.endswith(f"of the id {id_}")) == (grpc.StatusCode.NOT_FOUND, True), told
        code, told = await refused(engine.invoke(function, {key: "no-es-un-uuid"}))
        assert (code, f"{key}: " in told) == (grpc.StatusCode.INVALID_ARGUMENT, True), told


async def test_wrong_arguments_are_told_all_at_once_and_nothing_is_asked(engine: Any) -> None:
    code, told = await refused(engine.invoke("getWorkPool", {"nmae": "x"}))
    assert (code, told) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "getWorkPool: name: is required; nmae: no such argument: did you mean 'name'?",
    )
    for arguments in ({}, {"name": "x"}, {"type_slug": "secret"}, {"block_document_id": UUID_OF_NONE, "name": "x"}):
        code, told = await refused(engine.invoke("getBlock", arguments))
        assert (code, "block_document_id" in told) == (grpc.StatusCode.INVALID_ARGUMENT, True)
    for arguments in (
        {},
        {"name": "solo"},
        {"name": "a/b", "flow_name": "a"},
        {"name": "a/b", "deployment_id": UUID_OF_NONE},
    ):
        code, told = await refused(engine.invoke("getDeployment", arguments))
        assert (code, "deployment" in told) == (grpc.StatusCode.INVALID_ARGUMENT, True)
    code, told = await refused(engine.invoke("getWorkpool", {}))
    assert code is grpc.StatusCode.UNIMPLEMENTED
    assert "prefect:index:getWorkPool" in told
    assert engine.transport.calls == []


async def test_what_is_asked_for_with_an_unknown_is_unknown_and_nothing_is_asked(engine: Any) -> None:
    for function in ("getWorkPool", "getVariable"):
        assert (await engine.invoke(function, {"name": UNKNOWN})).values == {}
    assert (await engine.invoke("getDeployment", {"name": "a", "flow_name": UNKNOWN})).values == {}
    assert (await engine.invoke("getBlock", {"name": UNKNOWN, "type_slug": "secret"})).values == {}
    assert engine.transport.calls == []


async def test_without_a_server_it_says_so(offline: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.provider.api.Api.__init__.__defaults__", (None, 0.2, 0.2))
    code, told = await refused(offline.invoke("getVariable", {"name": "x"}))
    assert code is grpc.StatusCode.UNAVAILABLE
    assert "http://127.0.0.1:9/api" in told


MANY = FEW + 5


async def test_many_look_ups_are_few_calls(engine: Any, later_engine: Any, unique: str) -> None:
    for n in range(MANY):
        name = f"{unique}-{n}"
        await a_deployment(engine, unique, name)
        await engine.up("WorkPool", name, {"name": name, "type": "process"})
        await engine.up("Variable", name, {"name": name, "value": n})
        await engine.up("Block", name, {"name": name, "type_slug": "secret", "data": {"value": str(n)}})

    async def calls(function: str, argument: str, **more: Any) -> list[tuple[str, str]]:
        later_engine.forget_calls()
        for n in range(MANY):
            found = await later_engine.invoke(function, {"name": argument.format(n), **more})
            assert found.values["name"].endswith(f"-{n}")
        return list(later_engine.transport.calls)

    for function, more, filtered in (
        ("getWorkPool", {}, "work_pools/filter"),
        ("getVariable", {}, "variables/filter"),
        ("getBlock", {"type_slug": "secret"}, "block_documents/filter"),
    ):
        made = await calls(function, unique + "-{}", **more)
        assert (len(made), made.count(("POST", filtered))) == (FEW + 1, 1), made
    made = await calls("getDeployment", f"{unique}/{unique}-{{}}")
    assert (len(made), made.count(("POST", "deployments/filter"))) == (FEW + 2, 1), made  # the flows as well


async def test_many_look_ups_at_once_are_few_calls_too(engine: Any, unique: str) -> None:
    await a_deployment(engine, unique)
    engine.forget_calls()
    asked = [engine.invoke("getDeployment", {"name": f"{unique}/nocturno"}) for _ in range(MANY)]
    first, *others = await asyncio.gather(*asked)
    assert others == [first] * (MANY - 1)
    assert len(engine.transport.calls) == FEW + 2


async def test_what_the_same_up_made_changed_or_deleted_is_seen_as_it_is(engine: Any, unique: str) -> None:
    await engine.up("Variable", "v", {"name": unique, "value": 1})
    pool = await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    await engine.up("Block", "b", {"name": unique, "type_slug": "secret", "data": {"value": "antes"}})
    await a_deployment(engine, unique)
    asked = {
        "getVariable": {"name": unique},
        "getWorkPool": {"name": unique},
        "getBlock": {"name": unique, "type_slug": "secret"},
        "getDeployment": {"name": f"{unique}/nocturno"},
    }
    for function, arguments in asked.items():
        for _ in range(FEW + 1):  # the last one from a listing
            await engine.invoke(function, arguments)

    await engine.up("Variable", "v", {"name": unique, "value": 2})
    await engine.up("WorkPool", "p", {"name": unique, "type": "process", "description": "cambiado"})
    await engine.up("Block", "b", {"name": unique, "type_slug": "secret", "data": {"value": "después"}})
    await a_deployment(engine, unique, description="cambiado")
    late = await a_deployment(engine, unique, "tardío")

    found = {function: (await engine.invoke(function, arguments)).values for function, arguments in asked.items()}
    assert found["getVariable"]["value"] == 2
    assert found["getWorkPool"]["description"] == found["getDeployment"]["description"] == "cambiado"
    assert found["getBlock"]["data"] == {"value": "después"}
    assert (await engine.invoke("getDeployment", {"name": f"{unique}/tardío"})).values["deployment_id"] == late.id
    await engine.destroy(pool)
    code, told = await refused(engine.invoke("getWorkPool", asked["getWorkPool"]))
    assert (code, told.count(repr(unique))) == (grpc.StatusCode.NOT_FOUND, 1)
