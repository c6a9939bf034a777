"""Every field can be people's: whatever else the stack writes, and however, it leaves that one alone."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import pytest

from tests.provider.fields import OF_OTHER_OBJECTS, SUBJECTS, Case, edited, filled

pytestmark = [pytest.mark.server, pytest.mark.thorough]
EACH = [*((kind, name) for kind, subject in SUBJECTS.items() for name in subject.fields), *OF_OTHER_OBJECTS]
APART = (
    {"job_defaults", "base_job_template"},
    {"job_configuration", "base_job_template"},
    {"concurrency_limit", "global_concurrency_limit_id"},
)
"""Of no use together: the defaults are of the template's variables, and a deployment has one limit."""


async def named(engine: Any, unique: str, field: str) -> dict[str, str]:
    for pool in (unique, f"{unique}-2"):
        await engine.up("WorkPool", pool, {"name": pool, "type": "process"})
    names = {"name": f"{unique[-20:]}-{secrets.token_hex(4)}", "pool": unique}
    for limit in ("limit", "limit-of-people") if field == "global_concurrency_limit_id" else ():
        made = await engine.up("GlobalConcurrencyLimit", limit, {"name": f"{names['name']}-{limit}", "limit": 5})
        names[limit] = made.values["limit_id"]
    return names


def case_of(kind: str, name: str) -> Case:
    return OF_OTHER_OBJECTS.get((kind, name)) or SUBJECTS[kind].fields[name]


def declared(kind: str, name: str, names: Mapping[str, str], owner: str) -> dict[str, Any]:
    subject, case = SUBJECTS[kind], case_of(kind, name)
    return filled({**subject.base, **case.beside, name: case.value, "owners": {name: owner}}, names)


