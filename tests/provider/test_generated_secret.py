"""A random text that is made once, kept, and never seen."""

from __future__ import annotations

import re
from typing import Any

import grpc
import pytest

from infra.provider import wire


async def test_it_is_made_once_and_kept_over_ups_and_refreshes(offline: Any) -> None:
    """Its inputs as a program has them that says nothing: all by default, and so none in the state."""
    resource = await offline.up("GeneratedSecret", "password", {"length": 32, "rotation": 1})
    value = resource.values["value"]
    assert wire.decode(resource.inputs).values == {}
    assert await offline.refresh(resource) == []
    assert (await offline.up("GeneratedSecret", "password", {})).steps == ["same"]
    assert resource.values["value"] == value
    await offline.destroy(resource)


@pytest.mark.parametrize("length", [16, 32, 256])
async def test_it_has_the_bytes_asked_for_in_letters_that_fit_anywhere(offline: Any, length: int) -> None:
    resource = await offline.up("GeneratedSecret", "password", {"length": length})
    assert re.fullmatch(rf"[A-Za-z0-9_-]{{{-(-length * 4 // 3)}}}", resource.values["value"])


async def test_no_two_are_alike(offline: Any) -> None:
    resources = [await offline.up("GeneratedSecret", f"password{n}", {}) for n in range(20)]
    assert len({resource.values["value"] for resource in resources}) == 20
    assert len({resource.id for resource in resources}) == 20


@pytest.mark.parametrize("change", [{"rotation": 2}, {"length": 48}])
async def test_another_rotation_or_length_makes_another_one_before_the_old_one_goes(
    offline: Any, change: dict[str, int]
) -> None:
    resource = await offline.up("GeneratedSecret", "password", {})
    before = (resource.id, resource.values["value"])
    await offline.up("GeneratedSecret", "password", change)
    assert resource.steps == ["create", "delete"]
    assert resource.id != before[0]
    assert resource.values["value"] != before[1]


async def test_it_is_a_secret_in_the_state_and_its_id_tells_nothing_of_it(offline: Any) -> None:
    resource = await offline.up("GeneratedSecret", "password", {})
    assert wire.decode(resource.state).secrets == {("value",)}
    assert resource.id not in resource.values["value"]
    await offline.refresh(resource)
    assert wire.decode(resource.state).secrets == {("value",)}


@pytest.mark.parametrize("wrong", [{"length": 15}, {"length": 257}, {"rotation": 0}, {"length": 20.5}])
async def test_what_would_be_too_weak_or_no_number_fails_the_check(offline: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(offline.CheckFailed) as caught:
        await offline.up("GeneratedSecret", "password", wrong)
    assert set(caught.value.failures) == set(wrong)


async def test_it_cant_be_imported_and_says_why(offline: Any) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="lives in the state alone"):
        await offline.import_("GeneratedSecret", "password", "x")
