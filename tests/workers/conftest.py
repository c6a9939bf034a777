"""Real workers, as processes of this machine, on a real Prefect server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.patient import Patient
from tests.provider.conftest import running_server
from tests.stack.platforms import ROOT, eventually
from workers import healthcheck

FLOW = """
import os, signal, sys, time
from pathlib import Path
from prefect import flow

@flow
def espera(segundos: float = 0, terco: bool = False, hasta: str | None = None):
    if terco:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(os.environ["SEEN"], "empezo").touch()
    fin = time.monotonic() + segundos
    while time.monotonic() < fin and not (hasta and Path(os.environ["SEEN"], hasta).exists()):
        time.sleep(0.1)
    Path(os.environ["SEEN"], "termino").touch()

@flow
def solo_la_primera_vez_espera(segundos: float = 0):
    if not (first := Path(os.environ["SEEN"], "primera")).exists():
        first.touch()
        espera.fn(segundos)

@flow
def cae():
    os.kill(os.getpid(), signal.SIGKILL)

@flow
def se_va():
    os._exit(0)
"""


@dataclass
class Work:
    """A pool with deployments on a server, and workers for it."""

    url: str
    folder: Path
    api: httpx.Client
    pool: str
    deployments: dict[str, str] = field(default_factory=dict)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    """Of their health checks."""

    def deploy(self, flow: str, **more: Any) -> str:
        flow_id = self.api.post("flows/", json={"name": flow}).raise_for_status().json()["id"]
        body = {
            "name": f"{flow}-{self.pool}",
            "flow_id": flow_id,
            "work_pool_name": self.pool,
            "entrypoint": f"espera.py:{flow}",
            "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": str(self.folder)}}],
            **more,
        }
        self.deployments[flow] = self.api.post("deployments/", json=body).raise_for_status().json()["id"]
        return self.deployments[flow]

    def submit(self, flow: str = "espera", **parameters: Any) -> str:
        made = self.api.post(f"deployments/{self.deployments[flow]}/create_flow_run", json={"parameters": parameters})
        return str(made.raise_for_status().json()["id"])

    def run(self, run: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.api.get(f"flow_runs/{run}").raise_for_status().json()
        return answer

    def put(self, run: str, state: str, *, force: bool = True, **more: Any) -> None:
        body = {"state": {"type": state, **more}, "force": force}
        self.api.post(f"flow_runs/{run}/set_state", json=body).raise_for_status()

    def state(self, run: str) -> str:
        return str(self.run(run)["state_type"])

    def ends(self, run: str, seconds: float = 60) -> str:
        final = {"COMPLETED", "CRASHED", "FAILED", "CANCELLED"}
        return str(eventually("an end", lambda: (s := self.state(run)) in final and s, seconds))

    def runs(self, run: str) -> None:
        eventually("a running flow", lambda: self.state(run) == "RUNNING" and (self.folder / "empezo").exists())

    def worker(
        self, *options: str, name: str = "obrero", lives: str = "lives", url: str | None = None, every: int = 1
    ) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "workers.draining", "--pool", self.pool, "--type", "process"]
        command += ["--lives", str(self.folder / lives)] if lives else []
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
        self.ports.append(_free_port())
        environment |= {
            "PREFECT_API_URL": url or self.url,
            "PREFECT_HOME": str(self.folder / "home"),
            "PREFECT_WORKER_QUERY_SECONDS": str(every),
            "PREFECT_WORKER_WEBSERVER_PORT": str(self.ports[-1]),
            "PYTHONPATH": str(ROOT),
            "SEEN": str(self.folder),
        }
        log = (self.folder / f"worker-{len(self.workers)}.log").open("wb")
        process = subprocess.Popen(
            [*command, "--name", name, *options], env=environment, cwd=self.folder, stdout=log, stderr=log
        )
        self.workers.append(process)
        return process

    def healthy(self, worker: subprocess.Popen[bytes]) -> bool:
        url = f"http://127.0.0.1:{self.ports[self.workers.index(worker)]}/health"
        return healthcheck.problem(url) is None

    def log(self) -> str:
        return "\n".join(file.read_text() for file in sorted(self.folder.glob("worker-*.log")))

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """The worker and all its flows at once, as the end of its container does."""
        for child in _descendants(worker.pid):
            os.kill(child, signal.SIGKILL)
        worker.wait(20)


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _descendants(pid: int) -> list[int]:
    """The process and those below it, the oldest first, so that none sees another's end."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        parents[int(stat.parent.name)] = int(text.rpartition(")")[2].split()[1])
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_server(tmp_path_factory.mktemp("prefect-home")) as url:
        yield url


@pytest.fixture
def work(server: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Work]:
    (tmp_path / "espera.py").write_text(FLOW)
    pool = f"t-{time.monotonic_ns()}"
    with httpx.Client(base_url=f"{server}/", transport=Patient(), timeout=30) as api:
        api.post("work_pools/", json={"name": pool, "type": "process"}).raise_for_status()
        made = Work(server, tmp_path, api, pool)
        for flow in ("espera", "cae", "se_va"):
            made.deploy(flow)
        yield made
    for worker in made.workers:
        if worker.poll() is None:
            made.kill(worker)


Worker = Callable[..., "subprocess.Popen[bytes]"]
