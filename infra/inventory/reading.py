"""All rows of a server, each kind in as few calls as there are pages."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from infra.adoption.server import ServerRows
from infra.provider.api import Api
from infra.provider.connection import Connection

DEADLINE_SECONDS: Final = 45.0  # of one request, its repetitions included


async def read_server(connection: Connection) -> ServerRows:
    """Raises: infra.provider.errors.ProviderError."""
    api = Api(connection, deadline=DEADLINE_SECONDS)
    try:
        pools, deployments, flows, variables, limits, tag_limits, automations = await asyncio.gather(
            *(
                api.find(path, {})
                for path in (
                    "work_pools/filter",
                    "deployments/filter",
                    "flows/filter",
                    "variables/filter",
                    "v2/concurrency_limits/filter",
                    "concurrency_limits/filter",
                    "automations/filter",
                )
            )
        )
        names = [str(pool["name"]) for pool in pools]
        queues = await asyncio.gather(*(api.find(f"work_pools/{name}/queues/filter", {}) for name in names))
    finally:
        await api.close()
    return ServerRows(
        api_url=connection.api_url,
        pools=_by_name(pools),
        queues=dict(zip(names, map(tuple, queues), strict=True)),
        deployments=_by_name(deployments),
        flow_names={str(flow["id"]): str(flow["name"]) for flow in flows},
        variables=_by_name(variables),
        global_limits=_by_name(limits),
        tag_limits=tuple(sorted(tag_limits, key=lambda row: str(row["tag"]))),
        automations=_by_name(automations),
    )


def _by_name(rows: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    """One order, whichever the server has: files made twice are the same."""
    return tuple(sorted(rows, key=lambda row: (str(row["name"]), str(row["id"]))))
