"""Prod at work: what two of a kind do once, what comes and goes with the runs, and what is told to whom.

Between test_prod.py and test_prod_is_changed.py, on the same stack.
"""

from __future__ import annotations

import json
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import pytest

from tests.stack.platforms import ROOT, Platform, console, docker, eventually, is_healthy, is_running, started
from tests.stack.told import receiving

pytestmark = pytest.mark.docker
KEY = "pnu_de_otro_servidor"
OF_PREFECT = {"api", "services", "migration", "worker", "janitor", "autoscaler", "run"}


def test_nothing_is_told_to_prefects_makers(prod: Platform, api: httpx.Client) -> None:
    settings = api.get("admin/settings").raise_for_status().json()
    assert settings["server"]["analytics_enabled"] is False
    seen = set()
    for container in json.loads(docker("inspect", *prod.containers())):
        role = container["Config"]["Labels"]["prefect-infra.role"]
        if role in OF_PREFECT:
            seen.add(role)
            variables = {text.casefold() for text in container["Config"]["Env"]}
            assert {"prefect_server_analytics_enabled=false", "do_not_track=1"} <= variables, container["Name"]
    assert seen == OF_PREFECT


def prefect(prod: Platform, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / ".venv" / "bin" / "prefect"), *arguments]
    environment = {**prod.environment, **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_a_key_for_another_server_in_a_shell_changes_nothing_for_who_uses_the_profile(
    prod: Platform, outputs: dict[str, Any]
) -> None:
    ask = ("--profile", outputs["profiles"][0], "work-pool", "inspect", outputs["work_pools"]["ventas"])
    well = prefect(prod, *ask, PREFECT_API_KEY=KEY)
    assert well.returncode == 0, well.stdout + well.stderr
    assert outputs["work_pools"]["ventas"] in well.stdout
    refused = prefect(prod, *ask, PREFECT_API_KEY=KEY, PREFECT_API_AUTH_STRING="admin:otra")
    assert refused.returncode != 0
    assert "401" in refused.stdout + refused.stderr


def told(api: httpx.Client, event: str, resource: str) -> int:
    about = {"event": {"name": [event]}, "resource": {"id": [resource]}}
    answer = api.post("events/filter", json={"filter": about}).raise_for_status().json()
    return int(answer["total"])


def test_what_background_services_do_is_done_once_where_there_are_two(prod: Platform, api: httpx.Client) -> None:
    assert {prod.named("services-1"), prod.named("services-2")} <= {*prod.containers()}
    event = f"prueba.{uuid.uuid4()}"
    each_time = {"type": "event", "posture": "Reactive", "expect": [event], "threshold": 1, "within": 0}
    automation = _made(api, "automations/", {"name": event, "trigger": each_time, "actions": [{"type": "do-nothing"}]})
    flow = _made(api, "flows/", {"name": event})
    every_minute = {"active": True, "schedule": {"cron": "* * * * *", "timezone": "America/Argentina/Buenos_Aires"}}
    scheduled = {"name": event, "flow_id": flow, "schedules": [every_minute]}
    deployment = _made(api, "deployments/", scheduled)
    now = {"type": "SCHEDULED", "state_details": {"scheduled_time": datetime.now(UTC).isoformat()}}
    late = [_made(api, "flow_runs/", {"flow_id": flow, "state": now}) for _ in range(3)]  # of no pool: nobody's

    def planned() -> Sequence[str]:
        about = {"deployments": {"id": {"any_": [deployment]}}, "limit": 200}
        return [run["expected_start_time"] for run in api.post("flow_runs/filter", json=about).json()]

    eventually("a run for each minute of an hour", lambda: len(planned()) >= 60, 120)
    time.sleep(2)  # what is given to an automation before it is known to both is not seen
    happened = {"event": event, "resource": {"prefect.resource.id": "prueba.1"}}
    for _ in range(5):
        stamp = datetime.now(UTC).isoformat()
        api.post("events", json=[happened | {"id": str(uuid.uuid4()), "occurred": stamp}]).raise_for_status()
    acted = ("prefect.automation.action.executed", f"prefect.automation.{automation}")
    eventually("fired", lambda: told(api, *acted) >= 5, 120)
    told_late = {run: ("prefect.flow-run.Late", f"prefect.flow-run.{run}") for run in late}
    eventually("told Late", lambda: all(told(api, *each) for each in told_late.values()), 120)
    time.sleep(6)  # longer than either service takes to look again

    assert told(api, *acted) == 5
    assert [told(api, *each) for each in told_late.values()] == [1, 1, 1]
    assert max(Counter(planned()).values()) == 1
    api.delete(f"automations/{automation}").raise_for_status()
    api.delete(f"flows/{flow}").raise_for_status()


def _made(api: httpx.Client, path: str, body: dict[str, Any]) -> str:
    return str(api.post(path, json=body).raise_for_status().json()["id"])


def test_an_alert_is_told_once_where_there_are_two_background_services(
    prod: Platform, outputs: dict[str, Any], api: httpx.Client
) -> None:
    deployment = outputs["deployments"]["resumen-diario-de-ventas"]["id"]
    with receiving(prod) as sent:
        failed = [_failed_run(api, deployment) for _ in range(5)]
        eventually("all told", lambda: len(sent()) >= len(failed), 90)
        time.sleep(4)  # longer than the second of two takes
        told = [each["body"] for each in sent() if each["subject"] == "ventas-prod: failed"]

    assert len(told) == len(failed)
    for run in failed:
        (body,) = (each for each in told if f": {run} Failed. " in each)
        assert "por una prueba" in body


def _failed_run(api: httpx.Client, deployment: str) -> str:
    """The name of one that no worker takes, as it is of tomorrow, and that somebody sets to Failed."""
    tomorrow = {"scheduled_time": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
    body = {"state": {"type": "SCHEDULED", "state_details": tomorrow}}
    run = api.post(f"deployments/{deployment}/create_flow_run", json=body).raise_for_status().json()
    failed = {"type": "FAILED", "message": "por una prueba"}
    api.post(f"flow_runs/{run['id']}/set_state", json={"state": failed, "force": True}).raise_for_status()
    return str(run["name"])


class Hanging(NamedTuple):
    name: str
    started: str


@pytest.fixture(scope="module")
def hangs(prod: Platform) -> Hanging:
    """Background services that are held from here on, while those of the other replica go on.

    Not by `docker pause`: whatever is paused the engine calls unhealthy, and asks it nothing (docker 20.10, run).
    """
    name = prod.named("services-2")
    docker("exec", name, "sh", "-c", "kill -STOP -1")
    return Hanging(name, started(name))


def test_another_worker_comes_for_runs_that_wait_and_goes_when_there_are_none(
    outputs: dict[str, Any], api: httpx.Client, hangs: Hanging
) -> None:
    """Meanwhile background services hang, which needs minutes to be mended, and nothing waits for."""
    del hangs
    first, second = outputs["workers"]["ventas"]
    deployment = outputs["deployments"]["resumen-diario-de-ventas"]["id"]
    runs = [_made(api, f"deployments/{deployment}/create_flow_run", {}) for _ in range(4)]

    def rows() -> list[dict[str, Any]]:
        about = {"flow_runs": {"id": {"any_": runs}}}
        found: list[dict[str, Any]] = api.post("flow_runs/filter", json=about).raise_for_status().json()
        return found

    eventually("the end of all", lambda: {row["state_type"] for row in rows()} == {"COMPLETED"}, 240)
    assert {row["labels"]["prefect.worker.name"] for row in rows()} == {first, second}
    eventually("one worker again", lambda: not is_running(second), 90)
    assert is_running(first)


def test_background_services_that_hang_are_started_again(prod: Platform, hangs: Hanging) -> None:
    eventually("started again", lambda: started(hangs.name) != hangs.started, 300)
    assert "no sign of life at 12 health checks in a row" in console(hangs.name)
    assert is_healthy(prod.named("services-1"))
    eventually("well again", lambda: is_healthy(hangs.name), 90)
