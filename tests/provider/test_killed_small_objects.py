"""Variables, limits and automations, made, changed and deleted by a plugin that is killed at each of its calls."""

from __future__ import annotations

from typing import Any

import pytest

from tests.provider.conftest import Engine
from tests.provider.killing import Scenario, State, up
from tests.provider.small_program import small_program

pytestmark = pytest.mark.server
SMALL = {"variable", "limit", "of-a-tag", "automation"}


@pytest.mark.parametrize(
    ("before", "after", "calls"), [(0, 1, 6), (1, 2, 5), (2, 0, 4)], ids=["made", "changed", "gone"]
)
async def test_wherever_an_up_is_killed_the_next_one_has_each_small_object_there_once_and_as_declared(
    prefect_server: str, client: Any, unique: str, before: int, after: int, calls: int
) -> None:
    async def of(engine: Engine, state: State, n: int) -> None:
        await up(engine, state, small_program(unique, state, n=n, only=SMALL) if n else [])

    scenario = Scenario(lambda *given: of(*given, after), prepare=lambda *given: of(*given, before))

    assert len(await scenario.killed_at_each_call(prefect_server, client)) == calls
