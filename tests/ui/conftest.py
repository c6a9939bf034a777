"""A server as the stack `dev` would have it, a worker that has run a flow, and a headless browser on its UI."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.model import Stack, load_stack_file
from tests.provider.conftest import Engine, running_server, serving
from tests.stack.platforms import ROOT, eventually
from tests.ui.browser import Browser, headless

POOL, DEPLOYMENT = "compras-dev", "importar-lista-de-precios"
WORKER = "compras-worker-1"


@dataclass(frozen=True)
class Site:
    """The UI, and what there is to be seen in it."""

    ui_url: str
    api_url: str
    stack: Stack
    deployments: dict[str, str]
    """Ids by name."""
    run: dict[str, Any]
    """A flow run that ended well."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    # With a scheduler, unlike those of other tests: the UI tells the next runs.
    with running_server(tmp_path_factory.mktemp("ui"), PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED="true") as url:
        yield url


@pytest.fixture(scope="session")
def site(server: str) -> Iterator[Site]:
    stack = load_stack_file(ROOT, "dev")
    deployments = asyncio.run(_declared(stack, server))
    # Not below pytest's own folder: a run's logs, and so a picture in the documentation, tell where the data is.
    with tempfile.TemporaryDirectory(prefix="datos-") as data, _worker(server, Path(data)):
        run = _a_run(server, deployments[DEPLOYMENT])
        yield Site(server.removesuffix("/api"), server, stack, deployments, run)


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with headless(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


async def _declared(stack: Stack, api_url: str) -> dict[str, str]:
    """Pools, queues and deployments, made by the provider as `pulumi up` has them made."""
    async with serving({"api_url": api_url}) as engine:
        return await _made(stack, engine)


async def _made(stack: Stack, engine: Engine) -> dict[str, str]:
    made: dict[str, str] = {}
    for area in stack.areas:
        pool = {"name": area.pool.name, "type": "process", "description": area.pool.description}
        await engine.up("WorkPool", area.pool.name, {**pool, "concurrency_limit": area.pool.concurrency_limit})
        for queue in area.pool.queues:
            inputs = {"work_pool_name": area.pool.name, "name": queue.name, "priority": queue.priority}
            await engine.up("WorkQueue", f"{area.name}/{queue.name}", inputs)
        for each in area.deployments:
            inputs = {
                "name": each.name,
                "flow_name": each.flow_name,
                "entrypoint": each.entrypoint,
                "work_pool_name": area.pool.name,
                "work_queue_name": each.work_queue_name,
                "description": each.description,
                "tags": list(each.tags),
                "parameters": each.parameters,
                "parameter_openapi_schema": each.parameter_schema,
                "pull_steps": [
                    {"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}},
                ],
                "schedules": [
                    {k: v for k, v in schedule.model_dump().items() if v is not None} | {"active": True}
                    for schedule in each.schedules
                ],
            }
            made[each.name] = (await engine.up("Deployment", each.name, inputs)).id
    return made


@contextmanager
def _worker(api_url: str, data: Path) -> Iterator[None]:
    """As in a worker's container, its logging included."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    environment = clean | {
        "PREFECT_API_URL": api_url,
        "PREFECT_HOME": str(data / "home"),
        "PREFECT_LOGGING_CONFIG_PATH": str(ROOT / "workers" / "logging.yml"),
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_LOCAL_STORAGE_PATH": str(data / "resultados"),
        "DATOS_DIR": str(data),
        "TZ": "America/Argentina/Buenos_Aires",
    }
    words = ["--pool", POOL, "--type", "process", "--name", WORKER, "--no-create-pool-if-not-found"]
    with (data / "worker.log").open("wb") as log:
        command = [sys.executable, "-m", "prefect", "worker", "start", *words]
        worker = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=data)
        try:
            yield
        finally:
            worker.terminate()
            worker.wait(60)


def _a_run(api_url: str, deployment: str) -> dict[str, Any]:
    with httpx.Client(base_url=f"{api_url}/", timeout=30) as api:
        run = api.post(f"deployments/{deployment}/create_flow_run", json={}).raise_for_status().json()

        def ended() -> Any:
            now = api.get(f"flow_runs/{run['id']}").json()
            return now if now["state"]["type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"} else None

        ended_run: dict[str, Any] = eventually("the run ended", ended, 240)
        assert ended_run["state"]["type"] == "COMPLETED", ended_run["state"]
        body = {"logs": {"flow_run_id": {"any_": [run["id"]]}}}
        eventually("its logs are there", lambda: len(api.post("logs/filter", json=body).json()) > 3, 60)
        return ended_run
