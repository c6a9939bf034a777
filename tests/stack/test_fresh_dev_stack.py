"""A fresh dev stack is a working platform."""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest

from tests.stack.platforms import console, docker, eventually

pytestmark = pytest.mark.docker
AREAS = ("compras", "ventas", "finanzas")


def run_to_the_end(api: Any, deployment_id: str, **body: Any) -> dict[str, Any]:
    def made() -> Any:
        """As Prefect's own client, which sends again what a proxy couldn't hand on."""
        answer = api.post(f"deployments/{deployment_id}/create_flow_run", json=body)
        return None if answer.status_code in {502, 503} else answer.raise_for_status().json()

    run = eventually(f"run of {deployment_id} made", made, 60)

    def ended() -> Any:
        now = api.get(f"flow_runs/{run['id']}").json()
        return now if now["state"]["type"] in {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"} else None

    return eventually(f"run of {deployment_id} ended", ended, 400)


def logs_of(api: Any, run_id: str) -> list[dict[str, Any]]:
    body = {"logs": {"flow_run_id": {"any_": [run_id]}}, "sort": "TIMESTAMP_ASC", "limit": 200}
    return api.post("logs/filter", json=body).json()


def test_the_server_is_healthy(platform: Any) -> None:
    with platform.api() as api:
        assert api.get("health").json() is True


@pytest.mark.parametrize("area", AREAS)
def test_each_areas_pool_is_ready_with_an_online_worker(platform: Any, area: str) -> None:
    pool = f"{area}-dev"
    with platform.api() as api:
        eventually(f"{pool} ready", lambda: api.get(f"work_pools/{pool}").json()["status"] == "READY")
        workers = api.post(f"work_pools/{pool}/workers/filter", json={}).json()
    assert [(row["name"], row["status"]) for row in workers] == [(platform.outputs()["workers"][area][0], "ONLINE")]


@pytest.mark.parametrize(
    ("area", "deployment"),
    [
        ("compras", "importar-lista-de-precios"),
        ("ventas", "resumen-diario-de-ventas"),
        ("finanzas", "actualizar-tipos-de-cambio"),
    ],
)
def test_a_flow_of_each_area_ends_completed_with_its_logs_in_the_api(platform: Any, area: str, deployment: str) -> None:
    outputs = platform.outputs()
    assert outputs["deployments"][deployment]["pool"] == f"{area}-dev"
    with platform.api() as api:
        run = run_to_the_end(api, outputs["deployments"][deployment]["id"])
        assert run["state"]["type"] == "COMPLETED", run["state"]
        assert eventually("logs", lambda: logs_of(api, run["id"]))


def test_a_schedule_of_every_minute_makes_runs_by_itself(platform: Any) -> None:
    deployment = platform.outputs()["deployments"]["control-de-latidos"]["id"]
    body = {
        "deployments": {"id": {"any_": [deployment]}},
        "flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}},
    }
    with platform.api() as api:
        runs = eventually("a run by the schedule", lambda: api.post("flow_runs/filter", json=body).json(), 150)
    assert all(run["auto_scheduled"] for run in runs)


def test_what_a_task_logs_in_three_ways_is_seen_once_in_the_api_and_once_in_docker_logs(platform: Any) -> None:
    outputs = platform.outputs()
    with platform.api() as api:
        run = run_to_the_end(api, outputs["deployments"]["control-de-latidos"]["id"])
        rows = eventually(
            "logs",
            lambda: [row for row in logs_of(api, run["id"]) if "print" in row["message"]] and logs_of(api, run["id"]),
        )
    levels = {row["message"]: row["level"] for row in rows}
    told = {
        "Latido desde": 20,  # logging.getLogger("prefect")
        "Así se ve una advertencia": 30,  # the same
        "Así se ve un error": 40,  # get_run_logger()
        "print desde": 20,  # print(), which this stack wants to see
    }
    worker = outputs["workers"]["ventas"][0]
    written = console(worker)
    for beginning, level in told.items():
        found = [message for message in levels if message.startswith(beginning)]
        assert len(found) == 1, levels
        assert levels[found[0]] == level
        assert [row["message"] for row in rows].count(found[0]) == 1
        assert found[0] in written


def test_a_second_up_changes_nothing_and_writes_nothing_to_the_server(platform: Any) -> None:
    name = next(name for name in platform.containers() if name.endswith("-server"))
    network = docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}", name)

    def calls() -> list[str]:
        # The workers poll all the time; what comes through the published port has the gateway's address.
        text = subprocess.run(["docker", "logs", name], capture_output=True, text=True, check=True)
        return [line for line in (text.stdout + text.stderr).splitlines() if f"{network}:" in line and '"' in line]

    with platform.api() as api:
        api.get("health")
    before = eventually("an access log", calls)

    done = platform.up("--expect-no-changes")

    assert re.search(r"Resources:\s+\d+ unchanged\s", done.stdout), done.stdout
    added = calls()[len(before) :]
    assert [line for line in added if not re.search(r'"GET ', line)] == []


