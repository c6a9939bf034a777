"""Blocks that refer to other blocks, against a real server."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

pytestmark = pytest.mark.server

CANARY = "clave-del-otro-bloque"


def reference(id_: Any) -> dict[str, Any]:
    return {"$ref": {"block_document_id": id_}}


def named(name: str) -> dict[str, Any]:
    return {"name": name, "type_slug": "github-credentials", "data": {"token": CANARY}}


@pytest.fixture
async def child(engine: Any, unique: str) -> Any:
    return await engine.up("Block", "child", named(f"{unique}-c"))


@pytest.fixture
def parent(child: Any, unique: str) -> dict[str, Any]:
    data = {"repository_url": "https://git.example.com/flujos.git", "credentials": reference(child.id)}
    return {"name": unique, "type_slug": "github-repository", "data": data}


async def target(client: Any, id_: str) -> str | None:
    """Which block it refers to, by what the server answers."""
    found = (await client.get(f"block_documents/{id_}"))["block_document_references"]
    return found["credentials"]["block_document"]["id"] if found else None


async def test_a_reference_is_no_drift_and_is_written_once(
    engine: Any, client: Any, child: Any, parent: dict[str, Any]
) -> None:
    resource = await engine.up("Block", "parent", parent)
    assert await target(client, resource.id) == child.id
    assert await engine.refresh(resource) == []
    assert resource.values["data"] == parent["data"]
    engine.forget_calls()
    assert (await engine.up("Block", "parent", parent)).steps == ["same"]
    assert engine.transport.calls == []


async def test_an_id_may_be_written_in_capitals(engine: Any, child: Any, parent: dict[str, Any]) -> None:
    data = {**parent["data"], "credentials": reference(child.id.upper())}
    resource = await engine.up("Block", "parent", {**parent, "data": data})
    assert await engine.refresh(resource) == []
    assert (await engine.up("Block", "parent", {**parent, "data": data})).steps == ["same"]


async def test_an_edit_of_the_other_block_is_drift_of_that_one_alone(
    engine: Any, client: Any, child: Any, parent: dict[str, Any]
) -> None:
    resource = await engine.up("Block", "parent", parent)
    await client.patch(f"block_documents/{child.id}", {"data": {"token": "editada"}})
    assert await engine.refresh(resource) == []
    assert await engine.refresh(child) == ["data.token"]


async def test_what_it_refers_to_may_change_or_be_taken_out_and_an_edit_of_it_is_put_back(
    engine: Any, client: Any, child: Any, parent: dict[str, Any]
) -> None:
    other = await engine.up("Block", "other", named(f"{parent['name']}-o"))
    resource = await engine.up("Block", "parent", parent)

    changed = {**parent, "data": {**parent["data"], "credentials": reference(other.id)}}
    await engine.up("Block", "parent", changed)
    assert resource.steps == ['update data.credentials["$ref"].block_document_id']
    assert await target(client, resource.id) == other.id
    assert await engine.refresh(resource) == []

    await client.patch(f"block_documents/{resource.id}", {"data": {"credentials": reference(child.id)}})
    assert await engine.refresh(resource) == ['data.credentials["$ref"].block_document_id']
    await engine.up("Block", "parent", changed)
    assert await target(client, resource.id) == other.id

    without = {**parent, "data": {"repository_url": "https://git.example.com/otro.git"}}
    await engine.up("Block", "parent", without)
    assert await target(client, resource.id) is None
    assert await engine.refresh(resource) == []


async def test_a_block_that_is_renamed_is_followed_by_what_refers_to_it(
    engine: Any, client: Any, child: Any, parent: dict[str, Any]
) -> None:
    """Pulumi's order: the new one is made, what refers to it is changed, the old one goes."""
    resource = await engine.up("Block", "parent", parent)
    new = await engine.up("Block", "new", named(f"{parent['name']}-n"))
    await engine.up("Block", "parent", {**parent, "data": {**parent["data"], "credentials": reference(new.id)}})
    await engine.destroy(child)
    assert await target(client, resource.id) == new.id
    assert await engine.refresh(resource) == []


