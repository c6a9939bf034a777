"""What Prefect's own documentation begins with: `prefect server start`, and `prefect worker start` for each area."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.postgres import cluster
from benchmarks.reliability import checkout, evidence, load
from benchmarks.reliability.checkout import Size
from benchmarks.reliability.trial import AT_LEAST_SECONDS, SECONDS_A_RUN
from benchmarks.server import Servers
from infra.components.server import WRITES_AT_ONCE
from infra.provider.api import Api
from infra.provider.connection import Connection

STOP_SECONDS: Final = 30
SAYS: Final = "none: a bare `prefect server` on Postgres and a bare `prefect worker` of type process for each area"


@dataclass(frozen=True)
class Bare:
    api: Api
    deployments: Sequence[Sequence[str]]
    """Ids, by area."""
    folder: Path

    def notes(self) -> str:
        """What the runs wrote."""
        file = self.folder / "data" / checkout.NOTES
        return file.read_text() if file.is_file() else ""


async def run(
    folder: Path, size: Size, runs: int, seconds: float, tell: Callable[[str], None], *, install: bool
) -> dict[str, Any]:
    """The runs of a fault, without one."""
    before = os.getloadavg()[0]
    async with up(folder, size, tell, install=install) as bare:
        tell(f"  {runs} runs ...")
        burst = await load.make(bare.api, [one for area in bare.deployments for one in area], runs, seconds)
        deadline = time.monotonic() + max(AT_LEAST_SECONDS, runs * SECONDS_A_RUN)

        async def midway() -> None:
            pass

        took = await load.until_ended(bare.api, burst, deadline, tell, midway, 1.0)
        found = await evidence.traces(bare.api, burst, bare.notes)
    return {
        "fault": SAYS,
        "struck": True,
        "areas": size.areas,
        "deployments": size.deployments,
        "at_once": size.at_once,
        "worker_type": "process",
        "seconds_of_a_run": seconds,
        **evidence.summary(found, burst.due),
        "seconds": round(took, 1),
        "load_before": round(before, 1),
        "load_after": round(os.getloadavg()[0], 1),
    }


@asynccontextmanager
async def up(folder: Path, size: Size, tell: Callable[[str], None], *, install: bool) -> AsyncIterator[Bare]:
    """As many pools, workers and deployments as the stack has, the same limits, and a database of the same kind.

    `install`: Debian's Postgres, where it isn't there.
    """
    (folder / "code").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / "code" / Path(checkout.FLOW).name).write_text(checkout.FLOW_SOURCE)
    with ExitStack() as stack:
        server = stack.enter_context(Servers(folder, stack.enter_context(cluster(folder, install=install))).fresh())
        api = Api(Connection(api_url=server.url, writes_at_once=WRITES_AT_ONCE))
        try:
            tell(f"  {size.areas} work pools, {size.deployments} deployments ...")
            pools = [f"area{number}" for number in range(1, size.areas + 1)]
            for pool in pools:
                await api.post("work_pools/", {"name": pool, "type": "process", "concurrency_limit": size.each})
                await api.post(f"work_pools/{pool}/queues", {"name": checkout.URGENT, "priority": 1})
            deployments = await _deploy(api, folder / "code", pools, size.deployments)
            workers = [
                _worker(server.url, folder, pool, number) for pool in pools for number in range(1, size.workers + 1)
            ]
            try:
                yield Bare(api, deployments, folder)
            finally:
                _stop(workers)
        finally:
            await api.close()


async def _deploy(api: Api, code: Path, pools: Sequence[str], number: int) -> list[list[str]]:
    flow = await api.post("flows/", {"name": "cargar-lote"})
    step = {"prefect.deployments.steps.set_working_directory": {"directory": str(code)}}
    made: list[list[str]] = [[] for _ in pools]
    for index in range(number):
        area = index % len(pools)
        row = await api.post(
            "deployments/",
            {
                "name": f"cargar-lote-{index + 1}",
                "flow_id": flow["id"],
                "work_pool_name": pools[area],
                "entrypoint": f"{Path(checkout.FLOW).name}:cargar_lote",
                "pull_steps": [step],
            },
        )
        made[area].append(str(row["id"]))
    return made


def _worker(url: str, folder: Path, pool: str, number: int) -> subprocess.Popen[bytes]:
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")},
        "PREFECT_API_URL": url,
        "PREFECT_HOME": str(folder / "worker-home"),
        "DATOS_DIR": str(folder / "data"),
    }
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", pool, "--type", "process"]
    with (folder / f"{pool}-worker-{number}.log").open("wb") as log:
        return subprocess.Popen(
            [*command, "--name", f"{pool}-{number}"], env=environment, cwd=folder, stdout=log, stderr=log
        )


def _stop(workers: Sequence[subprocess.Popen[bytes]]) -> None:
    for worker in workers:
        worker.terminate()
    for worker in workers:
        try:
            worker.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
