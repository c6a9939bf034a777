"""Pulumi's own command and its plugin, both killed at each call of a first `up`: before it or after it."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.provider.everything import Rows, beside, clear, everything
from tests.provider.front import fronting, nothing
from tests.provider.killing import Killer, answered
from tests.provider.pulumi_command import Cli

# Some sixty commands of Pulumi's: two minutes on a machine that has nothing else to do, many on one that has.
pytestmark = [pytest.mark.server, pytest.mark.thorough, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def prefect_server(own_server: str) -> str:
    return own_server


PROGRAM = """
import os
from infra.resources import Block, Deployment, GlobalConcurrencyLimit, Variable, WorkPool, WorkQueue

name = os.environ["NAME"]
pool = WorkPool("pool", name=name, type="process")
queue = WorkQueue("queue", work_pool=pool, name="urgente", concurrency_limit=1)
Deployment(
    "deployment",
    work_pool=pool,
    work_queue_name=queue.name,
    name=name,
    flow_name=name,
    entrypoint="a.py:f",
    schedules=[{"slug": "a", "cron": "0 1 * * *", "timezone": "America/Argentina/Buenos_Aires"}],
    triggers=[{"name": name, "expect": ["a"]}],
)
Block("block", name=name, type_slug="secret", data={"value": "clave"})
Variable("variable", name=name, value={"n": 1})
GlobalConcurrencyLimit("limit", name=name, limit=1)
"""
UP = ("up", "--yes", "--skip-preview")


async def test_wherever_pulumi_and_its_plugin_are_killed_in_a_first_up_the_next_one_converges(
    prefect_server: str, client: Any, unique: str, tmp_path: Path
) -> None:
    """Before every second call, and after the others: a kill takes four commands of Pulumi's."""
    others = await everything(client)
    async with fronting(prefect_server) as front:
        cli = Cli(tmp_path, PROGRAM, unique, front.url)
        assert (await cli.run("stack", "init", "t-killed"))[0] == 0
        shutil.copytree(tmp_path / "backend", tmp_path / "new")
        status, told = await cli.run(*UP)
        assert status == 0, told
        calls = answered(front)
        assert len(calls) >= 13
        expected = await what_was_made(cli, client, others)
        for number, call in enumerate(calls, 1):
            after = number % 2 == 1
            killer = Killer(number, after=after, kill=cli.kill_all)
            killer.stand_at(front)
            status, told = await cli.run(*UP)
            assert (killer.done, status) == (True, -signal.SIGKILL), told
            front.before = front.after = nothing
            try:
                assert cli.is_locked
                await cli.run("cancel", "--yes")
                status, told = await cli.run(*UP)
                assert status == 0, told
                assert await what_was_made(cli, client, others) == expected
            except BaseException as error:
                error.add_note(f"killed {'after' if after else 'before'} call {number}: {call.method} {call.path}")
                raise


async def what_was_made(cli: Cli, client: Any, others: Rows) -> list[tuple[str, str]]:
    """And the state says just this; then it is gone, and the state is a new stack's."""
    status, told = await cli.run(*UP, "--refresh", "--expect-no-changes")
    assert status == 0, told
    found = beside(await everything(client), others)
    await clear(client, others)
    shutil.rmtree(cli.folder / "backend")
    shutil.copytree(cli.folder / "new", cli.folder / "backend")
    return found
