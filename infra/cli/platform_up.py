"""A platform brought up, tried out and told of: what `dev up` and `stack new` have in common."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from infra.cli.console import err, fail, out, step
from infra.cli.smoke import NotInTime, Trial, try_deployment, workers_online
from infra.model import Stack
from infra.provider.api import Api
from infra.provider.connection import Connection


@dataclass
class Clock:
    """How long each part took."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - began, 1)


def connection(outputs: dict[str, Any]) -> Connection:
    """To a stack's server, from its outputs."""
    return Connection(**{key: outputs[key] for key in ("api_url", "auth_string", "ca_certificate") if key in outputs})


def try_out(declared: Stack, outputs: dict[str, Any], clock: Clock, *, again: bool) -> list[Trial]:
    """Wait for the workers, then run a flow of each area."""
    try:
        return asyncio.run(_try_out(declared, outputs, clock, again=again))
    except NotInTime as late:
        fail(str(late))


async def _try_out(declared: Stack, outputs: dict[str, Any], clock: Clock, *, again: bool) -> list[Trial]:
    api = Api(connection(outputs))
    pools, workers = outputs["work_pools"], outputs["workers"]
    try:
        with step("Waiting until every worker is online ..."), clock.part("workers online"):
            always = {area.name: area.workers.always for area in declared.areas}
            await workers_online(api, {pools[area]: workers[area][: always[area]] for area in pools})
        firsts = [(area.name, area.deployments[0].name) for area in declared.areas if area.deployments]
        with step("Running a flow of each area ..."), clock.part("flow runs"):
            return await asyncio.gather(
                *(
                    try_deployment(api, area, name, outputs["deployments"][name]["id"], again=again)
                    for area, name in firsts
                )
            )
    finally:
        await api.close()


def tell(declared: Stack, outputs: dict[str, Any], trials: list[Trial], *, gone_by: str) -> None:
    """`gone_by`: the command that takes it away again."""
    table = Table(box=None, pad_edge=False)
    for heading in ("area", "work pool", "flow run", "state"):
        table.add_column(heading, style="bold" if heading == "area" else "")
    for trial in trials:
        seconds = "run earlier" if trial.earlier else f"{trial.seconds:.1f} s"
        state = f"[{'green' if trial.completed else 'red'}]{trial.state.capitalize()}[/] ({seconds})"
        table.add_row(trial.area, outputs["work_pools"][trial.area], trial.deployment, state)
    out.print()
    out.print(table)
    for trial in trials:
        if not trial.completed:
            err.print(f"{trial.area}: {trial.message}", markup=False)
    out.print(f"\nUI        {outputs['ui_url']}", markup=False)
    if outputs["profiles"]:
        name = outputs["profiles"][0]
        out.print(f"Profile   {name}   (prefect profile use {name})", markup=False)
    first = trials[0].deployment if trials else "NAME"
    flow = next((each.flow_name for area in declared.areas for each in area.deployments if each.name == first), "FLOW")
    out.print(
        "\nNext:  . .venv/bin/activate\n"
        f"       prefect --profile {outputs['profiles'][0] if outputs['profiles'] else 'NAME'} "
        f"deployment run '{flow}/{first}' --watch\n"
        f"       $EDITOR Pulumi.{declared.stack}.yaml && pulumi up --stack {declared.stack}\n"
        f"       {gone_by}",
        markup=False,
    )
