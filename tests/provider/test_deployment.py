"""Deployments and schedules, against a real server."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

pytestmark = pytest.mark.server
ZONE = "America/Argentina/Buenos_Aires"
USUAL = {"slug": "usual", "cron": "30 1,13,17 * * *", "timezone": ZONE}
HOURLY = {"slug": "hourly", "interval": 3600, "timezone": ZONE, "anchor_date": "2020-01-01T00:00:00"}
MONDAYS = {"slug": "mondays", "rrule": "FREQ=WEEKLY;BYDAY=MO", "timezone": ZONE, "active": False}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer", "title": "n", "position": 0}}}


@pytest.fixture
async def base(engine: Any, unique: str) -> dict[str, Any]:
    pool = await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    return {
        "name": f"{unique}-d",
        "flow_name": f"{unique}-f",
        "entrypoint": "flows/a.py:f",
        "work_pool_name": pool.id,
        "work_pool_id": pool.values["work_pool_id"],
        "parameter_openapi_schema": SCHEMA,
    }


async def upcoming(client: Any, id_: str) -> list[str]:
    body = {"deployments": {"id": {"any_": [id_]}}, "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}
    return sorted(row["id"] for row in await client.find("flow_runs/filter", body))


async def scheduled(client: Any, id_: str) -> None:
    await client.post(f"deployments/{id_}/schedule", {})


FULL: dict[str, Any] = {
    "description": "Importa la lista",
    "version": "3",
    "tags": ["precios", "compras"],
    "parameters": {"n": 1},
    "parameter_openapi_schema": {"type": "object", "properties": {}, "title": "Parameters"},
    "enforce_parameter_schema": False,
    "job_variables": {"env": {"A": "b"}},
    "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": "/srv/code"}}],
    "path": "/srv/code",
    "paused": True,
    "concurrency_limit": 2,
    "schedules": [USUAL, HOURLY, MONDAYS],
    "work_queue_name": "urgente",
}


async def test_everything_at_once_reads_back_as_written(engine: Any, base: dict[str, Any]) -> None:
    resource = await engine.up("Deployment", "d", {**base, **FULL, "collision_strategy": "CANCEL_NEW"})
    assert await engine.refresh(resource) == []
    engine.forget_calls()

    again = await engine.up("Deployment", "d", {**base, **FULL, "collision_strategy": "CANCEL_NEW"})

    assert again.steps == ["same"]
    assert engine.transport.calls == []


@pytest.mark.parametrize("field", sorted(FULL))
async def test_each_field_can_be_set_is_seen_when_changed_outside_and_clears(
    engine: Any, client: Any, base: dict[str, Any], field: str
) -> None:
    resource = await engine.up("Deployment", "d", base)
    cleared = await client.get(f"deployments/{resource.id}")
    await engine.up("Deployment", "d", {**base, field: FULL[field]})
    assert await engine.refresh(resource) == []

    if field == "schedules":
        row = await client.get(f"deployments/{resource.id}")
        await client.patch(f"deployments/{resource.id}/schedules/{row['schedules'][0]['id']}", {"active": False})
        await client.post(
            f"deployments/{resource.id}/schedules",
            [{"schedule": {"cron": "1 1 * * *", "timezone": ZONE}, "active": True}],
        )
    else:
        outside = {
            "description": "UI",
            "version": "9",
            "tags": ["ui"],
            "parameters": {"n": 5},
            "job_variables": {"env": {}},
            "pull_steps": [],
            "path": "/ui",
            "paused": False,
            "concurrency_limit": 7,
            "enforce_parameter_schema": True,
            "parameter_openapi_schema": {"type": "object", "properties": {}},
        }
        patch = (
            {field: outside[field]}
            if field in outside
            else {"work_pool_name": base["work_pool_name"], "work_queue_name": "otra"}
        )
        await client.patch(f"deployments/{resource.id}", patch)
    assert any(path.startswith(field) for path in await engine.refresh(resource))

    await engine.up("Deployment", "d", {**base, field: FULL[field]})
    assert await engine.refresh(resource) == []
    await engine.up("Deployment", "d", base)
    now = await client.get(f"deployments/{resource.id}")
    varying = {"updated", "work_queue_id", "concurrency_options", "last_polled", "status"}
    assert {k: v for k, v in now.items() if k not in varying} == {k: v for k, v in cleared.items() if k not in varying}


async def test_an_unrelated_change_keeps_schedule_ids_and_upcoming_runs_of_others(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    kept = await engine.up("Deployment", "kept", {**base, "schedules": [USUAL, HOURLY]})
    other = {**base, "name": base["name"] + "-2"}
    await engine.up("Deployment", "other", other)
    await scheduled(client, kept.id)
    runs = await upcoming(client, kept.id)
    assert runs

    await engine.up("Deployment", "kept", {**base, "schedules": [HOURLY, USUAL]})  # their order means nothing
    await engine.up("Deployment", "other", {**other, "description": "x"})

    assert await upcoming(client, kept.id) == runs


async def test_schedules_keep_their_ids_when_another_is_added_changed_renamed_or_removed(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    resource = await engine.up("Deployment", "d", {**base, "schedules": [USUAL, HOURLY]})
    ids = resource.values["schedule_ids"]

    await engine.up("Deployment", "d", {**base, "schedules": [USUAL, {**HOURLY, "interval": 7200}, MONDAYS]})
    changed = resource.values["schedule_ids"]
    assert {key: changed[key] for key in ids} == ids

    await engine.up("Deployment", "d", {**base, "schedules": [{**USUAL, "slug": "siempre"}, MONDAYS]})
    renamed = resource.values["schedule_ids"]
    assert renamed == {"siempre": ids["usual"], "mondays": changed["mondays"]}
    assert await engine.refresh(resource) == []


@pytest.mark.parametrize("also", [{}, {"description": "x"}])
async def test_after_a_change_of_schedules_the_deployment_is_patched_last_so_that_no_run_at_an_old_time_stays(
    engine: Any, client: Any, base: dict[str, Any], also: dict[str, Any]
) -> None:
    resource = await engine.up("Deployment", "d", {**base, "schedules": [USUAL, HOURLY]})
    await scheduled(client, resource.id)
    engine.forget_calls()
    await engine.up("Deployment", "d", {**base, **also, "schedules": [{**USUAL, "cron": "0 5 * * *"}]})
    path = f"deployments/{resource.id}"
    methods = [(method, called.removeprefix(path).split("/")[1:2]) for method, called in engine.transport.writes]
    assert methods == [("PATCH", ["schedules"]), ("DELETE", ["schedules"]), ("PATCH", [])]
    assert await upcoming(client, resource.id) == []
    engine.forget_calls()
    await engine.up("Deployment", "d", {**base, "description": "y", "schedules": [{**USUAL, "cron": "0 5 * * *"}]})
    assert engine.transport.writes == [("PATCH", path)]


async def test_a_schedules_own_parameters_survive_a_change_of_its_cron(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    own = {**USUAL, "parameters": {"n": 3}}
    resource = await engine.up("Deployment", "d", {**base, "schedules": [own]})
    await engine.up("Deployment", "d", {**base, "schedules": [{**own, "cron": "0 5 * * *"}]})

    row = await client.get(f"deployments/{resource.id}")
    assert row["schedules"][0]["parameters"] == {"n": 3}
    assert row["schedules"][0]["schedule"]["timezone"] == ZONE


async def test_a_pool_made_anew_gets_its_deployments_back(engine: Any, client: Any, base: dict[str, Any]) -> None:
    resource = await engine.up("Deployment", "d", base)
    pool = engine.resources["prefect:index:WorkPool", "p"]
    await client.delete(f"work_pools/{pool.id}")
    await engine.refresh(pool)
    await engine.up("WorkPool", "p", {"name": pool.name and base["work_pool_name"], "type": "process"})
    renewed = {**base, "work_pool_id": pool.values["work_pool_id"]}

    assert (await engine.up("Deployment", "d", renewed)).steps == ["update work_pool_id"]
    assert (await client.get(f"deployments/{resource.id}"))["work_pool_name"] == base["work_pool_name"]


async def test_a_deployment_that_a_killed_up_left_behind_is_found_again_without_a_second_one(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    first = await engine.up("Deployment", "d", {**base, "schedules": [USUAL]})
    ids = first.values["schedule_ids"]
    del engine.resources["prefect:index:Deployment", "d"]

    again = await engine.up("Deployment", "d", {**base, "schedules": [USUAL, MONDAYS], "description": "x"})

    assert again.id == first.id
    assert again.values["schedule_ids"]["usual"] == ids["usual"]
    assert await engine.refresh(again) == []


async def test_somebody_elses_deployment_is_refused_and_nothing_of_it_changes(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    flow = await client.post("flows/", {"name": base["flow_name"]})
    await client.post("deployments/", {"name": base["name"], "flow_id": flow["id"], "description": "de otro"})

    with pytest.raises(grpc.aio.AioRpcError, match="pulumi import prefect:index:Deployment"):
        await engine.up("Deployment", "d", base)

    assert (await client.get(f"deployments/name/{base['flow_name']}/{base['name']}"))["description"] == "de otro"
    adopted = await engine.up("Deployment", "d", {**base, "adopt": True})
    assert await engine.refresh(adopted) == []


async def test_import_by_name_and_the_next_up_is_empty(engine: Any, client: Any, base: dict[str, Any]) -> None:
    inputs = {**base, "description": "x", "schedules": [USUAL]}
    del inputs["work_pool_id"]
    made = await engine.up("Deployment", "d", inputs)

    imported = await engine.import_("Deployment", "d", f"{base['flow_name']}/{base['name']}")

    assert imported.id == made.id
    assert (await engine.up("Deployment", "d", inputs)).steps == ["same"]


async def test_a_deployment_deleted_in_the_ui_comes_back(engine: Any, client: Any, base: dict[str, Any]) -> None:
    resource = await engine.up("Deployment", "d", base)
    await client.delete(f"deployments/{resource.id}")

    assert await engine.refresh(resource) == ["gone"]
    assert (await engine.up("Deployment", "d", base)).steps == ["create"]


async def test_one_whose_pool_was_deleted_shows_it_and_is_attached_to_the_one_made_anew(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    given = {**base, "work_queue_name": "urgente"}
    resource, pool = await engine.up("Deployment", "d", given), engine.resources["prefect:index:WorkPool", "p"]
    await client.delete(f"work_pools/{pool.id}")

    assert await engine.refresh(resource) == ["work_pool_id", "work_pool_name"]
    assert await engine.refresh(pool) == ["gone"]
    await engine.up("WorkPool", "p", {"name": base["work_pool_name"], "type": "process"})
    assert (await engine.up("Deployment", "d", {**given, "work_pool_id": pool.values["work_pool_id"]})).steps != [
        "same"
    ]

    row = await client.get(f"deployments/{resource.id}")
    assert (row["work_pool_name"], row["work_queue_name"]) == (base["work_pool_name"], "urgente")
    assert await engine.refresh(resource) == []


async def test_one_whose_flow_was_deleted_has_gone_with_it_and_comes_back_whole(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    given = {**base, "schedules": [USUAL], "triggers": [{"name": base["name"], "expect": ["a"]}]}
    resource = await engine.up("Deployment", "d", given)
    await client.delete(f"flows/{resource.values['flow_id']}")

    assert await engine.refresh(resource) == ["gone"]
    assert (await engine.up("Deployment", "d", given)).steps == ["create"]

    row = await client.get(f"deployments/name/{base['flow_name']}/{base['name']}")
    assert [row["id"], [item["slug"] for item in row["schedules"]]] == [resource.id, ["usual"]]
    named = await client.find("automations/filter", {"automations": {"name": {"any_": [base["name"]]}}})
    assert [item["actions"][0]["deployment_id"] for item in named] == [resource.id]
    assert await engine.refresh(resource) == []


async def test_another_name_makes_the_new_one_before_the_old_one_goes(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    await engine.up("Deployment", "d", base)
    resource = await engine.up("Deployment", "d", {**base, "name": base["name"] + "-nuevo"})
    assert resource.steps == ["create", "delete"]


@pytest.mark.parametrize(
    ("wrong", "path", "hint"),
    [
        ({"schedules": [{**USUAL, "timezone": "America/Baires"}]}, "schedules[0].timezone", "Buenos_Aires"),
        ({"schedules": [{**USUAL, "interval": 5}]}, "schedules[0]", "exactly one"),
        ({"schedules": [USUAL, USUAL]}, "schedules", "two schedules"),
        ({"name": "a/b"}, "name", "'/'"),
        ({"entrypoint": "a.py"}, "entrypoint", "path/file.py:function"),
        ({"concurrency_limit": 0}, "concurrency_limit", "greater"),
        ({"tags": "x"}, "tags", "expected a list, got a text"),
    ],
)
async def test_wrong_input_fails_the_check_at_its_property(
    engine: Any, base: dict[str, Any], wrong: dict[str, Any], path: str, hint: str
) -> None:
    with pytest.raises(engine.CheckFailed) as caught:
        await engine.up("Deployment", "d", {**base, **wrong})
    assert path in caught.value.failures
    assert hint in caught.value.failures[path]


async def test_a_missing_pool_is_told_in_words(engine: Any, base: dict[str, Any]) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="there is no work pool 'no-hay'"):
        await engine.up("Deployment", "d", {**base, "work_pool_name": "no-hay"})
