"""One jump of the server's clock, and back: in each phase the same is asked, and in the end the runs are counted."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from benchmarks.reliability import evidence
from benchmarks.reliability.clock import figures, libfaketime
from benchmarks.reliability.clock.probes import Probes
from benchmarks.reliability.load import Burst, until_ended
from benchmarks.reliability.stack import Stack
from infra.provider.api import Api

BEFORE_SECONDS: Final = 60
PHASE_SECONDS: Final = 210
"""Longer than the janitor's windows, 3 minutes without a heartbeat and 3 minutes Pending, and than it takes until
services that a clock put off are started again."""
AFTER_SECONDS: Final = 300
"""For what was held up to end."""
LONG_RUNS: Final = 2
SHORT_RUNS: Final = 3
HALF: Final = 2
"""In the middle of a phase the short runs are made once more."""

Tell = Callable[[str], None]


async def run(stack: Stack, offset: int, tell: Tell) -> dict[str, Any]:
    """The results, for the JSON. `offset`: seconds from the machine's time."""
    api, load_before, began = Api(stack.connection), os.getloadavg()[0], datetime.now(UTC)
    try:
        probes = await _probes(api, stack)
        # Under way when the clock jumps, and when it comes back.
        dues = dict([await probes.long(BEFORE_SECONDS + PHASE_SECONDS + 60) for _ in range(LONG_RUNS)])
        phases: dict[str, dict[str, Any]] = {}

        async def phase(name: str, seconds: float) -> None:
            tell(f"  {time.strftime('%H:%M:%S')} {name}")
            phases[name] = await _phase(stack, probes, dues, seconds)
            tell(f"    {phases[name]}")

        await phase("before", BEFORE_SECONDS)
        await asyncio.to_thread(_jump, stack, offset)
        await phase("away", PHASE_SECONDS)
        await asyncio.to_thread(_jump, stack, 0)
        await phase("back", PHASE_SECONDS)
        ended = datetime.now(UTC)
        burst = Burst(probes.tag, began, tuple(dues))
        await until_ended(api, burst, time.monotonic() + AFTER_SECONDS, tell, _nothing, 1.0)
        found = await evidence.traces(api, burst, stack.notes)
        notes = await asyncio.to_thread(stack.notes)
        scheduled = await figures.scheduled_runs(api, _scheduled(stack), began, ended)
        broken = await asyncio.to_thread(stack.database_faults)
    finally:
        await api.close()
    return {
        "offset_seconds": offset,
        "phases": phases,
        **figures.asked_for(found, dues, notes),
        "scheduled": figures.by_schedule(scheduled, notes, began, ended),
        "database_faults": broken,
        "load_before": round(load_before, 1),
        "load_after": round(os.getloadavg()[0], 1),
        "measured": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


async def _probes(api: Api, stack: Stack) -> Probes:
    deployments = stack.outputs["deployments"]
    unscheduled = deployments[max(deployments, key=lambda name: int(name.rpartition("-")[2]))]["id"]
    row = await api.get(f"deployments/{unscheduled}")
    probes = Probes(
        api=api,
        pool=stack.outputs["work_pools"]["area1"],
        deployment=unscheduled,
        flow=row["flow_id"],
        tag=f"reloj-{uuid.uuid4().hex[:8]}",
    )
    await probes.prepare()
    return probes


def _scheduled(stack: Stack) -> list[str]:
    wanted = {f"cargar-lote-{number}" for number in range(1, stack.size.scheduled + 1)}
    return [row["id"] for name, row in stack.outputs["deployments"].items() if name in wanted]


async def _phase(stack: Stack, probes: Probes, dues: dict[str, datetime], seconds: float) -> dict[str, Any]:
    until = time.monotonic() + seconds
    new_schedule = asyncio.create_task(probes.new_schedule(until))
    late = asyncio.create_task(probes.late(until))
    unwell: set[str] = set()
    made = 0
    while time.monotonic() < until:
        if until - time.monotonic() < seconds * (1 - made / HALF):
            dues |= await probes.short(SHORT_RUNS)
            made += 1
        unwell |= set(await asyncio.to_thread(stack.unwell))
        await asyncio.sleep(5)
    return {
        "seconds": seconds,
        "new_schedule_after": await new_schedule,
        "late_after": await late,
        "unwell": sorted(unwell),
    }


def _jump(stack: Stack, offset: int) -> None:
    libfaketime.jump(stack, offset)
    time.sleep(2)
    shown = libfaketime.shown(stack) - time.time()
    if abs(shown - offset) > 30:
        raise RuntimeError(f"the server's clock is {shown:.0f} s from the machine's, and should be {offset}")


async def _nothing() -> None:
    """In the midst of them nothing is done."""
