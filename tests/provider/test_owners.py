"""Properties that people own: written once, then left alone."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.server
ZONE = "America/Argentina/Buenos_Aires"
DAILY = {"slug": "daily", "cron": "0 6 * * *", "timezone": ZONE}


@pytest.fixture
async def base(engine: Any, unique: str) -> dict[str, Any]:
    await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    return {
        "name": f"{unique}-d",
        "flow_name": f"{unique}-f",
        "entrypoint": "flows/a.py:f",
        "work_pool_name": unique,
        "schedules": [DAILY],
        "description": "stack",
    }


async def test_schedules_that_people_own_are_made_once_and_never_touched_again(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    owned = {**base, "owners": {"schedules": "ui"}}
    resource = await engine.up("Deployment", "d", owned)
    row = await client.get(f"deployments/{resource.id}")
    id_ = row["schedules"][0]["id"]
    edited = {"schedule": {"cron": "0 9 * * *", "timezone": ZONE}, "active": False, "slug": "daily"}
    await client.patch(f"deployments/{resource.id}/schedules/{id_}", edited)

    assert await engine.refresh(resource) == []
    changed = {**owned, "schedules": [{**DAILY, "cron": "0 7 * * *"}], "description": "otra"}
    assert (await engine.up("Deployment", "d", changed)).steps == ["update description"]

    row = await client.get(f"deployments/{resource.id}")
    assert row["description"] == "otra"
    assert [(item["id"], item["schedule"]["cron"]) for item in row["schedules"]] == [(id_, "0 9 * * *")]


async def test_what_is_create_only_is_not_written_again_but_a_refresh_takes_note(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    owned = {**base, "owners": {"description": "create-only"}}
    resource = await engine.up("Deployment", "d", owned)
    await client.patch(f"deployments/{resource.id}", {"description": "UI"})

    await engine.refresh(resource)

    assert resource.values["description"] == "UI"
    assert (await engine.up("Deployment", "d", owned)).steps == ["same"]


async def test_taking_a_property_back_into_the_stack_writes_it(engine: Any, client: Any, base: dict[str, Any]) -> None:
    resource = await engine.up("Deployment", "d", {**base, "owners": {"description": "ui"}})
    await client.patch(f"deployments/{resource.id}", {"description": "UI"})
    await engine.up("Deployment", "d", base)
    assert await engine.refresh(resource) == ["description"]

    await engine.up("Deployment", "d", base)

    assert (await client.get(f"deployments/{resource.id}"))["description"] == "stack"


async def test_a_property_that_can_have_no_owner_is_told(engine: Any, base: dict[str, Any]) -> None:
    with pytest.raises(engine.CheckFailed) as caught:
        await engine.up("Deployment", "d", {**base, "owners": {"name": "ui", "descripcion": "ui", "tags": "gente"}})
    assert "owners.tags" in caught.value.failures


async def test_a_job_variable_that_the_pool_doesnt_have_is_refused_before_anything_is_made(
    engine: Any, client: Any, base: dict[str, Any]
) -> None:
    with pytest.raises(engine.CheckFailed) as caught:
        await engine.up("Deployment", "d", {**base, "job_variables": {"comand": "x", "env": {}}})
    assert "did you mean command" in caught.value.failures["job_variables.comand"]
    assert await client.get_or_none(f"deployments/name/{base['flow_name']}/{base['name']}") is None
