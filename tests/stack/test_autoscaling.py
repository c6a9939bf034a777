"""Workers that come and go with the runs that are due, on a real stack."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.stack.platforms import Platform, console, docker, eventually

pytestmark = pytest.mark.docker
FLOW = '''import time
from pathlib import Path

from prefect import flow


@flow
def espera(sigue: str) -> None:
    """Espera hasta que le digan que siga."""
    while not Path("/var/lib/flows", sigue).exists():
        time.sleep(0.2)
'''
BURST = ["largo", *["corto"] * 5]


def one_to_three_and_none_to_one(declared: Any) -> None:
    del declared["areas"]["finanzas"]
    scale = {"min": 0, "max": 1, "cool_down": "5s"}
    ventas = declared["areas"]["ventas"]
    ventas["workers"] = {"type": "docker", "limit": 1, "autoscale": scale}
    for deployment in ventas["deployments"]:
        for schedule in deployment["schedules"]:
            schedule["active"] = False  # each run is one that the test asks for
    compras = declared["areas"]["compras"]
    compras["workers"] = {"limit": 1, "autoscale": {"min": 1, "max": 3, "cool_down": "8s"}}
    compras["deployments"] = [
        {"name": "esperar-un-rato", "entrypoint": "flows/espera.py:espera", "description": "Espera."}
    ]


def running(platform: Platform) -> list[str]:
    labels = (f"prefect-infra.stack={platform.stack}", "prefect-infra.role=worker")
    filters = [word for label in labels for word in ("--filter", f"label={label}")]
    return sorted(docker("ps", *filters, "--format", "{{.Names}}").split())


def states(api: httpx.Client, runs: list[str]) -> list[str]:
    rows = api.post("flow_runs/filter", json={"flow_runs": {"id": {"any_": runs}}}).raise_for_status().json()
    return sorted(row["state_type"] for row in rows)


def unchanged(platform: Platform) -> None:
    assert "unchanged" in platform.preview("--expect-no-changes", "--refresh").stdout
    refreshed = platform.run("refresh", "--yes", "--stack", platform.stack, "--expect-no-changes")
    assert "unchanged" in refreshed.stdout


def test_a_burst_of_runs_is_met_with_more_workers_which_go_again_and_lose_no_run(
    new_platform: Callable[..., Platform],
) -> None:
    platform = new_platform(change=one_to_three_and_none_to_one)
    (platform.folder / "flows" / "espera.py").write_text(FLOW)
    platform.up()
    outputs = platform.outputs()
    first, *others = outputs["workers"]["compras"]
    assert len(others) == 2
    assert running(platform) == [first]
    autoscaler = next(name for name in platform.containers() if name.endswith("-autoscaler"))
    sees = {mount["Source"] for mount in json.loads(docker("inspect", autoscaler))[0]["Mounts"]}
    assert not any(source.endswith("docker.sock") for source in sees)

    with platform.api() as api:
        deployment = outputs["deployments"]["esperar-un-rato"]["id"]
        path = f"deployments/{deployment}/create_flow_run"
        asked = [api.post(path, json={"parameters": {"sigue": signal}}) for signal in BURST]
        runs = [answer.raise_for_status().json()["id"] for answer in asked]
        heartbeat = outputs["deployments"]["control-de-latidos"]["id"]
        answer = api.post(f"deployments/{heartbeat}/create_flow_run", json={}).raise_for_status()
        in_a_container = answer.json()["id"]

        eventually("all workers", lambda: {first, *others} <= {*running(platform)}, 60)
        unchanged(platform)
        docker("exec", first, "touch", "/var/lib/flows/corto")

        eventually("fewer workers while a run goes on", lambda: not {*others} <= {*running(platform)}, 90)
        assert states(api, runs).count("RUNNING") >= 1, console(autoscaler)
        docker("exec", first, "touch", "/var/lib/flows/largo")
        eventually("the end of all runs", lambda: set(states(api, runs)) == {"COMPLETED"}, 90)
        eventually("one worker again", lambda: running(platform) == [first], 60)
        assert set(states(api, [*runs, in_a_container])) == {"COMPLETED"}
    unchanged(platform)
    assert "unchanged" in platform.up("--expect-no-changes").stdout
    platform.destroy()
    assert platform.containers() == []
