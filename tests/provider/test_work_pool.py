"""Work pools and queues, against a real server."""

from __future__ import annotations

from typing import Any

import grpc
import httpx
import pytest

from infra.provider import wire
from infra.provider.api import Api
from infra.provider.connection import Connection
from tests.provider.conftest import Resource, serving

pytestmark = pytest.mark.server


async def test_a_second_up_makes_no_call_at_all(engine: Any, unique: str) -> None:
    inputs = {"name": unique, "type": "process", "description": "Compras", "concurrency_limit": 4}
    await engine.up("WorkPool", "p", inputs)
    engine.forget_calls()

    again = await engine.up("WorkPool", "p", inputs)

    assert again.steps == ["same"]
    assert engine.transport.calls == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("description", "otra"),
        ("concurrency_limit", 9),
        ("is_paused", True),
        ("job_defaults", {"stream_output": False}),
    ],
)
async def test_each_field_can_be_set_changed_outside_seen_as_drift_mended_and_cleared(
    engine: Any, client: Any, unique: str, field: str, value: Any
) -> None:
    bare = {"name": unique, "type": "process"}
    await engine.up("WorkPool", "p", bare)
    assert (await engine.up("WorkPool", "p", {**bare, field: value})).steps[0].startswith(f"update {field}")
    resource = await engine.up("WorkPool", "p", {**bare, field: value})
    assert resource.steps == ["same"]
    assert await engine.refresh(resource) == []

    template = (await client.get(f"work_pools/{unique}"))["base_job_template"]
    template["variables"]["properties"]["stream_output"]["default"] = True
    outside = {"description": "UI", "concurrency_limit": 1, "is_paused": False, "base_job_template": template}
    await client.patch(f"work_pools/{unique}", outside)
    drift = await engine.refresh(resource)
    assert any(path.startswith(field) for path in drift)

    assert (await engine.up("WorkPool", "p", {**bare, field: value})).steps != ["same"]
    assert await engine.refresh(resource) == []
    await engine.up("WorkPool", "p", bare)
    row = await client.get(f"work_pools/{unique}")
    assert (row["description"], row["concurrency_limit"], row["is_paused"]) == (None, None, False)
    assert row["base_job_template"]["variables"]["properties"]["stream_output"]["default"] is True


async def test_a_default_that_is_the_templates_own_is_no_drift(engine: Any, unique: str) -> None:
    inputs = {"name": unique, "type": "docker", "job_defaults": {"auto_remove": False, "stream_output": False}}
    resource = await engine.up("WorkPool", "p", inputs)
    assert await engine.refresh(resource) == []


async def test_a_changed_template_shows_as_a_template_and_is_put_back(engine: Any, client: Any, unique: str) -> None:
    resource = await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    template = (await client.get(f"work_pools/{unique}"))["base_job_template"]
    template["variables"]["properties"]["command"]["title"] = "Orden"
    await client.patch(f"work_pools/{unique}", {"base_job_template": template})

    assert await engine.refresh(resource) == ["base_job_template"]
    await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    row = await client.get(f"work_pools/{unique}")
    assert row["base_job_template"]["variables"]["properties"]["command"]["title"] == "Command"


async def test_one_entry_of_the_job_configuration_is_patched_seen_and_given_back_by_its_name(
    engine: Any, later_engine: Any, client: Any, unique: str
) -> None:
    async def entry(name: str) -> Any:
        return (await client.get(f"work_pools/{unique}"))["base_job_template"]["job_configuration"][name]

    bare = {"name": unique, "type": "process"}
    patched = {**bare, "job_configuration": {"command": "nice {{ command }}"}, "job_defaults": {"stream_output": False}}
    await engine.up("WorkPool", "p", bare)
    resource = await engine.up("WorkPool", "p", patched)
    assert resource.steps == ["update job_configuration", "update job_defaults"]
    assert await entry("command") == "nice {{ command }}"
    assert await entry("env") == "{{ env }}"
    assert await later_engine.refresh(resource) == []

    template = (await client.get(f"work_pools/{unique}"))["base_job_template"]
    template["job_configuration"]["command"] = "true"
    await client.patch(f"work_pools/{unique}", {"base_job_template": template})
    assert await engine.refresh(resource) == ["job_configuration.command"]
    imported = await engine.import_("WorkPool", "i", unique)
    assert imported.values["job_configuration"] == {"command": "true"}
    assert imported.values["job_defaults"] == {"stream_output": False}

    await engine.up("WorkPool", "p", bare)
    assert await entry("command") == "{{ command }}"


