"""One fault: runs that are due, the blow in the midst of them, and what is left when they ended."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from benchmarks.reliability import blow, evidence, load
from benchmarks.reliability.faults import NOTHING, Fault
from benchmarks.reliability.stack import Stack
from benchmarks.reliability.watch import Watch
from infra.provider.api import Api

STRUCK_AT: Final = 0.15
"""Of the runs that are Completed: some are over, some under way, most still wait."""
SECONDS_A_RUN: Final = 12.0  # the most that one may take of the whole, before the deadline
AT_LEAST_SECONDS: Final = 420.0  # janitor's windows, and a machine that others use

Tell = Callable[[str], None]


async def run(stack: Stack, fault: Fault, runs: int, seconds: float, tell: Tell) -> dict[str, Any]:
    """The results of one fault, for the JSON."""
    await asyncio.to_thread(fault.prepare, stack)
    api, before = Api(stack.connection), os.getloadavg()[0]
    deployments = [row["id"] for row in stack.outputs["deployments"].values()]
    tell(f"  {runs} runs over {len(deployments)} deployments ...")
    try:
        burst = await load.make(api, deployments, runs, seconds)
        deadline = time.monotonic() + max(AT_LEAST_SECONDS, runs * SECONDS_A_RUN)
        recovering: list[asyncio.Task[float | None]] = []

        async def midway() -> None:
            tell(f"  {fault.says} ...")
            recovering.append(asyncio.create_task(asyncio.to_thread(blow.strike, stack, fault, tell)))

        with Watch(stack) as watch:
            took = await load.until_ended(api, burst, deadline, tell, midway, STRUCK_AT)
            recovered = [await task for task in recovering]
        if not recovering:
            tell("  too few runs were Completed in time: the fault was never struck")
        broken = await asyncio.to_thread(stack.database_faults)
        found = await evidence.traces(api, burst, stack.notes)
    finally:
        await api.close()
    return {
        "fault": fault.says,
        "struck": bool(recovering),
        **asdict(stack.size),
        "seconds_of_a_run": seconds,
        **evidence.summary(found, burst.due),
        "seconds": round(took, 1),
        # Nothing was done, so there is nothing to recover from.
        **({} if fault is NOTHING else {"recovered_after": recovered[0] if recovered else None}),
        "database_faults": broken,
        **watch.result(),
        "load_before": round(before, 1),
        "load_after": round(os.getloadavg()[0], 1),
        "measured": datetime.now(UTC).strftime("%Y-%m-%d"),
    }
