"""What is asked of a server whose clock may be wrong: does it schedule, does it mark late, do runs start?"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from benchmarks.reliability.load import one
from infra.provider.api import Api
from infra.provider.errors import ProviderError

PAUSED: Final = "parada"
"""A queue that nothing is taken from: what is due there becomes Late."""
SHORT_SECONDS: Final = 1.0
_YEARLY: Final = {"schedule": {"cron": "0 0 1 1 *", "timezone": "America/Argentina/Buenos_Aires"}, "active": True}
LOOK_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Probes:
    api: Api
    pool: str
    deployment: str
    """Of the short flow, without a schedule."""
    flow: str
    tag: str

    async def prepare(self) -> None:
        if await self.api.get_or_none(f"work_pools/{self.pool}/queues/{PAUSED}") is None:
            await self.api.post(f"work_pools/{self.pool}/queues", {"name": PAUSED, "is_paused": True})

    async def short(self, number: int, due_in: float = 0.0) -> dict[str, datetime]:
        """Runs that are due then, and when that is."""
        due = datetime.now(UTC) + timedelta(seconds=due_in)
        return {
            await one(self.api, self.deployment, due, SHORT_SECONDS, self.tag, uuid.uuid4().hex[:8]): due
            for _ in range(number)
        }

    async def long(self, seconds: float) -> tuple[str, datetime]:
        due = datetime.now(UTC)
        return await one(self.api, self.deployment, due, seconds, self.tag, uuid.uuid4().hex[:8]), due

    async def new_schedule(self, until: float) -> float | None:
        """Seconds until a deployment that is new has runs. None: not until then, by time.monotonic()."""
        row = await self.api.post(
            "deployments/",
            {
                "name": f"sonda-{uuid.uuid4().hex[:8]}",
                "flow_id": self.flow,
                "work_pool_name": self.pool,
                "schedules": [_YEARLY],
            },
        )
        found = await _seconds_until(lambda: self._has_runs(row["id"]), until)
        await self.api.delete(f"deployments/{row['id']}")
        return found

    async def late(self, until: float) -> float | None:
        """Seconds until a run that nobody takes is Late. None: not until then."""
        run = await one(
            self.api, self.deployment, datetime.now(UTC), SHORT_SECONDS, "sonda", uuid.uuid4().hex[:8], PAUSED
        )

        async def is_late() -> bool:
            return bool((await self.api.get(f"flow_runs/{run}"))["state_name"] == "Late")

        found = await _seconds_until(is_late, until)
        await self.api.delete(f"flow_runs/{run}")
        return found

    async def _has_runs(self, deployment: str) -> bool:
        body: dict[str, Any] = {"flow_runs": {"deployment_id": {"any_": [deployment]}}}
        return bool(await self.api.post("flow_runs/count", body))


async def _seconds_until(is_so: Callable[[], Awaitable[bool]], until: float) -> float | None:
    began = time.monotonic()
    while time.monotonic() < until:
        try:
            if await is_so():
                return round(time.monotonic() - began, 1)
        except ProviderError:
            pass  # it may answer the next time
        await asyncio.sleep(LOOK_SECONDS)
    return None
