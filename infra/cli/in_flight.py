"""What a server knows of the runs that a plan touches: those in flight, and those that a pool or deployment has had."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from infra.cli.history import DEADLINE_SECONDS
from infra.provider.api import Api
from infra.provider.connection import Connection

_RUNNING: Final[dict[str, Any]] = {"flow_runs": {"state": {"type": {"any_": ["RUNNING", "PENDING", "CANCELLING"]}}}}


def counts(
    connection: Connection, pools: Iterable[str], deployments: Iterable[str], touched: Iterable[str]
) -> tuple[dict[str, int], dict[str, int]]:
    """Runs by pool and by deployment; and those in flight by touched deployment.

    Raises:
        ProviderError: The server can't be reached, or refuses to tell.

    """
    return asyncio.run(_counts(connection, sorted(pools), sorted(deployments), sorted(touched)))


async def _counts(
    connection: Connection, pools: list[str], deployments: list[str], touched: list[str]
) -> tuple[dict[str, int], dict[str, int]]:
    api = Api(connection, deadline=DEADLINE_SECONDS)
    try:
        runs = {name: await _count(api, {"work_pools": _named(name)}) for name in pools}
        runs |= {name: await _count(api, {"deployments": _named(name)}) for name in deployments}
        running = {name: await _count(api, {"deployments": _named(name), **_RUNNING}) for name in touched}
    finally:
        await api.close()
    return runs, running


async def _count(api: Api, by: dict[str, Any]) -> int:
    return int(await api.post("flow_runs/count", by))


def _named(name: str) -> dict[str, Any]:
    return {"name": {"any_": [name]}}
