"""Whether a platform works: every worker online, and a run of real code of each area ended well."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from infra.provider.api import Api

ONLINE_SECONDS: Final = 90
RUN_SECONDS: Final = 180
POLL_SECONDS: Final = 0.5
TERMINAL: Final = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})


class NotInTime(Exception):  # noqa: N818  # said as it is
    """Something that should have happened by now hasn't."""


@dataclass(frozen=True)
class Trial:
    """A flow run, and how it ended."""

    area: str
    deployment: str
    state: str
    message: str
    seconds: float
    earlier: bool
    """Whether it is the last run of before rather than one made now."""

    @property
    def completed(self) -> bool:
        return self.state == "COMPLETED"


async def workers_online(api: Api, expected: dict[str, Sequence[str]]) -> None:
    """Wait until each pool's workers are online. `expected`: worker names by pool. Raises: NotInTime."""
    deadline = time.monotonic() + ONLINE_SECONDS
    missing = expected
    while True:
        answers = await asyncio.gather(*(api.find(f"work_pools/{pool}/workers/filter", {}) for pool in missing))
        online = {
            pool: {row["name"] for row in rows if row["status"] == "ONLINE"}
            for pool, rows in zip(missing, answers, strict=True)
        }
        still = {pool: [name for name in names if name not in online[pool]] for pool, names in missing.items()}
        missing = {pool: names for pool, names in still.items() if names}
        if not missing:
            return
        names = ", ".join(name for group in missing.values() for name in group)
        if time.monotonic() > deadline:
            raise NotInTime(f"not online after {ONLINE_SECONDS} s: {names}. See `docker logs NAME`")
        await asyncio.sleep(POLL_SECONDS)


async def try_deployment(api: Api, area: str, name: str, id_: str, *, again: bool) -> Trial:
    """Run a deployment once, or tell its last run when that ended well and `again` is not asked for."""
    if not again:
        body = {
            "deployments": {"id": {"any_": [id_]}},
            "flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}},
            "sort": "END_TIME_DESC",
        }
        earlier = await api.post("flow_runs/filter", {**body, "limit": 1})
        if earlier:
            return _trial(area, name, earlier[0], earlier=True)
    run = await api.post(f"deployments/{id_}/create_flow_run", {})
    deadline = time.monotonic() + RUN_SECONDS
    while (run["state"] or {}).get("type") not in TERMINAL and time.monotonic() < deadline:
        await asyncio.sleep(POLL_SECONDS)
        run = await api.get(f"flow_runs/{run['id']}")
    return _trial(area, name, run, earlier=False)


def _trial(area: str, name: str, run: dict[str, Any], *, earlier: bool) -> Trial:
    state = run["state"] or {}
    message = state.get("message") or ""
    if state.get("type") not in TERMINAL:
        message = f"not ended after {RUN_SECONDS} s; see `docker logs` of the area's worker"
    return Trial(area, name, str(state.get("type")), message, float(run["total_run_time"] or 0.0), earlier)
