"""How long the runs of deployments last, asked of a server: two calls, however many deployments there are."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Mapping
from statistics import fmean
from typing import Any, Final

from infra.model import Stack
from infra.provider.api import PAGE, Api
from infra.provider.connection import Connection
from infra.provider.profiles_file import ProfilesFile, default_path

DEADLINE_SECONDS: Final = 10.0


def connection(stack: Stack, environment: Mapping[str, str] = os.environ) -> Connection:
    """The server of the stack's own profile where that is registered, else the one that Prefect's own tools would ask.

    Raises:
        ProviderError: There is none, or the way in can't be read.

    """
    registered = ProfilesFile.load(default_path(environment)).names()
    profile = next((each.name for each in stack.profiles if each.name in registered), None)
    return Connection.resolve({"profile": profile}, environment)


def mean_durations(connection: Connection, stack: Stack) -> dict[str, float]:
    """Mean seconds of those among the last 200 completed runs of the stack that each deployment has, by its name.

    Raises:
        ProviderError: The server can't be reached, or refuses to tell.

    """
    return asyncio.run(_mean_durations(connection, stack))


async def _mean_durations(connection: Connection, stack: Stack) -> dict[str, float]:
    api = Api(connection, deadline=DEADLINE_SECONDS)
    ours = {(each.flow_name, each.name): each.pool_name for area in stack.areas for each in area.deployments}
    # By pool as well: another stack's deployments of the same name have pools of their own.
    pools = {"work_pools": {"name": {"any_": sorted(set(ours.values()))}}}
    try:
        deployments, runs = await asyncio.gather(
            api.find("deployments/filter", pools), api.post("flow_runs/filter", {**pools, **_LAST})
        )
    finally:
        await api.close()
    names = {row["id"]: row["name"] for row in deployments}
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for row in runs:
        if row["deployment_id"] in names:
            seconds[names[row["deployment_id"]]].append(float(row["total_run_time"]))
    return {name: fmean(lasted) for name, lasted in seconds.items()}


_LAST: Final[dict[str, Any]] = {
    "flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}},
    "sort": "END_TIME_DESC",
    "limit": PAGE,
}