def others(kind: str, name: str, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Each other field, with what goes along with it."""
    values = [{**case.beside, other: case.value} for other, case in SUBJECTS[kind].fields.items() if other != name]
    apart = {other for two in APART if name in two for other in two - {name}}
    return [filled({key: value for key, value in each.items() if key not in apart}, names) for each in values]


async def there(engine: Any, kind: str, id_: str, name: str) -> Any:
    """What the server has, as an import finds it."""
    return (await engine.import_(kind, "there", id_)).values.get(name)


async def made_and_edited(
    engine: Any, later_engine: Any, client: Any, kind: str, name: str, names: dict[str, Any], owner: str
) -> tuple[Any, dict[str, Any], Any]:
    """The object, what was declared of it, and what the server made of the field, which people have edited since."""
    subject, given = SUBJECTS[kind], declared(kind, name, names, owner)
    resource = await engine.up(kind, "r", given)
    made = await there(later_engine, kind, resource.id, name)
    at = filled(subject.path, {**names, "id": resource.id})
    await edited(client, at, subject, case_of(kind, name), name, names)
    return resource, given, made


@pytest.mark.parametrize("owner", ["ui", "create-only"])
@pytest.mark.parametrize(("kind", "name"), EACH)
async def test_what_people_make_of_it_stays_whatever_else_is_written(
    engine: Any, later_engine: Any, client: Any, unique: str, kind: str, name: str, owner: str
) -> None:
    names = await named(engine, unique, name)
    resource, given, made = await made_and_edited(engine, later_engine, client, kind, name, names, owner)
    id_, written = resource.id, resource.values.get(name)
    seen = await there(later_engine, kind, id_, name)
    assert seen != made

    # Before any refresh: the state doesn't know of the edit.
    for other in others(kind, name, names):
        await engine.up(kind, "r", {**given, **other, name: given[name]})
        assert await there(later_engine, kind, id_, name) == seen

    await engine.up(kind, "r", given)
    assert await engine.refresh(resource) == []
    assert (resource.values.get(name) == written) is (owner == "ui")
    for other in others(kind, name, names):
        await engine.up(kind, "r", {**given, **other, name: given[name]})
        assert await there(later_engine, kind, id_, name) == seen
    await engine.up(kind, "r", given)
    # Nor is another declaration a change of it.
    subject = SUBJECTS[kind]
    bare = filled({**subject.base, **case_of(kind, name).beside}, names)
    assert (await engine.up(kind, "r", {**bare, "owners": {name: owner}})).steps == ["same"]


@pytest.mark.parametrize("owner", ["ui", "create-only"])
@pytest.mark.parametrize(("kind", "name"), EACH)
async def test_it_stays_when_the_object_is_taken_over_and_is_written_when_it_is_made_anew(
    engine: Any, later_engine: Any, client: Any, unique: str, kind: str, name: str, owner: str
) -> None:
    names = await named(engine, unique, name)
    resource, given, made = await made_and_edited(engine, later_engine, client, kind, name, names, owner)
    id_ = resource.id
    seen = await there(later_engine, kind, id_, name)

    engine.resources.pop((resource.token, "r"))
    taken = await engine.up(kind, "r", {**given, "adopt": True})
    assert taken.id == id_
    assert await there(later_engine, kind, id_, name) == seen
    assert await engine.refresh(taken) == []

    await engine.destroy(taken)
    again = await engine.up(kind, "r", given)
    assert again.steps == ["create"]
    assert await there(later_engine, kind, again.id, name) == made


@pytest.mark.parametrize(("kind", "name"), EACH)
async def test_taken_back_into_the_stack_it_is_drift_and_is_written(
    engine: Any, later_engine: Any, client: Any, unique: str, kind: str, name: str
) -> None:
    names = await named(engine, unique, name)
    resource, given, made = await made_and_edited(engine, later_engine, client, kind, name, names, "ui")
    assert await engine.refresh(resource) == []

    given.pop("owners")
    assert (await engine.up(kind, "r", given)).steps == ["same"]
    assert any(path.startswith(name) for path in await engine.refresh(resource))
    await engine.up(kind, "r", given)

    assert await there(later_engine, kind, resource.id, name) == made
    assert await engine.refresh(resource) == []


@pytest.mark.parametrize("owner", ["ui", "create-only"])
async def test_a_pool_that_people_have_made_anew_is_no_matter_of_the_deployment_or_queue_whose_pools_id_is_theirs(
    engine: Any, later_engine: Any, client: Any, unique: str, owner: str
) -> None:
    pool = await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
    theirs = {"work_pool_id": pool.values["work_pool_id"], "owners": {"work_pool_id": owner}}
    queue = {"name": "urgente", "work_pool_name": unique, **theirs}
    deployment = {**SUBJECTS["Deployment"].base, "name": "d", "flow_name": unique, "work_pool_name": unique, **theirs}
    kept = [await engine.up("WorkQueue", "q", queue), await engine.up("Deployment", "d", deployment)]
    await client.delete(f"work_pools/{unique}")
    now = (await client.post("work_pools/", {"name": unique, "type": "process"}))["id"]
    await client.post(f"work_pools/{unique}/queues", {"name": "urgente"})
    await client.patch(f"deployments/{kept[1].id}", {"work_pool_name": unique})

    for changed in ({}, {"description": "x"}):
        await engine.up("WorkQueue", "q", {**queue, **changed})
        await engine.up("Deployment", "d", {**deployment, **changed})
        for resource in kept:
            assert resource.steps == (["update description"] if changed else ["same"])
            assert await engine.refresh(resource) == []
            # The server tells a deployment's pool by its name alone: there is nothing to take note of.
            noted = now if owner == "create-only" and resource is kept[0] else theirs["work_pool_id"]
            assert resource.values["work_pool_id"] == noted
    assert await there(later_engine, "Deployment", kept[1].id, "work_pool_id") == now

    # Taken back, it is drift: the queue would be made anew in the pool that the stack names, the deployment attached.
    del queue["owners"], deployment["owners"]
    await engine.up("WorkQueue", "q", {**queue, "work_pool_id": now})
    await engine.up("Deployment", "d", {**deployment, "work_pool_id": now})
    for resource in kept:
        assert await engine.refresh(resource) == []
