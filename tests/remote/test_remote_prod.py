"""Prod on another machine: Postgres, Redis, replicas and a proxy made there over ssh, looked after from here.

The tests are one story, in order.
"""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.remote.commands import begun, command_line, pulumi, said, told
from tests.remote.machine import Machine
from tests.stack.platforms import ROOT, Platform, docker, eventually
from tests.stack.secured import get_token
from tests.stack.test_fresh_dev_stack import logs_of, run_to_the_end
from tests.swarm.in_flight import ONCE, begin, containers_of, let_go, states

pytestmark = pytest.mark.docker
FLOW = "resumen-diario-de-ventas"
ROLES = [
    *("api-1", "api-2", "backup", "janitor", "migration", "postgres", "proxy", "redis"),
    *("services-1", "ventas-socket-proxy", "ventas-worker-1"),
]


def test_all_of_prod_is_made_there_and_nothing_here(prod: Platform, machine: Machine) -> None:
    assert machine.names(prod.stack)["containers"] == [prod.named(role) for role in ROLES]
    of_each = ("ps", "--filter", f"label=prefect-infra.stack={prod.stack}", "--format", "{{.Names}} {{.Status}}")
    running = machine.ask(1, *of_each).splitlines()
    assert len(running) == len(ROLES) - 1, "the migration has ended"
    assert all("(healthy)" in line for line in running), running
    assert prod.containers() == []
    for kind in ("volume", "network"):
        assert prod.stack not in docker(kind, "ls", "--format", "{{.Name}}")


def test_people_reach_it_by_that_machines_address_by_tls_and_with_the_credential(
    prod: Platform, machine: Machine, outputs: dict[str, Any], trusting: ssl.SSLContext, api: httpx.Client
) -> None:
    address = f"https://{machine.address(1)}:4200"
    assert (outputs["ui_url"], outputs["api_url"]) == (address, f"{address}/api")
    assert api.get("admin/version").is_success
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{address}/api/admin/version")
    for auth in (None, ("admin", "no")):
        answer = httpx.get(f"{address}/api/admin/version", auth=auth, verify=trusting)
        assert answer.status_code == httpx.codes.UNAUTHORIZED
    plain = httpx.get(f"http://{machine.address(1)}:4280/runs?tab=1")
    assert (plain.status_code, plain.headers["location"]) == (308, f"{address}/runs?tab=1")
    by_profile = told(prod, str(ROOT / ".venv/bin/prefect"), "--profile", outputs["profiles"][0], "deployment", "ls")
    assert by_profile.returncode == 0, by_profile.stderr
    assert "resumen" in by_profile.stdout


def test_a_flow_runs_there_in_a_container_of_its_own(
    prod: Platform, machine: Machine, outputs: dict[str, Any], api: httpx.Client
) -> None:
    run = run_to_the_end(api, outputs["deployments"][FLOW]["id"])
    assert run["state"]["type"] == "COMPLETED", run["state"]
    assert eventually("logs", lambda: logs_of(api, run["id"]))
    assert len(containers_of(machine, (1,), run["id"])) == 1


def test_a_backup_of_its_postgres_is_taken_from_there_and_put_back_there(
    prod: Platform, outputs: dict[str, Any], api: httpx.Client, tmp_path: Path
) -> None:
    deployment = outputs["deployments"][FLOW]["id"]
    made = json.loads(command_line(prod, "backup", "--to", str(tmp_path), "--json"))
    assert made["kind"] == "postgres"
    assert made["rows"]["flow_run"] >= 1
    api.delete(f"deployments/{deployment}").raise_for_status()

    command_line(prod, "restore", made["file"], "--yes")

    eventually("answers", lambda: api.get("ready").is_success, 120)
    get_token(api)
    assert api.get(f"deployments/{deployment}").is_success


def test_what_the_scheduled_backup_made_is_copied_from_there(prod: Platform, machine: Machine, tmp_path: Path) -> None:
    copied = ("cp", f"{prod.named('backup')}:/var/lib/backups/.", str(tmp_path))
    there = told(prod, "docker", "--host", machine.url, *copied)
    assert there.returncode == 0, there.stderr
    assert list(tmp_path.glob("*.backup"))


def test_an_up_that_lost_its_connection_keeps_the_run_in_flight_and_the_next_one_ends_well(
    prod: Platform, machine: Machine, outputs: dict[str, Any], api: httpx.Client
) -> None:
    run = begin(api, outputs, "ventas")

    def changed(declared: Any) -> None:
        declared["workers"]["drain_seconds"] = 900
        declared["server"]["protect"] = False

    prod.edit(changed)
    (prod.folder / "flows" / "otra.py").write_text("# Otra versión.\n")

    def leaves() -> bool:
        return any("ventas-worker-1-leaving-" in name for name in machine.names(prod.stack)["containers"])

    upping = begun(prod, "up", "--yes")
    eventually("the former worker waits for its run", lambda: upping.poll() is not None or leaves(), 400)
    with machine.out_of_reach():
        told_of_it = said(upping)
    assert upping.returncode != 0, told_of_it
    assert f"Timeout, server {machine.address(1)} not responding" in told_of_it
    assert states(api, run)[-1] == "RUNNING"
    assert leaves()

    upping = begun(prod, "up", "--yes")
    ((number, container),) = containers_of(machine, (1,), run)
    let_go(machine, number, container, run)
    told_of_it = said(upping)
    assert upping.returncode == 0, told_of_it
    assert states(api, run) == ONCE
    assert [name for name in machine.names(prod.stack)["containers"] if "-run-" not in name] == [
        prod.named(role) for role in ROLES
    ]


def test_then_a_preview_and_a_refresh_find_nothing(prod: Platform) -> None:
    for words in (("preview", "--expect-no-changes"), ("refresh", "--yes", "--expect-no-changes")):
        done = pulumi(prod, *words)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_destroy_leaves_the_backups_there_and_nothing_else(prod: Platform, machine: Machine) -> None:
    done = pulumi(prod, "destroy", "--yes")

    assert done.returncode == 0, done.stdout + done.stderr
    left = {"containers": [], "volumes": [prod.named("backups")], "networks": []}
    assert machine.names(prod.stack) == left, "whoever destroys a stack by mistake needs them most"
    assert not list(prod.profiles.parent.glob("*.ca.pem"))