async def test_a_pool_deleted_in_the_ui_comes_back(engine: Any, client: Any, unique: str) -> None:
    resource = await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    await client.delete(f"work_pools/{unique}")

    assert await engine.refresh(resource) == ["gone"]
    assert (await engine.up("WorkPool", "p", {"name": unique, "type": "process"})).steps == ["create"]


async def test_a_pool_that_a_killed_up_left_behind_is_found_again(engine: Any, unique: str) -> None:
    await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    engine.resources.clear()  # the state never heard of it

    found = await engine.up("WorkPool", "p", {"name": unique, "type": "process", "description": "nueva"})

    assert found.id == unique


async def test_somebody_elses_pool_is_refused_with_the_way_out_and_taken_with_adopt(
    engine: Any, client: Any, unique: str
) -> None:
    await client.post("work_pools/", {"name": unique, "type": "process", "description": "de otro"})

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    assert f"pulumi import prefect:index:WorkPool NAME {unique}" in refused.value.details()
    assert (await client.get(f"work_pools/{unique}"))["description"] == "de otro"

    assert (await engine.up("WorkPool", "p", {"name": unique, "type": "process", "adopt": True})).id == unique
    assert (await client.get(f"work_pools/{unique}"))["description"] is None


async def test_another_type_replaces_the_pool_old_one_first(engine: Any, client: Any, unique: str) -> None:
    before = await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    id_before = before.values["work_pool_id"]

    after = await engine.up("WorkPool", "p", {"name": unique, "type": "docker"})

    assert after.steps == ["delete", "create"]
    assert after.values["work_pool_id"] != id_before


async def test_an_imported_pool_is_the_same_at_the_next_up(engine: Any, client: Any, unique: str) -> None:
    await client.post("work_pools/", {"name": unique, "type": "process"})

    imported = await engine.import_("WorkPool", "p", unique)

    assert imported.values["type"] == "process"
    assert (await engine.up("WorkPool", "p", {"name": unique, "type": "process"})).steps == ["same"]


CUSTOM = {
    "job_configuration": {"command": "{{ command }}", "cola": "{{ cola }}"},
    "variables": {"type": "object", "properties": {"command": {"type": "string"}, "cola": {"default": "a"}}},
}


async def test_a_pool_of_a_type_that_the_server_does_not_know_is_imported_with_its_whole_template(
    engine: Any, client: Any, unique: str
) -> None:
    inputs = {"name": unique, "type": "hpc", "base_job_template": CUSTOM}
    await engine.up("WorkPool", "p", inputs)

    imported = await engine.import_("WorkPool", "q", unique)

    assert {key: imported.values[key] for key in inputs} == inputs
    assert (await engine.up("WorkPool", "q", inputs)).steps == ["same"]
    assert await engine.refresh(imported) == []
    template = (await client.get(f"work_pools/{unique}"))["base_job_template"]
    template["job_configuration"]["command"] = "true"
    await client.patch(f"work_pools/{unique}", {"base_job_template": template})
    assert await engine.refresh(imported) == ["base_job_template.job_configuration.command"]
    await engine.up("WorkPool", "q", inputs)
    assert await engine.refresh(imported) == []


async def test_a_pool_of_such_a_type_whose_worker_has_not_come_yet_is_imported_and_takes_the_workers_template(
    engine: Any, client: Any, unique: str
) -> None:
    await client.post("work_pools/", {"name": unique, "type": "hpc", "description": "x"})

    imported = await engine.import_("WorkPool", "q", unique)

    assert "base_job_template" not in imported.values
    assert (await engine.up("WorkPool", "q", {"name": unique, "type": "hpc", "description": "x"})).steps == ["same"]
    await client.patch(f"work_pools/{unique}", {"base_job_template": CUSTOM})  # as its worker does when it starts
    assert await engine.refresh(imported) == []
    await engine.up("WorkPool", "q", {"name": unique, "type": "hpc", "description": "y"})
    row = await client.get(f"work_pools/{unique}")
    assert (row["description"], row["base_job_template"]) == ("y", CUSTOM)