async def test_a_reference_that_goes_with_the_block_it_leads_to_is_drift(
    engine: Any, client: Any, child: Any, parent: dict[str, Any]
) -> None:
    resource = await engine.up("Block", "parent", parent)
    await client.delete(f"block_documents/{child.id}")
    assert await engine.refresh(child) == ["gone"]
    assert await engine.refresh(resource) == ["data.credentials"]


async def test_one_that_a_killed_up_left_behind_is_found_again_without_a_second_write(
    engine: Any, parent: dict[str, Any]
) -> None:
    first = (await engine.up("Block", "parent", parent)).id
    engine.resources.clear()
    engine.forget_calls()
    resource = await engine.up("Block", "parent", parent)
    assert resource.id == first
    assert [method for method, _ in engine.transport.writes] == ["POST"]
    assert await engine.refresh(resource) == []


async def test_an_import_brings_the_reference_and_nothing_of_the_other_block(
    engine: Any, parent: dict[str, Any]
) -> None:
    made = await engine.up("Block", "parent", parent)
    imported = await engine.import_("Block", "i", made.id)
    assert imported.values["data"] == parent["data"]
    assert CANARY not in f"{imported.inputs}{imported.state}"
    assert (await engine.up("Block", "i", parent)).steps == ["same"]


async def test_many_that_are_read_at_once_have_their_references(
    engine: Any, later_engine: Any, parent: dict[str, Any]
) -> None:
    made = [await engine.up("Block", f"p{n}", {**parent, "name": f"{parent['name']}-{n}"}) for n in range(6)]
    assert [await later_engine.refresh(resource) for resource in made] == [[]] * 6
    assert ("POST", "block_documents/filter") in later_engine.transport.calls


async def test_a_look_up_tells_what_the_other_block_has(engine: Any, parent: dict[str, Any]) -> None:
    """As `Block.load` does in a flow."""
    made = await engine.up("Block", "parent", parent)
    found = await engine.invoke("getBlock", {"block_document_id": made.id})
    assert found.values["data"]["credentials"]["token"] == CANARY


async def test_a_reference_to_what_is_not_there_is_told_in_words(engine: Any, parent: dict[str, Any]) -> None:
    nobody = "00000000-0000-4000-8000-000000000000"
    wrong = {**parent, "data": {**parent["data"], "credentials": reference(nobody)}}
    told = f"block '{parent['name']}': data.credentials refers to a block that isn't there"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await engine.up("Block", "parent", wrong)
    assert (refused.value.code(), refused.value.details()) == (grpc.StatusCode.NOT_FOUND, told)
    engine.resources.clear()
    await engine.up("Block", "parent", parent)
    with pytest.raises(grpc.aio.AioRpcError, match="refers to a block that isn't there"):
        await engine.up("Block", "parent", wrong)


@pytest.mark.parametrize(
    ("value", "path", "hint"),
    [
        ({"$ref": "x"}, 'data.credentials["$ref"]', "with the id of its resource"),
        ({"$ref": {}}, 'data.credentials["$ref"]', "with the id of its resource"),
        ({"$ref": {"block_document_id": "x", "name": "y"}}, 'data.credentials["$ref"]', "with the id of its resource"),
        ({"$ref": {"block_document_id": "x"}}, 'data.credentials["$ref"].block_document_id', "expected the UUID"),
        ({"$ref": {"block_document_id": 5}}, 'data.credentials["$ref"].block_document_id', "expected the UUID"),
        ({**reference("00000000-0000-4000-8000-000000000000"), "token": 1}, "data.credentials", "got token beside it"),
    ],
)
async def test_a_reference_of_another_form_is_told_before_anything_is_written(
    offline: Any, value: Any, path: str, hint: str
) -> None:
    """The server answers some with a 500, and drops a part of others."""
    data = {"repository_url": "x", "credentials": value}
    with pytest.raises(offline.CheckFailed) as caught:
        await offline.up("Block", "b", {"name": "x", "type_slug": "github-repository", "data": data})
    assert [*caught.value.failures] == [path]
    assert hint in caught.value.failures[path]
