"""Pulumi's own command and its plugin, both killed at a call: of a first `up`, of others, of a `destroy`."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.provider.everything import Rows, beside, everything
from tests.provider.front import Front, Request, fronting, nothing
from tests.provider.killing import Killer, answered
from tests.provider.pulumi_command import Cli

# Some fifty commands of Pulumi's: two minutes on a machine that has nothing else to do, many on one that has.
pytestmark = [pytest.mark.server, pytest.mark.thorough, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def prefect_server(own_server: str) -> str:
    return own_server


PROGRAM = """
import os
from infra.resources import (
    Automation,
    Block,
    Deployment,
    GlobalConcurrencyLimit,
    TagConcurrencyLimit,
    Variable,
    WorkPool,
    WorkQueue,
)

name, n, other = os.environ["NAME"], int(os.environ["N"]), os.environ["OTHER"]
pool = WorkPool("pool", name=name, type="docker" if other else "process", concurrency_limit=n)
queue = WorkQueue("queue", work_pool=pool, name="urgente", concurrency_limit=n)
Deployment(
    "deployment",
    work_pool=pool,
    work_queue_name=queue.name,
    name=name + other,
    flow_name=name,
    entrypoint="a.py:f",
    description=f"d{n}",
    schedules=[{"slug": "a", "cron": f"{n} 1 * * *", "timezone": "America/Argentina/Buenos_Aires"}],
    triggers=[{"name": name, "expect": [f"a{n}"]}],
)
Block("block", name=name + other, type_slug="secret", data={"value": f"clave-{n}"})
Variable("variable", name=name + other, value={"n": n})
GlobalConcurrencyLimit("limit", name=name + other, limit=n)
TagConcurrencyLimit("of-a-tag", tag=name + other, concurrency_limit=n)
Automation(
    "automation",
    name=name + other,
    trigger={"type": "event", "posture": "Reactive", "expect": [f"b{n}"], "threshold": 1},
    actions=[{"type": "pause-work-pool", "source": "inferred"}],
)
"""
UP = ("up", "--yes", "--skip-preview")


class Step(NamedTuple):
    """A command of Pulumi's, and what the program is told with it."""

    done: str
    command: tuple[str, ...]
    variables: Mapping[str, str]


STEPS = (
    Step("made", UP, {"N": "1", "OTHER": ""}),
    Step("changed", UP, {"N": "2", "OTHER": ""}),
    Step("replaced", UP, {"N": "2", "OTHER": "-otro"}),
    Step("destroyed", ("destroy", "--yes", "--skip-preview"), {}),
)
ROUNDS = 3
"""How often all steps are killed: each in another third of its writing calls."""
WITHOUT_CHECKPOINTS = {"PULUMI_SKIP_CHECKPOINTS": "true"}
"""docs/benchmarks.md says where it may be used: for a first `up`. It is, in the last round, killed at a late call."""


async def test_wherever_pulumi_and_its_plugin_are_killed_in_an_up_or_a_destroy_the_same_once_more_converges(
    prefect_server: str, client: Any, unique: str, tmp_path: Path
) -> None:
    others = await everything(client)
    async with fronting(prefect_server) as front:
        cli = Cli(tmp_path, PROGRAM, unique, front.url)
        assert (await cli.run("stack", "init", "t-killed"))[0] == 0
        whole = [await done(step, cli, front, client, others) for step in STEPS]
        assert whole[-1].found == []
        for round_ in range(ROUNDS):
            for number, (step, expected) in enumerate(zip(STEPS, whole, strict=True)):
                calls = [at for at, call in enumerate(expected.calls, 1) if call.writes]
                at, after = calls[len(calls) * (2 * round_ + 1) // (2 * ROUNDS)], (round_ + number) % 2 == 0
                first_of_last = round_ == ROUNDS - 1 and number == 0
                try:
                    await killed(step, cli, front, at, after=after, checkpoints=not first_of_last)
                    assert (await done(step, cli, front, client, others)).found == expected.found
                    if step.command == UP:
                        status, told = await cli.run(*UP, "--refresh", "--expect-no-changes")
                        assert status == 0, told
                except BaseException as error:
                    error.add_note(f"killed {'after' if after else 'before'} call {at}, before it was {step.done}")
                    error.add_note("\n".join(f"{call.method} {call.path}" for call in expected.calls))
                    raise


class Done(NamedTuple):
    calls: list[Request]
    found: list[tuple[str, str]]


async def done(step: Step, cli: Cli, front: Front, client: Any, others: Rows) -> Done:
    """What the step took, and what is there after it beside the `others`."""
    cli.variables |= step.variables
    front.seen.clear()
    status, told = await cli.run(*step.command)
    assert status == 0, told
    return Done(answered(front), beside(await everything(client), others))


async def killed(step: Step, cli: Cli, front: Front, at: int, *, after: bool, checkpoints: bool) -> None:
    """Kill it at its n-th call, and take the lock away that it leaves."""
    cli.variables |= step.variables | ({} if checkpoints else WITHOUT_CHECKPOINTS)
    killer = Killer(at, after=after, kill=cli.kill_all)
    killer.stand_at(front)
    status, told = await cli.run(*step.command)
    front.before = front.after = nothing
    assert (killer.done, status) == (True, -signal.SIGKILL), told
    assert cli.is_locked
    if not checkpoints:
        assert cli.objects == []
        del cli.variables["PULUMI_SKIP_CHECKPOINTS"]
    await cli.run("cancel", "--yes")