async def test_what_is_wrong_is_told_all_at_once_by_property(engine: Any) -> None:
    with pytest.raises(engine.CheckFailed) as caught:
        await engine.up("WorkPool", "p", {"name": 3, "type": "process", "concurrency_limit": -1, "descripcion": "x"})
    failures = caught.value.failures
    assert set(failures) == {"name", "concurrency_limit", "descripcion"}
    assert "there are:" in failures["descripcion"]


async def test_what_no_server_could_be_asked_about_is_told_when_the_pool_is_made(engine: Any, unique: str) -> None:
    for wrong in ({"type": "dokcer"}, {"type": "docker", "job_defaults": {"imagen": "x"}}):
        request = wire.encode({"name": unique, **wrong})
        with pytest.raises(grpc.aio.AioRpcError, match="docker"):
            await engine._create(Resource("prefect:index:WorkPool", "p"), request)
    assert engine.transport.writes == []


class TestQueues:
    @pytest.fixture
    async def pool(self, engine: Any, unique: str) -> Any:
        return await engine.up("WorkPool", "p", {"name": unique, "type": "process"})

    async def test_a_queue_lives_through_its_life(self, engine: Any, client: Any, pool: Any) -> None:
        base = {"work_pool_name": pool.id, "work_pool_id": pool.values["work_pool_id"], "name": "urgente"}
        full = {**base, "priority": 3, "concurrency_limit": 2, "description": "x", "is_paused": True}
        queue = await engine.up("WorkQueue", "q", full)
        assert await engine.refresh(queue) == []
        engine.forget_calls()
        assert (await engine.up("WorkQueue", "q", full)).steps == ["same"]
        assert engine.transport.calls == []

        assert (await engine.up("WorkQueue", "q", base)).steps != ["same"]
        row = await client.get(f"work_pools/{pool.id}/queues/urgente")
        assert (row["concurrency_limit"], row["is_paused"], row["description"]) == (None, False, "")
        await client.patch(f"work_pools/{pool.id}/queues/urgente", {"concurrency_limit": 7})
        assert await engine.refresh(queue) == ["concurrency_limit"]
        await engine.destroy(queue)
        names = [row["name"] for row in await client.find(f"work_pools/{pool.id}/queues/filter", {})]
        assert names == ["default"]

    async def test_the_default_queue_is_adopted_and_put_back(self, engine: Any, client: Any, pool: Any) -> None:
        inputs = {"work_pool_name": pool.id, "name": "default", "concurrency_limit": 2}
        queue = await engine.up("WorkQueue", "q", inputs)
        assert (await client.get(f"work_pools/{pool.id}/queues/default"))["concurrency_limit"] == 2
        assert await engine.refresh(queue) == []

        await engine.destroy(queue)

        row = await client.get(f"work_pools/{pool.id}/queues/default")
        assert (row["concurrency_limit"], row["description"]) == (None, "The work pool's default queue.")


async def test_a_pool_goes_with_its_queues_though_an_automation_counts_their_events(
    own_server: str, unique: str
) -> None:
    """What it writes at each event keeps SQLite from deleting the pool in one go."""
    trigger = {"match": {"prefect.resource.id": "prefect.work-*"}, "threshold": 1000, "within": 60}
    async with serving({"api_url": own_server}) as engine:
        counting = {"name": unique, "trigger": trigger, "actions": [{"type": "do-nothing"}]}
        await engine.up("Automation", "a", counting)
        pool = await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
        for n in range(6):
            await engine.up("WorkQueue", f"q{n}", {"work_pool_name": unique, "name": f"q{n}"})

        await engine.destroy(pool)

        assert await engine.refresh(pool) == ["gone"]


async def test_a_deletion_that_got_through_is_done_though_every_answer_is_that_the_server_is_busy(
    prefect_server: str, unique: str
) -> None:
    class AnswersLost(httpx.AsyncHTTPTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await super().handle_async_request(request)
            return httpx.Response(503) if request.method == "DELETE" else response

    def api(connection: Connection) -> Api:
        return Api(connection, AnswersLost())

    async with serving({"api_url": prefect_server}, api) as engine:
        pool = await engine.up("WorkPool", "p", {"name": unique, "type": "process"})

        await engine.destroy(pool)

        assert await engine.refresh(pool) == ["gone"]
