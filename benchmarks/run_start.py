"""What a short flow run takes to start, by how its process is started: in processor time and in seconds.

`python -m benchmarks.run_start [RUNS]`: one server on SQLite, runs one after the other, means of RUNS (default 5).
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.server import Servers, Sqlite
from infra.provider.api import Api
from infra.provider.connection import Connection

ENGINE: Final = "python -m prefect.engine"
POOL: Final = "medida"
FLOW: Final = """\
from prefect import flow


@flow
def nada() -> None:
    pass
"""


@dataclass(frozen=True)
class Took:
    cpu: float
    seconds: float


@dataclass(frozen=True)
class Bench:
    api: Api
    environment: dict[str, str]
    folder: Path
    deployments: dict[str | None, str]
    """Ids, by the command that their runs are started with; None: the worker's own."""

    async def run(self, command: str | None) -> str:
        """The id of a run that is due."""
        made = await self.api.post(f"deployments/{self.deployments[command]}/create_flow_run", {})
        return str(made["id"])

    def timed(self, arguments: Sequence[str], **more: str) -> Took:
        """Processor time: its own and that of all that it waited for. Raises: subprocess.CalledProcessError."""
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        environment = {**self.environment, **more}
        subprocess.run(arguments, env=environment, cwd=self.folder, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Took(cpu, time.monotonic() - began)


async def by_worker(bench: Bench, command: str | None) -> Took:
    """What a process worker takes more for a run than for none: it comes, takes what there is, and goes."""
    worker = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", "process", "--run-once"]
    none = await asyncio.to_thread(bench.timed, worker)
    run = await bench.run(command)
    one = await asyncio.to_thread(bench.timed, worker)
    await _completed(bench, run)
    return Took(one.cpu - none.cpu, one.seconds - none.seconds)


async def by_itself(bench: Bench, *arguments: str) -> Took:
    """What a container's command takes, but for the container."""
    run = await bench.run(None)
    took = await asyncio.to_thread(lambda: bench.timed([sys.executable, "-m", *arguments], PREFECT__FLOW_RUN_ID=run))
    await _completed(bench, run)
    return took


async def _completed(bench: Bench, run: str) -> None:
    state = (await bench.api.get(f"flow_runs/{run}"))["state_type"]
    if state != "COMPLETED":
        raise RuntimeError(f"flow run {run} is {state}, want COMPLETED")


async def measure(folder: Path, runs: int, tell: Callable[[str], None]) -> None:
    (folder / "nada.py").write_text(FLOW)
    with Servers(folder, Sqlite(folder)).fresh() as server:
        api = Api(Connection(api_url=server.url))
        try:
            bench = await _prepared(api, server.url, folder)
            ways = {
                "process worker, its own way": lambda: by_worker(bench, None),
                f"process worker, `{ENGINE}`": lambda: by_worker(bench, ENGINE),
                "`prefect flow-run execute`, the docker worker's own way": lambda: by_itself(
                    bench, "prefect", "flow-run", "execute"
                ),
                f"`{ENGINE}` in its place": lambda: by_itself(bench, "prefect.engine"),
            }
            for says, way in ways.items():
                await way()  # the first one reads what the others find in memory
                took = [await way() for _ in range(runs)]
                cpu, seconds = (sum(each) / runs for each in zip(*((t.cpu, t.seconds) for t in took), strict=True))
                tell(f"| {says} | {cpu:.2f} | {seconds:.1f} |")
        finally:
            await api.close()


async def _prepared(api: Api, url: str, folder: Path) -> Bench:
    await api.post("work_pools/", {"name": POOL, "type": "process"})
    flow = await api.post("flows/", {"name": "nada"})
    step = {"prefect.deployments.steps.set_working_directory": {"directory": str(folder)}}
    deployments: dict[str | None, str] = {}
    for command in (None, ENGINE):
        body = {"name": f"nada-{len(deployments)}", "flow_id": flow["id"], "work_pool_name": POOL}
        body |= {"entrypoint": "nada.py:nada", "pull_steps": [step]}
        body |= {"job_variables": {"command": command} if command else {}}
        deployments[command] = str((await api.post("deployments/", body))["id"])
    own = {"PREFECT_API_URL": url, "PREFECT_HOME": str(folder / "home"), "PREFECT_WORKER_QUERY_SECONDS": "1"}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    others = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    return Bench(api, {**others, "PATH": path, **own}, folder, deployments)


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print("| how a run is started | processor time, s | seconds |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        asyncio.run(measure(Path(folder), runs, lambda line: print(line, flush=True)))


if __name__ == "__main__":
    main()
