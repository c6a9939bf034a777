"""The server's own scheduler goes on while a deployment's schedules are changed again and again."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from infra.provider.api import Api
from infra.provider.connection import Connection
from tests.provider.conftest import running_server, serving

pytestmark = [pytest.mark.server, pytest.mark.thorough]
SETTINGS = "PREFECT_SERVER_SERVICES_SCHEDULER"
OFTEN = {
    f"{SETTINGS}_ENABLED": "true",
    f"{SETTINGS}_LOOP_SECONDS": "0.5",  # 60 by default
    f"{SETTINGS}_RECENT_DEPLOYMENTS_LOOP_SECONDS": "0.5",  # 5 by default
}
"""Ten times as often as by default, and the loop over all deployments 120 times."""
CHANGES, TRIES = 20, 100


async def hours(client: Api, deployment: str) -> dict[int, int]:
    """How many runs there are at each hour of a day."""
    scheduled = {"state": {"type": {"any_": ["SCHEDULED"]}}}
    body = {"deployments": {"id": {"any_": [deployment]}}, "flow_runs": scheduled}
    counts: dict[int, int] = {}
    for row in await client.find("flow_runs/filter", body):
        hour = datetime.fromisoformat(row["expected_start_time"]).hour
        counts[hour] = counts.get(hour, 0) + 1
    return counts


async def test_after_changes_in_a_row_the_runs_are_at_the_last_declared_hour_alone(tmp_path: Path) -> None:
    with running_server(tmp_path, **OFTEN) as url:
        client = Api(Connection(api_url=url))
        base: dict[str, Any] = {"name": "d", "flow_name": "f", "entrypoint": "a.py:f", "work_pool_name": "pool"}
        strays = []
        async with serving({"api_url": url}) as engine:
            await engine.up("WorkPool", "p", {"name": "pool", "type": "process"})
            for n in range(CHANGES):
                hour = n % 24
                for declared in ((hour + 12) % 24, hour):  # two changes, one right after the other
                    schedule = {"slug": "a", "cron": f"0 {declared} * * *", "timezone": "UTC"}
                    deployment = (await engine.up("Deployment", "d", {**base, "schedules": [schedule]})).id
                for _ in range(TRIES):
                    if (await hours(client, deployment)).get(hour):
                        break
                    await asyncio.sleep(0.1)
                await asyncio.sleep(0.5)  # what a loop inserts late
                found = await hours(client, deployment)
                assert found.get(hour), f"no run at the declared hour {hour}: {found}"
                strays += [f"{hour}: {found}"] if set(found) != {hour} else []
        await client.close()
    assert strays == []