def test_a_refresh_sees_an_edit_made_in_the_ui_and_the_next_up_mends_it(platform: Any) -> None:
    with platform.api() as api:
        api.patch("work_pools/compras-dev", json={"concurrency_limit": 99}).raise_for_status()
        refreshed = platform.run("refresh", "--yes", "--stack", platform.stack).stdout
        assert "WorkPool" in refreshed
        assert "1 updated" in refreshed
        assert "1 updated" in platform.up().stdout
        assert api.get("work_pools/compras-dev").json()["concurrency_limit"] != 99


def test_a_container_changed_by_hand_is_drift_and_nothing_else_is(platform: Any) -> None:
    def drift(code: int) -> list[Any]:
        done = subprocess.run(
            [platform.folder / ".venv/bin/prefect-infra", "drift", "--json", "--stack", platform.stack],
            cwd=platform.folder,
            env=platform.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)["objects"]

    worker = platform.outputs()["workers"]["compras"][0]
    assert drift(0) == []

    docker("update", "--memory", "900m", "--memory-swap", "900m", worker)
    found = drift(2)
    docker("update", "--memory", "1024m", "--memory-swap", "1024m", worker)

    assert [(each["area"], each["kind"], each["name"], each["drift"]) for each in found] == [
        ("compras", "container", worker, True)
    ]
    assert {field["field"]: (field["declared"], field["server"]) for field in found[0]["fields"]} == {
        "memory": (1024, 900),
        "memorySwap": (1024, 900),
    }
    assert drift(0) == []


def test_flow_code_of_the_checkout_needs_no_up(platform: Any) -> None:
    path = platform.folder / "flows" / "ventas" / "control_de_latidos.py"
    before = path.read_text()
    path.write_text(before + '\n\nprint("recién editado")\n')
    try:
        with platform.api() as api:
            run = run_to_the_end(api, platform.outputs()["deployments"]["control-de-latidos"]["id"])
        assert run["state"]["type"] == "COMPLETED"
        worker = platform.outputs()["workers"]["ventas"][0]
        assert "recién editado" in console(worker)
    finally:
        path.write_text(before)


def test_containers_are_confined(platform: Any) -> None:
    for name in platform.containers():
        about = json.loads(docker("inspect", name))[0]
        host, config = about["HostConfig"], about["Config"]
        assert config["User"] == "10001:10001"
        assert host["CapDrop"] == ["ALL"]
        assert "no-new-privileges:true" in host["SecurityOpt"]
        assert host["Memory"] > 0
        assert host["NanoCpus"] > 0
        assert host["PidsLimit"] > 0
        assert host["LogConfig"]["Config"]["max-size"]
        assert host["RestartPolicy"]["Name"] == "always"
        assert config["Labels"]["prefect-infra.project"] == "prefect-infra"
        assert platform.stack in name
        assert not any("docker.sock" in str(mount) for mount in about["Mounts"])
        for bindings in (host["PortBindings"] or {}).values():
            assert {binding["HostIp"] for binding in bindings} == {"127.0.0.1"}


def test_prefects_own_command_line_reaches_the_stack_by_its_profile(platform: Any) -> None:
    name = platform.outputs()["profiles"][0]
    done = subprocess.run(
        [platform.folder / ".venv/bin/prefect", "--profile", name, "work-pool", "ls"],
        env=platform.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "compras-dev" in done.stdout, done.stdout + done.stderr
    assert platform.profiles.stat().st_mode & 0o777 == 0o600
