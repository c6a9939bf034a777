"""Block documents, against a real server."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from infra.provider import wire

pytestmark = pytest.mark.server


@pytest.fixture
def secret(unique: str) -> dict[str, Any]:
    return {"name": unique, "type_slug": "secret", "data": {"value": "s3cr3t"}}


async def stored(client: Any, id_: str) -> Any:
    return (await client.get(f"block_documents/{id_}", include_secrets="true"))["data"]


async def test_a_block_lives_through_its_life(engine: Any, client: Any, secret: dict[str, Any]) -> None:
    resource = await engine.up("Block", "b", secret)
    assert await stored(client, resource.id) == {"value": "s3cr3t"}
    assert await engine.refresh(resource) == []
    engine.forget_calls()
    assert (await engine.up("Block", "b", secret)).steps == ["same"]
    assert engine.transport.calls == []

    id_ = resource.id
    await engine.up("Block", "b", {**secret, "data": {"value": "an0ther"}})
    assert (resource.steps, resource.id) == (["update data.value"], id_)
    assert engine.transport.writes == [("PATCH", f"block_documents/{id_}")]
    assert await stored(client, id_) == {"value": "an0ther"}
    assert await engine.refresh(resource) == []

    await engine.destroy(resource)
    assert await engine.refresh(resource) == ["gone"]


DATA: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "secret": ({"value": {"user": "u", "list": [1, "x", None]}}, {"value": 5}),
    "slack-webhook": ({"url": "https://hooks.slack.com/x"}, {"url": "https://y", "notify_type": "warning"}),
    "local-file-system": ({"basepath": "/srv"}, {"basepath": "/srv/2"}),
    "remote-file-system": (
        {"basepath": "s3://a/b", "settings": {"key": "k", "client_kwargs": {"a": 1}}},
        {"basepath": "s3://a/c"},
    ),
}


@pytest.mark.parametrize("type_slug", sorted(DATA))
async def test_data_of_any_type_reads_back_as_written_and_keys_that_go_are_gone(
    engine: Any, client: Any, unique: str, type_slug: str
) -> None:
    data, other = DATA[type_slug]
    base = {"name": unique, "type_slug": type_slug}
    resource = await engine.up("Block", "b", {**base, "data": data})
    assert await engine.refresh(resource) == []
    await engine.up("Block", "b", {**base, "data": other})
    assert await stored(client, resource.id) == other
    assert await engine.refresh(resource) == []


async def test_an_edit_in_the_ui_is_drift_and_is_put_back(engine: Any, client: Any, secret: dict[str, Any]) -> None:
    resource = await engine.up("Block", "b", secret)
    await client.patch(f"block_documents/{resource.id}", {"data": {"value": "edited"}})

    assert await engine.refresh(resource) == ["data.value"]
    await engine.up("Block", "b", secret)

    assert await stored(client, resource.id) == {"value": "s3cr3t"}
    assert await engine.refresh(resource) == []


async def test_a_block_deleted_in_the_ui_comes_back(engine: Any, client: Any, secret: dict[str, Any]) -> None:
    resource = await engine.up("Block", "b", secret)
    await client.delete(f"block_documents/{resource.id}")
    assert await engine.refresh(resource) == ["gone"]
    assert (await engine.up("Block", "b", secret)).steps == ["create"]


async def test_a_block_that_a_killed_up_left_behind_is_found_again(engine: Any, secret: dict[str, Any]) -> None:
    first = (await engine.up("Block", "b", secret)).id
    engine.resources.clear()
    engine.forget_calls()
    assert (await engine.up("Block", "b", secret)).id == first
    assert [method for method, _ in engine.transport.writes] == ["POST"]


async def test_somebody_elses_block_is_refused_with_the_way_out_and_taken_with_adopt(
    engine: Any, client: Any, secret: dict[str, Any]
) -> None:
    theirs = await engine.up("Block", "theirs", {**secret, "data": {"value": "theirs"}})

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await engine.up("Block", "b", secret)
    assert f"`pulumi import prefect:index:Block NAME {theirs.id}`" in str(refused.value.details())
    assert refused.value.code() is grpc.StatusCode.ALREADY_EXISTS
    assert await stored(client, theirs.id) == {"value": "theirs"}

    adopted = await engine.up("Block", "c", {**secret, "adopt": True})
    assert adopted.id == theirs.id
    assert await stored(client, theirs.id) == secret["data"]
    assert await engine.refresh(adopted) == []


async def test_an_imported_block_is_the_same_at_the_next_up_and_its_data_secret(
    engine: Any, secret: dict[str, Any]
) -> None:
    made = await engine.up("Block", "b", secret)
    imported = await engine.import_("Block", "c", made.id)
    assert imported.values == {**secret, "block_document_id": made.id}
    assert wire.decode(imported.inputs).secrets == wire.decode(imported.state).secrets == {("data",)}
    assert (await engine.up("Block", "c", secret)).steps == ["same"]


async def test_a_block_can_be_renamed_and_change_its_type_the_new_one_first(
    engine: Any, client: Any, secret: dict[str, Any]
) -> None:
    before = (await engine.up("Block", "b", secret)).id
    resource = await engine.up("Block", "b", {**secret, "name": secret["name"] + "-2"})
    assert resource.steps == ["create", "delete"]
    assert resource.id != before
    other = await engine.up("Block", "b", {**secret, "type_slug": "local-file-system", "data": {"basepath": "/x"}})
    assert other.steps == ["create", "delete"]
    assert (await client.get_or_none(f"block_documents/{before}")) is None


async def test_an_unknown_type_is_told_in_words(engine: Any, secret: dict[str, Any]) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="the server knows no block type 'secreto'"):
        await engine.up("Block", "b", {**secret, "type_slug": "secreto"})


@pytest.mark.parametrize("name", ["con espacio", "Mayúsculas", "guion_bajo", "ñandú", "a/b", "línea\n"])
async def test_a_name_that_the_server_would_refuse_fails_the_check(
    engine: Any, secret: dict[str, Any], name: str
) -> None:
    with pytest.raises(engine.CheckFailed) as caught:
        await engine.up("Block", "b", {**secret, "name": name})
    assert "lower case" in caught.value.failures["name"]
    assert engine.transport.writes == []


async def test_destroying_what_is_gone_is_no_failure(engine: Any, client: Any, secret: dict[str, Any]) -> None:
    resource = await engine.up("Block", "b", secret)
    await client.delete(f"block_documents/{resource.id}")
    await engine.destroy(resource)
