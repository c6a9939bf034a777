"""Job variables are held against the template that the pool will have, when inputs are checked and once more before."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from infra.provider import wire
from infra.provider.kinds.job_template import WORKER_TYPES
from tests.provider.conftest import Resource

pytestmark = pytest.mark.server

OWN: dict[str, Any] = {
    "job_configuration": {"command": "{{ command }}"},
    "variables": {"type": "object", "properties": {"command": {"type": "string"}, "veces": {"type": "integer"}}},
}


def deployment(pool: Any, **more: Any) -> dict[str, Any]:
    base = {"name": "importar", "flow_name": "importar", "entrypoint": "a.py:f", "work_pool_name": pool}
    return {**base, **more}


async def told(engine: Any, inputs: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, str]:
    resource = Resource("prefect:index:Deployment", "d", inputs=wire.encode(before or {}))
    try:
        await engine.check(resource, inputs)
    except engine.CheckFailed as failed:
        return dict(failed.failures)
    return {}


async def declare(engine: Any, **pool: Any) -> None:
    await engine.check(Resource("prefect:index:WorkPool", "p"), pool)


async def test_those_that_a_pool_of_the_same_program_won_t_take_are_told_all_at_once_at_their_places(
    engine: Any, unique: str
) -> None:
    await declare(engine, name=unique, type="docker")
    trigger = {"name": "t", "expect": ["x"], "job_variables": {"imagen": "x"}}
    variables = {
        "comand": "x",
        "image_pull_policy": "never",
        "networks": "red",
        "env": {"A": "1", "B": {"no": "text"}},
        "image": None,
        "mem_limit": "1g",
    }

    found = await told(engine, deployment(unique, job_variables=variables, triggers=[trigger]))

    template, policies = f"the job template of the work pool {unique!r}", "IfNotPresent, Always, IfPossible, Never"
    assert found == {
        "job_variables.comand": f"{template} has no such variable; did you mean command?",
        "job_variables.image_pull_policy": f"expected one of {policies}; did you mean Never?",
        "job_variables.networks": "expected a list, got a text",
        "job_variables.env.B": "expected a text, got an object",
        "triggers[0].job_variables.imagen": f"{template} has no such variable; did you mean image?",
    }
    assert engine.transport.calls == [("GET", WORKER_TYPES)]


async def test_a_pools_own_template_counts_as_it_is_declared_not_as_it_still_is(
    engine: Any, later_engine: Any, unique: str
) -> None:
    await engine.up("WorkPool", "p", {"name": unique, "type": "process", "base_job_template": OWN})
    more = {**OWN["variables"]["properties"], "nueva": {"type": "boolean"}}
    changed = {**OWN, "variables": {"type": "object", "properties": more}}
    variables = {"nueva": True, "veces": "tres"}

    await declare(later_engine, name=unique, type="process", base_job_template=changed)

    found = await told(later_engine, deployment(unique, job_variables=variables))
    assert found == {"job_variables.veces": "expected an integer, got a text"}


async def test_a_pool_of_the_stack_that_was_not_checked_yet_may_still_get_the_variable(
    engine: Any, later_engine: Any, unique: str
) -> None:
    await engine.up("WorkPool", "p", {"name": unique, "type": "process", "base_job_template": OWN})
    wanted = deployment(unique, name=unique, flow_name=unique, job_variables={"nueva": True})

    assert await told(later_engine, wanted) == {}

    with pytest.raises(grpc.aio.AioRpcError, match="job_variables nueva: the job template of the work pool"):
        await later_engine.up("Deployment", "d", wanted)
    assert later_engine.transport.writes == []


async def test_a_pool_of_nobodys_stack_is_looked_at_on_the_server(engine: Any, client: Any, unique: str) -> None:
    await client.post("work_pools/", {"name": unique, "type": "process", "base_job_template": OWN})
    found = await told(engine, deployment(unique, job_variables={"comand": "x", "veces": 3}))
    assert [*found] == ["job_variables.comand"]
    assert engine.transport.calls == [("GET", f"work_pools/{unique}")]


async def test_a_template_that_people_own_is_looked_at_on_the_server(engine: Any, client: Any, unique: str) -> None:
    await client.post("work_pools/", {"name": unique, "type": "process", "base_job_template": OWN})
    await declare(engine, name=unique, type="process", owners={"base_job_template": "ui"})
    assert await told(engine, deployment(unique, job_variables={"veces": 3})) == {}


@pytest.mark.parametrize("template", [{}, {"job_configuration": {"a": "b"}, "variables": {"type": "object"}}])
async def test_a_pool_without_variables_refuses_none(engine: Any, client: Any, unique: str, template: Any) -> None:
    await client.post("work_pools/", {"name": unique, "type": "process", "base_job_template": template})
    assert await told(engine, deployment(unique, job_variables={"comand": "x"})) == {}


async def test_a_template_whose_schema_is_none_still_has_names(engine: Any, unique: str) -> None:
    odd = {**OWN, "variables": {"properties": {"command": {"type": "texto"}}}}
    await declare(engine, name=unique, type="process", base_job_template=odd)
    found = await told(engine, deployment(unique, job_variables={"comand": "x", "command": 3}))
    assert [*found] == ["job_variables.comand"]


async def test_what_is_not_known_yet_is_not_judged(engine: Any, offline: Any, unique: str) -> None:
    wanted = deployment(unique, job_variables={"comand": "x"})
    assert await told(offline, wanted) == {}
    assert await told(engine, {**wanted, "work_pool_name": wire.UNKNOWN}) == {}
    assert await told(engine, {**wanted, "work_pool_name": "no-hay"}) == {}
    await declare(engine, name=unique, type=wire.UNKNOWN)
    assert await told(engine, wanted) == {}
    await declare(engine, name=unique, type="process", base_job_template={**OWN, "variables": wire.UNKNOWN})
    assert await told(engine, wanted) == {}
    await declare(engine, name=unique, type="process", base_job_template=OWN)
    assert [*await told(engine, {**wanted, "job_variables": {"veces": wire.UNKNOWN, "no": wire.UNKNOWN}})] == [
        "job_variables.no"
    ]


async def test_those_that_are_as_they_were_are_not_judged_again(engine: Any, unique: str) -> None:
    """A pool that was edited in the UI must not keep everything else from being changed."""
    await declare(engine, name=unique, type="process", base_job_template=OWN)
    before = deployment(unique, job_variables={"comand": "x"})
    assert await told(engine, {**before, "description": "x"}, before) == {}
    assert [*await told(engine, {**before, "job_variables": {"comand": "y"}}, before)] == ["job_variables.comand"]


async def test_a_wrong_value_is_never_repeated(engine: Any, unique: str) -> None:
    await declare(engine, name=unique, type="docker")
    found = await told(engine, deployment(unique, job_variables={"networks": "s3cr3t", "auto_remove": "s3cr3t"}))
    assert len(found) == 2
    assert "s3cr3t" not in str(found)
