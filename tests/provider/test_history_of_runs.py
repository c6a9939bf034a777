"""How long runs last, as a real server tells it; and what two schedules of one minute really make."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.cli.history import connection, mean_durations
from infra.model import Stack, load_stack
from tests.patient import Patient

pytestmark = pytest.mark.server
FLOW = "from prefect import flow\n\n\n@flow\ndef medido() -> None: ...\n\n\n@flow\ndef sin_medir() -> None: ...\n"


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    (tmp_path / "f.py").write_text(FLOW)
    deployments = [{"name": name, "entrypoint": f"f.py:{name}"} for name in ("medido", "sin_medir")]
    raw = {"environment": "prod", "areas": {"historia": {"deployments": deployments}}}
    return load_stack(raw, project="prefect-infra", stack="prod", root=tmp_path)


@pytest.fixture
def server(prefect_server: str) -> Any:
    with httpx.Client(base_url=f"{prefect_server}/", transport=Patient(), timeout=30) as client:
        yield client


def made(server: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = server.post(path, json=body)
    assert answer.is_success, answer.text
    row: dict[str, Any] = answer.json()
    return row


def test_the_mean_is_of_completed_runs_of_the_stacks_own_pools(
    server: httpx.Client, prefect_server: str, stack: Stack, tmp_path: Path
) -> None:
    flow = made(server, "flows/", {"name": "medido"})
    for pool in ("historia-prod", "historia-dev"):
        made(server, "work_pools/", {"name": pool, "type": "process"})
    ours = made(server, "deployments/", {"name": "medido", "flow_id": flow["id"], "work_pool_name": "historia-prod"})
    lasted = [ran(server, ours["id"], seconds, "COMPLETED") for seconds in (0.1, 0.7)]
    ran(server, ours["id"], 1.5, "FAILED")
    (tmp_path / "profiles.toml").write_text(
        f'active = "otro"\n[profiles.otro]\nPREFECT_API_URL = "http://127.0.0.1:9/api"\n'
        f'[profiles.prefect-infra-prod]\nPREFECT_API_URL = "{prefect_server}"\n'
    )
    found = connection(stack, {"PREFECT_PROFILES_PATH": str(tmp_path / "profiles.toml")})

    assert found.api_url == prefect_server
    assert mean_durations(found, stack) == {"medido": pytest.approx(sum(lasted) / 2)}
    assert lasted[1] > lasted[0] > 0


def ran(server: httpx.Client, deployment: str, seconds: float, end: str) -> float:
    """A run that went for so long; the seconds that the server itself tells of it."""
    path = f"flow_runs/{made(server, f'deployments/{deployment}/create_flow_run', {})['id']}"
    made(server, f"{path}/set_state", {"state": {"type": "RUNNING"}, "force": True})
    time.sleep(seconds)
    made(server, f"{path}/set_state", {"state": {"type": end}, "force": True})
    return float(server.get(path).json()["total_run_time"])


def test_two_schedules_of_one_deployment_make_two_runs_in_the_same_minute(server: httpx.Client) -> None:
    """The timeline counts both."""
    flow = made(server, "flows/", {"name": "doble"})
    zone = {"timezone": "America/Argentina/Buenos_Aires"}
    schedules = [
        {"slug": f"s{n}", "active": True, "schedule": {"cron": cron, **zone}}
        for n, cron in enumerate(("0 7 * * *", "0 7 * * 0-6"))
    ]
    deployment = made(server, "deployments/", {"name": "doble", "flow_id": flow["id"], "schedules": schedules})
    answer = server.post(f"deployments/{deployment['id']}/schedule", json={"min_runs": 2, "max_runs": 2})
    assert answer.is_success, answer.text

    runs = server.post("flow_runs/filter", json={"deployments": {"id": {"any_": [deployment["id"]]}}}).json()

    times = sorted(re.sub(r"\..*|Z$|\+.*", "", run["expected_start_time"]) for run in runs)
    assert len(times) == 4
    assert times[0] == times[1]
