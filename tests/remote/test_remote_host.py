"""A stack on another machine: made there over ssh, used from here, and gone from there.

The tests are one story, in order: a machine with an engine of its own takes a minute to get its images.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import httpx
import pytest

from tests.remote.commands import command_line, pulumi, told
from tests.remote.machine import Machine
from tests.stack.platforms import Platform, docker

pytestmark = pytest.mark.docker


def test_a_machine_with_another_key_than_the_known_one_gets_nothing(elsewhere: Platform, machine: Machine) -> None:
    machine.know("stranger")
    try:
        done = told(elsewhere, sys.executable, "-m", "infra.toolchain", "doctor")
    finally:
        machine.know("host")
    assert f"MISSING  host of {elsewhere.stack}" in done.stdout
    assert "Host key verification failed" in done.stdout
    assert f"-> ssh -p 2222 deploy@{machine.address(1)}" in done.stdout


def test_up_makes_all_of_it_there_and_a_run_of_each_area_ends_completed(elsewhere: Platform, machine: Machine) -> None:
    shown = command_line(elsewhere, "dev", "up")

    assert "Completed" in shown
    assert f"http://{machine.address(1)}:" in shown
    roles = ["compras-socket-proxy", "compras-worker-1", "server"]
    there = [name for name in machine.names(elsewhere.stack)["containers"] if "-run-" not in name]
    assert there == [f"prefect-infra-{elsewhere.stack}-{role}" for role in roles]
    assert elsewhere.containers() == []
    for kind in ("volume", "network"):
        assert elsewhere.stack not in docker(kind, "ls", "--format", "{{.Name}}")


def test_the_server_is_reached_by_that_machines_address_and_asks_who_one_is(
    elsewhere: Platform, machine: Machine
) -> None:
    url = elsewhere.outputs()["api_url"]
    assert url.startswith(f"http://{machine.address(1)}:")
    assert httpx.get(f"{url}/admin/version", timeout=60).status_code == httpx.codes.UNAUTHORIZED
    with elsewhere.api() as api:
        assert api.get("admin/version").status_code == httpx.codes.OK
    assert url in elsewhere.profiles.read_text()


def test_a_second_up_changes_nothing_and_a_refresh_finds_nothing(elsewhere: Platform) -> None:
    for words in (("up", "--yes", "--expect-no-changes"), ("refresh", "--yes", "--expect-no-changes")):
        done = pulumi(elsewhere, *words)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_doctor_finds_the_machine_well(elsewhere: Platform, machine: Machine) -> None:
    done = told(elsewhere, sys.executable, "-m", "infra.toolchain", "doctor")
    assert f"at {machine.url}" in done.stdout
    assert f"MISSING  host of {elsewhere.stack}" not in done.stdout


def test_a_backup_is_taken_from_there_and_put_back_there(elsewhere: Platform, machine: Machine, tmp_path: Path) -> None:
    made = json.loads(command_line(elsewhere, "backup", "--to", str(tmp_path), "--json"))
    assert made["rows"]["flow_run"] >= 1
    command_line(elsewhere, "restore", made["file"], "--yes")
    with elsewhere.api() as api:
        assert api.post("flow_runs/count", json={}).json() >= 1


def test_a_port_that_another_program_has_there_is_refused_before_anything_is_changed(
    elsewhere: Platform, machine: Machine
) -> None:
    port = 4999
    serve = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(600)"
    docker("exec", "--detach", machine.container, "python3", "-c", serve)
    before = machine.names(elsewhere.stack)
    elsewhere.edit(lambda declared: declared["server"].update(port=port))
    try:
        done = pulumi(elsewhere, "up", "--yes", "--skip-preview")
    finally:
        elsewhere.edit(lambda declared: declared["server"].pop("port"))
    assert done.returncode != 0
    assert f"port {port} of {machine.url} is taken by another program there" in done.stdout + done.stderr
    assert machine.names(elsewhere.stack) == before


def test_pulumi_that_would_ask_another_engine_makes_nothing(elsewhere: Platform, machine: Machine) -> None:
    done = elsewhere.preview(check=False)
    assert done.returncode != 0
    assert f"prefect-infra:host is {machine.url}" in done.stdout + done.stderr


def test_down_leaves_nothing_there(elsewhere: Platform, machine: Machine) -> None:
    command_line(elsewhere, "dev", "down")

    assert machine.names(elsewhere.stack) == {"containers": [], "volumes": [], "networks": []}
    assert not elsewhere.profiles.exists()
