"""Deployments whose code is in the image: nothing of the checkout is mounted, and new code comes with an `up`."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.stack.platforms import docker, eventually
from tests.stack.test_fresh_dev_stack import logs_of, run_to_the_end

pytestmark = pytest.mark.docker
FLOW = '''import time
from pathlib import Path

from prefect import flow, get_run_logger


@flow
def saludo(espera: str | None = None) -> None:
    """Dice qué versión es."""
    while espera and not Path("/var/lib/flows", espera).exists():
        time.sleep(0.5)
    get_run_logger().info("versión {version}")
'''
WORKER_TYPES = {"compras": "process", "deposito": "docker"}
"""The second one is new: nobody has made it a folder in workers/areas."""


def baked(declared: Any) -> None:
    declared["code"] = {"location": "image"}
    declared["workers"] = {"drain_seconds": 300}
    del declared["areas"]["finanzas"]
    declared["areas"]["deposito"] = declared["areas"].pop("ventas")
    for area, type_ in WORKER_TYPES.items():
        declared["areas"][area]["workers"] = {"type": type_}
        declared["areas"][area]["deployments"] = [
            {"name": f"saludo-de-{area}", "entrypoint": "flows/saludo.py:saludo", "description": "Saluda."}
        ]
    del declared["areas"]["compras"]["queues"]


def start_long_runs(api: httpx.Client, deployments: Any) -> dict[str, str]:
    """A run of each type that is in the middle of its flow."""
    runs = {}
    for area in WORKER_TYPES:
        body = {"parameters": {"espera": "sigue"}}
        made = api.post(f"deployments/{deployments[f'saludo-de-{area}']['id']}/create_flow_run", json=body)
        runs[area] = made.raise_for_status().json()["id"]
    for run in runs.values():
        eventually("Running", lambda run=run: api.get(f"flow_runs/{run}").json()["state_type"] == "RUNNING", 400)
    return runs


def up_in_the_midst_of(platform: Any, api: httpx.Client, runs: dict[str, str]) -> None:
    """An `up` that replaces the workers. Only once they have been told to stop do the flows come to an end."""
    began = docker("info", "--format", "{{.SystemTime}}")
    workers = {area: platform.outputs()["workers"][area][0] for area in WORKER_TYPES}

    def told_to_stop(worker: str) -> str:
        now = docker("info", "--format", "{{.SystemTime}}")
        filters = ["--filter", f"container={worker}", "--filter", "event=kill"]
        return docker("events", "--since", began, "--until", now, *filters)

    with ThreadPoolExecutor() as threads:
        upping = threads.submit(platform.up)
        for area, worker in workers.items():
            eventually(f"{worker} told to stop", lambda worker=worker: upping.done() or told_to_stop(worker), 300)
            assert api.get(f"flow_runs/{runs[area]}").json()["state_type"] == "RUNNING", platform.log
        # In the area's volume: a process worker runs the flow itself, a docker worker in another container.
        run_of_deposito = next(name for name in platform.containers() if "-run-" in name and running(name))
        for container in (workers["compras"], run_of_deposito):
            docker("exec", container, "touch", "/var/lib/flows/sigue")
        upping.result()


def running(container: str) -> bool:
    return docker("inspect", "--format", "{{.State.Running}}", container) == "true"


def state_of(api: httpx.Client, run: str) -> str | None:
    state = api.get(f"flow_runs/{run}").json()["state_type"]
    return state if state in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"} else None


def test_runs_of_both_worker_types_take_the_code_from_the_image_and_an_up_brings_new_code_and_ends_no_run(
    new_platform: Callable[..., Any],
) -> None:
    platform = new_platform(change=baked)
    flow = platform.folder / "flows" / "saludo.py"
    for version in ("uno", "dos"):
        flow.write_text(FLOW.replace("{version}", version))
        if version == "uno":
            platform.up()
        else:
            with platform.api() as api:
                in_flight = start_long_runs(api, platform.outputs()["deployments"])
                up_in_the_midst_of(platform, api, in_flight)
                for area, run in in_flight.items():
                    assert eventually("an end", lambda run=run: state_of(api, run)) == "COMPLETED", area
                    assert eventually(
                        "a log", lambda run=run: "versión uno" in [row["message"] for row in logs_of(api, run)]
                    )
        outputs = platform.outputs()
        flow.unlink()  # where only the image has it
        with platform.api() as api:
            for area in WORKER_TYPES:
                run = run_to_the_end(api, outputs["deployments"][f"saludo-de-{area}"]["id"])
                assert run["state"]["type"] == "COMPLETED", run["state"]
                eventually(
                    f"the log of {area}, version {version}",
                    lambda run=run, version=version: [
                        row for row in logs_of(api, run["id"]) if row["message"] == f"versión {version}"
                    ],
                )
        for name in platform.containers():
            mounts = json.loads(docker("inspect", name))[0]["Mounts"]
            assert not [mount for mount in mounts if mount["Source"].startswith(str(platform.folder))], name
    platform.destroy()
