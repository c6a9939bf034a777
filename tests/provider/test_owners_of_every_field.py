"""Every field can be people's: whatever else the stack writes, and however, it leaves that one alone."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import pytest

from tests.provider.fields import SUBJECTS, edited, filled

pytestmark = [pytest.mark.server, pytest.mark.thorough]
EACH = [(kind, name) for kind, subject in SUBJECTS.items() for name in subject.fields]
APART = ({"job_defaults", "base_job_template"},)
"""Of no use together: the defaults are of the template's variables."""


async def named(engine: Any, unique: str) -> dict[str, str]:
    for pool in (unique, f"{unique}-2"):
        await engine.up("WorkPool", pool, {"name": pool, "type": "process"})
    return {"name": f"{unique[-20:]}-{secrets.token_hex(4)}", "pool": unique}


def declared(kind: str, name: str, names: Mapping[str, str], owner: str) -> dict[str, Any]:
    subject, case = SUBJECTS[kind], SUBJECTS[kind].fields[name]
    return filled({**subject.base, **case.beside, name: case.value, "owners": {name: owner}}, names)


def others(kind: str, name: str, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Each other field, with what goes along with it."""
    cases = {
        other: case for other, case in SUBJECTS[kind].fields.items() if other != name and {other, name} not in APART
    }
    return [filled({**case.beside, other: case.value}, names) for other, case in cases.items()]


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
    await edited(client, at, subject, subject.fields[name], name, names)
    return resource, given, made


@pytest.mark.parametrize("owner", ["ui", "create-only"])
@pytest.mark.parametrize(("kind", "name"), EACH)
async def test_what_people_make_of_it_stays_whatever_else_is_written(
    engine: Any, later_engine: Any, client: Any, unique: str, kind: str, name: str, owner: str
) -> None:
    names = await named(engine, unique)
    resource, given, made = await made_and_edited(engine, later_engine, client, kind, name, names, owner)
    id_ = resource.id
    seen = await there(later_engine, kind, id_, name)
    assert seen != made

    # Before any refresh: the state doesn't know of the edit.
    for other in others(kind, name, names):
        await engine.up(kind, "r", {**given, **other, name: given[name]})
        assert await there(later_engine, kind, id_, name) == seen

    await engine.up(kind, "r", given)
    assert await engine.refresh(resource) == []
    noted = resource.values.get(name)
    assert (noted == given[name]) is (owner == "ui")
    for other in others(kind, name, names):
        await engine.up(kind, "r", {**given, **other, name: given[name]})
        assert await there(later_engine, kind, id_, name) == seen
    await engine.up(kind, "r", given)
    # Nor is another declaration a change of it.
    subject = SUBJECTS[kind]
    bare = filled({**subject.base, **subject.fields[name].beside}, names)
    assert (await engine.up(kind, "r", {**bare, "owners": {name: owner}})).steps == ["same"]


@pytest.mark.parametrize("owner", ["ui", "create-only"])
@pytest.mark.parametrize(("kind", "name"), EACH)
async def test_it_stays_when_the_object_is_taken_over_and_is_written_when_it_is_made_anew(
    engine: Any, later_engine: Any, client: Any, unique: str, kind: str, name: str, owner: str
) -> None:
    names = await named(engine, unique)
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
    names = await named(engine, unique)
    resource, given, made = await made_and_edited(engine, later_engine, client, kind, name, names, "ui")
    assert await engine.refresh(resource) == []

    given.pop("owners")
    assert (await engine.up(kind, "r", given)).steps == ["same"]
    assert any(path.startswith(name) for path in await engine.refresh(resource))
    await engine.up(kind, "r", given)

    assert await there(later_engine, kind, resource.id, name) == made
    assert await engine.refresh(resource) == []
