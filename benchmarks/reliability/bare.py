"""The same runs on what Prefect's own documentation begins with: `prefect server start`, `prefect worker start`."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.reliability import checkout, evidence, load
from benchmarks.reliability.checkout import Size
from benchmarks.reliability.trial import AT_LEAST_SECONDS, SECONDS_A_RUN
from benchmarks.server import Servers, Sqlite
from infra.provider.api import Api
from infra.provider.connection import Connection

POOL: Final = "bare"
STOP_SECONDS: Final = 30


async def run(folder: Path, size: Size, runs: int, seconds: float, tell: Callable[[str], None]) -> dict[str, Any]:
    """One server on SQLite, one pool with the same limit, one process worker, the same number of deployments."""
    before = os.getloadavg()[0]
    (folder / "code").mkdir(parents=True)
    (folder / "code" / Path(checkout.FLOW).name).write_text(checkout.FLOW_SOURCE)
    servers = Servers(folder, Sqlite(folder))
    with servers.fresh() as server:
        api = Api(Connection(api_url=server.url))
        try:
            tell(f"  {size.deployments} deployments ...")
            await api.post("work_pools/", {"name": POOL, "type": "process", "concurrency_limit": size.at_once})
            deployments = await _deploy(api, folder / "code", size.deployments)
            worker = _worker(server.url, folder)
            try:
                tell(f"  {runs} runs ...")
                burst = await load.make(api, deployments, runs, seconds)
                deadline = time.monotonic() + max(AT_LEAST_SECONDS, runs * SECONDS_A_RUN)

                async def midway() -> None:
                    pass

                took = await load.until_ended(api, burst, deadline, tell, midway, 1.0)
                notes = folder / "data" / checkout.NOTES
                found = await evidence.traces(api, burst, notes.read_text() if notes.is_file() else "")
            finally:
                worker.terminate()
                try:
                    worker.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    worker.kill()
                    worker.wait()
        finally:
            await api.close()
    return {
        "fault": "none: a bare `prefect server` on SQLite and a bare `prefect worker` of type process",
        "struck": True,
        "areas": 1,
        "deployments": size.deployments,
        "at_once": size.at_once,
        "worker_type": "process",
        "seconds_of_a_run": seconds,
        **evidence.summary(found, burst.due),
        "seconds": round(took, 1),
        "load_before": round(before, 1),
        "load_after": round(os.getloadavg()[0], 1),
    }


async def _deploy(api: Api, code: Path, number: int) -> list[str]:
    flow = await api.post("flows/", {"name": "cargar-lote"})
    step = {"prefect.deployments.steps.set_working_directory": {"directory": str(code)}}
    made = []
    for index in range(number):
        row = await api.post(
            "deployments/",
            {
                "name": f"cargar-lote-{index + 1}",
                "flow_id": flow["id"],
                "work_pool_name": POOL,
                "entrypoint": f"{Path(checkout.FLOW).name}:cargar_lote",
                "pull_steps": [step],
            },
        )
        made.append(str(row["id"]))
    return made


def _worker(url: str, folder: Path) -> subprocess.Popen[bytes]:
    (folder / "data").mkdir()
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")},
        "PREFECT_API_URL": url,
        "PREFECT_HOME": str(folder / "worker-home"),
        "DATOS_DIR": str(folder / "data"),
    }
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process"]
    with (folder / "worker.log").open("wb") as log:
        return subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
