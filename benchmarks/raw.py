"""The bound: bare POSTs of the same objects, at whatever concurrency is best, and a bare listing of them all."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import Any, Final

import httpx

from benchmarks.work import Work

PAGE: Final = 200
BUSY: Final = frozenset({500, 502, 503, 504})
LONGEST_WAIT: Final = 2.0


@dataclass(frozen=True)
class Creation:
    in_flight: int
    seconds: float
    retries: int
    server_cpu_seconds: float = 0.0


def create(url: str, work: Work, in_flight: int) -> Creation:
    return asyncio.run(_create(url, work, in_flight))


def listing_seconds(url: str) -> float:
    """What a refresh can't do without: all rows of both kinds, page after page."""
    with httpx.Client(base_url=f"{url}/", timeout=60, verify=False) as client:
        client.get("health")
        started = time.perf_counter()
        for path in ("work_pools/filter", "deployments/filter"):
            rows = 0
            while True:
                page = client.post(path, json={"limit": PAGE, "offset": rows}).raise_for_status().json()
                rows += len(page)
                if len(page) < PAGE:
                    break
        return time.perf_counter() - started


class _Caller:
    def __init__(self, client: httpx.AsyncClient, in_flight: int) -> None:
        self._client = client
        self._turn = asyncio.Semaphore(in_flight)
        self.retries = 0

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        wait = 0.05
        while True:
            async with self._turn:
                try:
                    response = await self._client.post(path, json=body)
                except httpx.TransportError:  # a busy server also drops connections
                    response = httpx.Response(503)
            if response.status_code not in BUSY:
                return response.raise_for_status().json()
            self.retries += 1
            await asyncio.sleep(random.uniform(0, wait))
            wait = min(2 * wait, LONGEST_WAIT)


def _client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"{url}/", timeout=60, verify=False)


async def _make_pools(caller: _Caller, work: Work) -> None:
    types = await caller._client.get("collections/views/aggregate-worker-metadata")  # noqa: SLF001  # a plain read
    template = types.json()["prefect"]["process"]["default_base_job_configuration"]
    await asyncio.gather(
        *(caller.post("work_pools/", {"name": n, "type": "process", "base_job_template": template}) for n in work.pools)
    )


async def _create(url: str, work: Work, in_flight: int) -> Creation:
    async with _client(url) as client:
        caller = _Caller(client, in_flight)
        started = time.perf_counter()
        await _make_pools(caller, work)

        async def deploy(item: dict[str, Any]) -> None:
            flow = await caller.post("flows/", {"name": item["flow_name"]})
            body = {key: value for key, value in item.items() if key not in {"flow_name", "schedules"}}
            schedules = [
                {"slug": s["slug"], "active": True, "schedule": {"cron": s["cron"], "timezone": s["timezone"]}}
                for s in item["schedules"]
            ]
            await caller.post(
                "deployments/",
                {**body, "flow_id": flow["id"], "schedules": schedules, "enforce_parameter_schema": True},
            )

        await asyncio.gather(*(deploy(item) for item in work.deployments))
        return Creation(in_flight, time.perf_counter() - started, caller.retries)
