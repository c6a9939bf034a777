"""Variables, limits and automations, made, changed and deleted by a plugin that is killed at each of its calls."""

from __future__ import annotations

from typing import Any

import pytest

from tests.provider.conftest import Engine
from tests.provider.killing import Scenario, State, up
from tests.provider.small_program import small_program

pytestmark = pytest.mark.server

SMALL = {"variable", "limit", "of-a-tag", "automation"}
NEVER: dict[str, Any] = {}
NEW, CHANGED = {"n": 1}, {"n": 2}
RENAMED = {"n": 1, "renamed": dict.fromkeys(SMALL, "otro-nombre")}


@pytest.fixture(scope="module", params=["own", pytest.param("postgres", marks=pytest.mark.docker)])
def prefect_server(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_server"))


@pytest.mark.parametrize(
    ("before", "after"),
    [(NEVER, NEW), (NEW, CHANGED), (NEW, RENAMED), (NEW, NEVER)],
    ids=["made", "changed", "renamed", "gone"],
)
async def test_wherever_an_up_is_killed_the_next_one_has_each_small_object_there_once_and_as_declared(
    prefect_server: str, client: Any, unique: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    async def of(engine: Engine, state: State, values: dict[str, Any]) -> None:
        await up(engine, state, small_program(unique, state, only=SMALL, **values) if values else [])

    scenario = Scenario(lambda *given: of(*given, after), prepare=lambda *given: of(*given, before))
    calls = await scenario.killed_at_each_call(prefect_server, client)

    assert len([call for call in calls if call.writes]) >= len(SMALL)
