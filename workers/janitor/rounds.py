"""A round: each policy in its turn. One that fails is told of, and keeps none of the others from their work."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx

from workers.janitor import policies
from workers.janitor.policies import Policies, Run, Verdict
from workers.janitor.server import Server

logger = logging.getLogger("janitor")

LOOK_BACK: Final = timedelta(hours=1)  # for runs that crashed: an older one somebody has dealt with
MOST_SKEW: Final = timedelta(seconds=30)
"""States have the server's time, and what a run does has its own: where they differ, living runs look dead."""


class Rounds:
    """Knows since when it has been looking: who has just opened their eyes can't tell who has been silent."""

    def __init__(self, given: Policies, server: Server) -> None:
        self._policies = given
        self._server = server
        self._watching_since: datetime | None = None
        self._resumed: datetime | None = None
        """When the last pause was over."""
        self.last: datetime | None = None
        """When the last round that reached the server ended."""

    async def one(self) -> int:
        """How many policies worked. None of them does while the server's clock is another one."""
        if not await self._clocks_agree():
            return 0
        now = datetime.now(UTC)
        # After a pause (of the server, of this machine; or the clock was set) heartbeats are missing that nobody could
        # send or hear, and runs are Pending that nobody could start.
        if self.last is None or now - self.last > timedelta(seconds=3 * self._policies.every + 60):
            self._watching_since = now
            self._resumed = now if self.last is not None else self._resumed
        worked = 0
        for policy in (self._zombies, self._pending, self._late, self._workers, self._crashed):
            worked += await _guarded(policy)
        if worked:
            self.last = datetime.now(UTC)
        return worked

    async def _clocks_agree(self) -> bool:
        try:
            skew = await self._server.skew()
        except (httpx.HTTPError, OSError, ValueError):
            return True  # each policy tells what is wrong
        if abs(skew) > MOST_SKEW:
            way = "ahead of" if skew > timedelta(0) else "behind"
            logger.warning("The server's clock is %s %s this one: nothing is judged until they agree", abs(skew), way)
        return abs(skew) <= MOST_SKEW

    async def _zombies(self) -> None:
        if self._policies.zombie_runs is None or self._watching_since is None:
            return
        window = timedelta(seconds=self._policies.zombie_runs)
        if datetime.now(UTC) - self._watching_since < window:
            return
        runs = [run for run in await self._server.runs(["RUNNING", "CANCELLING"]) if _older(run, window)]
        beats = await self._server.beats(runs, window)
        await self._apply(policies.zombies(runs, beats, datetime.now(UTC), window))

    async def _pending(self) -> None:
        if self._policies.pending_timeout is not None:
            timeout = timedelta(seconds=self._policies.pending_timeout)
            pending = await self._server.runs(["PENDING"])
            await self._apply(policies.overdue(pending, datetime.now(UTC), timeout, self._resumed))

    async def _late(self) -> None:
        if self._policies.late_runs != "run_all":
            now = datetime.now(UTC)
            runs = await self._server.runs(["SCHEDULED"], expected_start_time={"before_": now.isoformat()})
            await self._apply(policies.too_late(runs, now, self._policies.late_runs))

    async def _workers(self) -> None:
        if self._policies.dead_workers is not None:
            after = timedelta(seconds=self._policies.dead_workers)
            for worker in policies.dead(await self._server.workers(), datetime.now(UTC), after):
                await self._server.forget(worker)
                logger.info("Worker %s of %s is forgotten: last heard of %s", worker.name, worker.pool, worker.heard)

    async def _crashed(self) -> None:
        if self._policies.rerun_crashed:
            now = datetime.now(UTC)
            ended = {"after_": (now - LOOK_BACK).isoformat()}
            runs = [run for run in await self._server.runs(["CRASHED"], end_time=ended) if policies.may_rerun(run, now)]
            crashes = {run.id: await self._server.crashes(run) for run in runs}
            await self._apply(policies.to_rerun(runs, crashes, self._policies.rerun_crashed))

    async def _apply(self, verdicts: list[Verdict]) -> None:
        for verdict in verdicts:
            if await self._server.apply(verdict):
                logger.info(
                    "Flow run %s (%s) is %s: %s", verdict.run.name, verdict.run.id, verdict.state, verdict.reason
                )


async def _guarded(policy: Callable[[], Awaitable[None]]) -> bool:
    try:
        await policy()
    except (httpx.HTTPError, OSError, KeyError, ValueError) as error:
        logger.warning("%s: %s: %s; the next round tries again", policy.__name__, type(error).__name__, error)
        return False
    return True


def _older(run: Run, window: timedelta) -> bool:
    return datetime.now(UTC) - run.since > window
