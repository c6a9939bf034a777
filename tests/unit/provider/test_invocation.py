"""What holds for every function: secrets stay secrets, unknowns are not asked about, mistakes are all told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from infra.provider import wire
from infra.provider.errors import InvalidArguments
from infra.provider.functions.function import Arguments, Function, Result
from infra.provider.invocation import Invocation
from infra.provider.nearness import MOST, near
from infra.provider.wire import UNKNOWN, Properties

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


class AnyArguments(Arguments):
    name: str = Field(description="A text.")
    filter: Any = Field(default=None, description="Anything.")


class AnyResult(Result):
    plain: Any = Field(description="Anything.")
    hidden: Any = Field(description="Anything, as a secret.")
    maybe: str | None = Field(default=None, description="May be missing.")


class Echo(Function[AnyArguments]):
    """Answers with what it was asked."""

    token = "prefect:index:getEcho"
    arguments = AnyArguments
    result = AnyResult
    secrets = frozenset({"hidden"})

    async def call(self, api: Any, given: AnyArguments) -> AnyResult:
        return AnyResult(plain=given.filter, hidden=given.name)


def connect() -> Any:
    return object()


def no_server() -> Any:
    raise AssertionError("asked the server")


def call(values: dict[str, Any], secrets: Any = frozenset(), connecting: Any = connect) -> Properties | None:
    return asyncio.run(Invocation(Echo()).call(connecting, Properties(values, frozenset(secrets))))


@given(st.text(), JSON, st.sets(st.sampled_from([("name",), ("filter",), ("filter", "a")])))
def test_what_is_secret_is_marked_on_the_wire_and_nothing_else_is(name: str, asked: Any, secrets: Any) -> None:
    found = call({"name": name, "filter": asked}, secrets)
    assert found is not None
    sent = wire.decode(wire.encode(found.values, found.secrets))
    assert sent.values == {"plain": asked, "hidden": name}
    # A result may repeat what it was asked with.
    assert sent.secrets == ({("plain",), ("hidden",)} if secrets else {("hidden",)})


@given(JSON, st.data())
def test_nothing_is_asked_while_anything_is_unknown_however_deep(value: Any, data: st.DataObject) -> None:
    def hide(value: Any) -> Any:
        match value:
            case dict() if value and data.draw(st.booleans()):
                key = data.draw(st.sampled_from(sorted(value)))
                return {**value, key: hide(value[key])}
            case list() if value and data.draw(st.booleans()):
                n = data.draw(st.integers(0, len(value) - 1))
                return [*value[:n], hide(value[n]), *value[n + 1 :]]
            case _:
                return UNKNOWN

    assert call({"name": "x", "filter": hide(value)}, connecting=no_server) is None


@given(st.sets(st.text("abcdef", min_size=1, max_size=8), max_size=4), st.booleans(), st.integers(10**6, 10**7))
def test_each_wrong_argument_is_named_its_value_is_not_and_nothing_is_asked(
    unknown: set[str], missing: bool, value: int
) -> None:
    given_values: dict[str, Any] = dict.fromkeys(unknown, value) | ({} if missing else {"name": value})
    with pytest.raises(InvalidArguments) as raised:
        call(given_values, connecting=no_server)
    told = str(raised.value)
    assert told.startswith("getEcho: ")
    for key in {"name", *unknown}:
        assert f"{key}: " in told
    assert told.count("no such argument") == len(unknown)
    assert ("is required" in told) is missing
    assert str(value) not in told


def test_an_optional_one_without_a_value_is_left_out_and_a_required_one_is_null() -> None:
    found = call({"name": "x"})
    assert found is not None
    assert found.values == {"plain": None, "hidden": "x"}


@given(st.text(max_size=8), st.lists(st.text(max_size=8), max_size=MOST + 3))
def test_whatever_is_offered_for_a_wrong_name_exists(name: str, there: list[str]) -> None:
    told = near(name, there)
    match told.partition("did you mean"):
        case (_, "", _) if not there:
            assert told == "there is none at all"
        case (_, "", rest):
            assert rest == ""
            assert told.startswith("there are")
        case (_, _, offered):
            assert any(repr(candidate) in offered for candidate in there)


@pytest.mark.parametrize(
    ("name", "there", "told"),
    [
        ("compras-prd", ["compras-prod", "ventas-dev"], "did you mean 'compras-prod'?"),
        ("COMPRAS-PROD", ["compras-prod"], "did you mean 'compras-prod'?"),
        ("compras", ["compras-a", "compras-b"], "did you mean 'compras-b' or 'compras-a'?"),
        ("compras", ["x", "y"], "there are: x, y"),
        ("compras", [], "there is none at all"),
        ("compras", map(str, range(200)), "there are 200, and none has a name near to that"),
    ],
)
def test_what_was_probably_meant_is_offered(name: str, there: Any, told: str) -> None:
    assert near(name, there) == told
