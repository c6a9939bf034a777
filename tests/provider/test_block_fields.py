"""A block's data and its type's fields: what is wrong is told before anything is made, by a real server's schema."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

import grpc
import pytest

from infra.provider import wire
from infra.provider.kinds.block_fields import wrong
from tests.provider.block_types import SECRET, TEXT, model, registered
from tests.provider.conftest import Resource

pytestmark = pytest.mark.server

CANARY = "canary-9e2a"
ACCESS = model({"user": TEXT, "password": SECRET}, "password")
FIELDS = model(
    {
        "url": TEXT,
        "attempts": {"type": "integer", "default": 3},
        "level": {"enum": ["info", "debug"]},
        "access": {"$ref": "#/definitions/Access"},
        "tags": {"type": "array", "items": TEXT},
    },
    *("url", "access"),
    definitions={"Access": ACCESS},
    secret_fields=["access.password"],
)
RIGHT: dict[str, Any] = {"url": "https://x", "access": {"user": "u", "password": CANARY}}


@pytest.fixture
def slug(unique: str) -> str:
    return f"{unique[-30:].strip('-')}-t"


async def told(engine: Any, slug: str, data: Any, name: str = "b") -> dict[str, str]:
    try:
        await engine.check(Resource("prefect:index:Block", name), {"name": name, "type_slug": slug, "data": data})
    except engine.CheckFailed as failed:
        return dict(failed.failures)
    return {}


async def test_all_that_does_not_fit_is_told_at_once_each_at_its_place_without_its_value(
    engine: Any, client: Any, slug: str
) -> None:
    await registered(client, slug, FIELDS)
    wrong_data = {
        "attempts": "muchas",
        "level": "debag",
        "access": {"user": 5, "clave": CANARY},
        "tags": [CANARY, 7],
        "ulr": CANARY,
    }

    failures = await told(engine, slug, wrong_data)

    assert failures == {
        "data.url": f"the block type '{slug}' requires it",
        "data.attempts": "expected an integer, got a text",
        "data.level": "expected one of info, debug; did you mean debug?",
        "data.access": "'password' is a required property",
        "data.access.user": "expected a text, got an integer",
        "data.tags[1]": "expected a text, got an integer",
        "data.ulr": f"the block type '{slug}' has no such field: did you mean 'url'?",
    }
    assert [call for call in engine.transport.calls if "block_documents" in call[1]] == []


async def test_what_fits_is_made_and_read_back_and_its_secret_hidden_by_the_server(
    engine: Any, client: Any, unique: str, slug: str
) -> None:
    await registered(client, slug, FIELDS)
    made = await engine.up("Block", "b", {"name": unique, "type_slug": slug, "data": {**RIGHT, "tags": ["a"]}})
    assert await engine.refresh(made) == []
    shown = await client.get(f"block_documents/{made.id}")
    assert CANARY not in str(shown["data"])


@pytest.mark.parametrize("slug", ["secret", "slack-webhook", "github-repository"])
async def test_fields_of_prefects_own_types_are_known(engine: Any, slug: str) -> None:
    assert "no such field" in (await told(engine, slug, {"vaule": "x"}))["data.vaule"]


async def test_an_unchanged_block_asks_nothing_and_many_new_ones_ask_for_their_type_once(
    engine: Any, later_engine: Any, client: Any, unique: str, slug: str
) -> None:
    await registered(client, slug, FIELDS)
    for n in range(5):
        await engine.up("Block", f"b{n}", {"name": f"{unique}-{n}", "type_slug": slug, "data": RIGHT})
    questions = [call for call in engine.transport.calls if not call[1].startswith("block_documents")]
    # Once when they are checked, which a server that isn't there must not hinder, and once when they are made.
    assert sorted(questions) == [("GET", f"block_types/slug/{slug}")] * 2 + [("POST", "block_schemas/filter")] * 2

    later_engine.resources = engine.resources
    for n in range(5):
        await later_engine.up("Block", f"b{n}", {"name": f"{unique}-{n}", "type_slug": slug, "data": RIGHT})
    assert later_engine.transport.calls == []


async def test_what_is_unknown_is_not_judged_and_the_rest_is(engine: Any, client: Any, slug: str) -> None:
    await registered(client, slug, FIELDS)
    assert await told(engine, slug, wire.UNKNOWN) == {}
    access = {"user": wire.UNKNOWN, "password": wire.UNKNOWN}
    partly = {"url": wire.UNKNOWN, "access": access, "attempts": wire.UNKNOWN, "tags": [wire.UNKNOWN, 3]}
    assert [*await told(engine, slug, partly)] == ["data.tags[1]"]
    reference = {"$ref": {"block_document_id": wire.UNKNOWN}}
    assert await told(engine, slug, {"url": "x", "access": reference}) == {}


async def test_a_type_that_is_not_there_yet_or_says_nothing_of_its_fields_is_no_mistake(
    engine: Any, client: Any, slug: str
) -> None:
    assert await told(engine, slug, {"x": 1}) == {}
    await registered(client, f"{slug}-none")
    assert await told(engine, f"{slug}-none", {"x": 1}) == {}
    await registered(client, f"{slug}-bare", {"title": "x"})
    assert await told(engine, f"{slug}-bare", {"x": 1}) == {}
    await registered(client, f"{slug}-odd", model({"x": {"type": "texto"}}, "y"))
    assert await told(engine, f"{slug}-odd", {"x": 1}) == {}


async def test_where_there_is_no_server_yet_nothing_is_judged(offline: Any) -> None:
    assert await told(offline, "secret", {"vaule": "x"}) == {}


async def test_a_type_without_a_schema_is_told_in_words_when_a_block_of_it_is_made(
    engine: Any, client: Any, unique: str, slug: str
) -> None:
    await registered(client, slug)
    with pytest.raises(grpc.aio.AioRpcError, match=f"the block type '{slug}' has no schema.*prefect block register"):
        await engine.up("Block", "b", {"name": unique, "type_slug": slug, "data": {"x": 1}})


async def test_the_newest_schema_counts_and_a_secret_that_is_new_in_it_is_hidden(
    engine: Any, later_engine: Any, client: Any, unique: str, slug: str
) -> None:
    first = model({"url": TEXT}, "url", secret_fields=[])
    await registered(client, slug, first)
    inputs = {"name": unique, "type_slug": slug, "data": {"url": "https://x"}}
    made = await engine.up("Block", "b", inputs)
    await registered(client, slug, model({"url": TEXT, "token": SECRET}, "url", secret_fields=["token"]))

    later_engine.resources = engine.resources
    await later_engine.up("Block", "b", {**inputs, "data": {"url": "https://x", "token": CANARY}})

    shown = await client.get(f"block_documents/{made.id}")
    assert CANARY not in str(shown["data"])
    assert await later_engine.refresh(made) == []


class Level(Enum):
    INFO = "info"
    DEBUG = "debug"


VALUES: list[Any] = [
    *("", "x", "5", "5.5", "true", "no", "info", "2026-01-01", "2026-01-01T08:00:00", "PT5M", "https://x"),
    *(0, 1, 5, -5, 5.0, 5.5, True, False, None, [], [1], ["1"], ["x"], [None], {}, {"a": 1}, {"a": "x"}),
]
TYPES: dict[str, Any] = {
    "text": str,
    "integer": int,
    "number": float,
    "truth": bool,
    "level": Level,
    "literal": Literal["info", 5],
    "instant": datetime,
    "day": date,
    "while": timedelta,
    "amount": Decimal,
    "maybe": int | None,
    "either": bool | list[int],
    "texts": list[str],
    "numbers": tuple[int, ...],
    "anything": Any,
}


def test_no_value_is_refused_that_prefect_reads() -> None:
    """Null is taken wherever a field may be left out, and of what a text has to look like the check says nothing."""
    from prefect.blocks.core import Block
    from pydantic import SecretStr, ValidationError, create_model

    fields: dict[str, Any] = {f"f_{name}": (type_, None) for name, type_ in {**TYPES, "secret": SecretStr}.items()}
    proveedor = create_model("Proveedor", __base__=Block, **fields)
    schema = proveedor.model_json_schema()
    refused, taken = [], []
    for name in fields:
        for value in VALUES:
            try:
                proveedor.model_validate({name: value})
            except ValidationError:
                taken += [] if [*wrong({name: value}, "proveedor", schema)] else [(name, value)]
            else:
                refused += [(name, value)] if [*wrong({name: value}, "proveedor", schema)] else []
    assert refused == []
    of_a_form = {"f_instant", "f_day", "f_while", "f_amount"}
    assert {name for name, value in taken if value is not None} <= of_a_form
