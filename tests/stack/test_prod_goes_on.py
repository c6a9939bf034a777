"""Prod goes on: with replicas that are gone or hang, parts that are killed, turned passwords, a database put back.

Between test_prod_at_work.py and test_prod_is_changed.py, on the same stack.
"""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from operator import ne
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from websockets.sync.client import ClientConnection

from tests.stack.asked import asked_all_the_time
from tests.stack.by_the_document import commands, type_in
from tests.stack.platforms import ROOT, Platform, console, docker, eventually, is_healthy, started
from tests.stack.proxied import is_asked
from tests.stack.secured import events, get_token, happened, heard, listen_for, missed, signed_in
from tests.stack.test_fresh_dev_stack import run_to_the_end
from tests.stack.test_looking_after import deployments, prefect_infra, rows

pytestmark = pytest.mark.docker
FLOW = "resumen-diario-de-ventas"
SILENT_SECONDS = 80
"""The proxy waits for 75 for the next word of who is no websocket."""

PUT_OFF = """
import re, time, redis
client = redis.Redis.from_url(open("/run/secrets/PREFECT_SERVER_DOCKET_URL").read().strip(), decode_responses=True)
until = time.time() + 15
while time.time() < until:
    names = [key for key in client.zrange("prefect:queue", 0, -1) if re.fullmatch("[a-z_]+", key)]
    client.zadd("prefect:queue", dict.fromkeys(names, time.time() + 3600), xx=True)
    time.sleep(0.1)
"""
"""What is left of a server's clock that was an hour ahead: everything is due in an hour."""


class Silent(NamedTuple):
    listener: ClientConnection
    event: str
    """That it listens for."""
    since: float


@pytest.fixture(scope="module")
def silent(outputs: dict[str, Any], trusting: ssl.SSLContext) -> Iterator[Silent]:
    """A websocket on which a client says no more than what it listens for."""
    name = f"prueba.{uuid.uuid4()}"
    with signed_in(outputs, trusting) as api, events(outputs, trusting, ping_interval=None) as listener:
        listen_for(listener, name, outputs["auth_string"])
        eventually("the event", partial(heard, listener, name, api), 120)
        yield Silent(listener, name, time.monotonic())


@pytest.mark.usefixtures("silent")  # so that it is old when a test asks it
def test_services_that_a_clock_put_off_say_so_and_go_on_once_one_is_started_again(prod: Platform) -> None:
    services = [name for name in prod.containers() if "-services-" in name]
    before = [started(name) for name in services]
    docker("exec", services[0], "python", "-c", PUT_OFF)

    def says() -> bool:
        found = json.loads(docker("inspect", services[0], "--format", "{{json .State.Health}}"))
        return found["Status"] == "unhealthy" and "start them again" in found["Log"][-1]["Output"]

    eventually("told", says, 90)

    # The first to start brings it forward for both.
    eventually("started again", lambda: any(map(ne, before, map(started, services))), 240)
    eventually("well again", lambda: all(is_healthy(name) for name in services), 90)
    assert any("brought forward, as the clock was set back: " in console(name) for name in services)


def made(api: httpx.Client, path: str, body: dict[str, Any]) -> str:
    return str(api.post(path, json=body).raise_for_status().json()["id"])


def test_background_services_go_on_when_one_of_two_is_killed(prod: Platform, api: httpx.Client) -> None:
    killed, event = prod.named("services-1"), f"prueba.{uuid.uuid4()}"
    each_time = {"type": "event", "posture": "Reactive", "expect": [event], "threshold": 1, "within": 0}
    actions = [{"type": "do-nothing"}]
    automation = made(api, "automations/", {"name": event, "trigger": each_time, "actions": actions})
    flow = made(api, "flows/", {"name": event})
    # What happens before both know the automation is not seen. Once a try to get at a Postgres that just starts has
    # failed, Prefect hears no more of changes, and looks every five seconds (3.8.8, `listen_for_automation_changes`).
    time.sleep(7)
    ids = {"resource": {"id": [f"prefect.automation.{automation}"]}}
    fired = {"filter": {"event": {"name": ["prefect.automation.action.executed"]}, **ids}}

    def times() -> int:
        return int(api.post("events/filter", json=fired).raise_for_status().json()["total"])

    docker("kill", killed)  # by hand: the engine doesn't start it again
    try:
        schedule = {"active": True, "schedule": {"cron": "* * * * *", "timezone": "America/Argentina/Buenos_Aires"}}
        deployment = made(api, "deployments/", {"name": event, "flow_id": flow, "schedules": [schedule]})
        for _ in range(5):
            api.post("events", json=[happened(event)]).raise_for_status()

        planned = {"deployments": {"id": {"any_": [deployment]}}}
        eventually("planned", lambda: api.post("flow_runs/count", json=planned).json() >= 60, 120)
        eventually("fired", lambda: times() >= 5, 60)
    finally:
        docker("start", killed)
        api.delete(f"automations/{automation}").raise_for_status()
        api.delete(f"flows/{flow}").raise_for_status()
    eventually("well again", lambda: is_healthy(killed), 90)
    assert times() == 5


def test_a_websocket_that_was_silent_for_long_still_brings_events(silent: Silent, api: httpx.Client) -> None:
    time.sleep(max(0.0, silent.since + SILENT_SECONDS - time.monotonic()))
    now = happened(silent.event)
    api.post("events", json=[now]).raise_for_status()
    assert missed(silent.listener, {now["id"]}, 30) == set()


def test_the_api_answers_while_a_replica_is_gone(prod: Platform, api: httpx.Client) -> None:
    victim = prod.named("api-1")
    docker("kill", victim)
    try:
        statuses = [api.get("admin/version").status_code for _ in range(30)]
        assert statuses == [httpx.codes.OK] * 30
        assert api.post("flow_runs/count", json={}).is_success
    finally:
        docker("start", victim)
    # The proxy doesn't know at once that it is gone.
    eventually("the replica is back", lambda: is_healthy(victim) and is_asked(prod, victim), 180)


def test_a_replica_that_hangs_gets_no_requests_and_is_started_again(prod: Platform, api: httpx.Client) -> None:
    hangs = prod.named("api-1")
    before = started(hangs)
    # All but the first process and who does it, so that the engine sees a container that runs.
    docker("exec", hangs, "sh", "-c", "kill -STOP -1")

    eventually("told by the proxy", lambda: not is_asked(prod, hangs), 30)
    assert all(api.get("admin/version", timeout=3).is_success for _ in range(10))

    eventually("started again", lambda: started(hangs) != before, 300)
    assert "no sign of life at 12 health checks in a row" in console(hangs)
    eventually("it is asked again", lambda: is_asked(prod, hangs), 120)


@pytest.mark.parametrize("role", ["postgres", "redis", "proxy"])
def test_a_run_that_starts_while_a_part_is_killed_is_not_lost(
    prod: Platform, outputs: dict[str, Any], api: httpx.Client, role: str
) -> None:
    deployment, part = outputs["deployments"][FLOW]["id"], prod.named(role)
    run = api.post(f"deployments/{deployment}/create_flow_run", json={}).raise_for_status().json()["id"]

    def state() -> str:
        return str(api.get(f"flow_runs/{run}").raise_for_status().json()["state_type"])

    eventually("taken by the worker", lambda: state() == "PENDING", 120, every=0.2)

    before = started(part)
    # From within, sessions included: a `docker kill` is a stop by hand, after which the engine starts nothing again.
    # Who does it may go along with the container.
    command = ["docker", "exec", part, "sh", "-c", "kill -KILL -1"]
    subprocess.run(command, capture_output=True, check=False)
    eventually(f"{role} started again", lambda: started(part) != before, 60)

    eventually("Completed", lambda: state() == "COMPLETED", 240)
    assert [each["type"] for each in api.get("flow_run_states/", params={"flow_run_id": run}).json()].count(
        "RUNNING"
    ) == 1


def id_of(container: str) -> str:
    return docker("inspect", container, "--format", "{{.Id}}")


def secret_of(prod: Platform, role: str) -> str:
    return docker("exec", prod.named(role), "cat", f"/run/secrets/{role}_password")


def gets_in(prod: Platform, password: str) -> bool:
    ask = f"PGPASSWORD={password} psql -h 127.0.0.1 -U prefect -d prefect -qAtc 'SELECT 1'"
    command = ["docker", "exec", prod.named("postgres"), "sh", "-c", ask]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0 or b"password authentication failed" in done.stderr
    return done.returncode == 0


def test_passwords_are_turned_by_a_number_and_what_was_interrupted_by_the_next_up(
    prod: Platform, outputs: dict[str, Any], api: httpx.Client
) -> None:
    deployments = api.post("deployments/count", json={}).json()
    former = {role: secret_of(prod, role) for role in ("postgres", "redis")}
    database = id_of(prod.named("postgres"))
    assert gets_in(prod, former["postgres"])

    *turned, _ = commands("Day 2", "Another password for Postgres or Redis")
    for command in turned:
        type_in(prod, command)
    command = [str(ROOT / ".venv/bin/pulumi"), "up", "--yes", "--non-interactive", "--stack", prod.stack]
    quiet = subprocess.DEVNULL
    own = {"cwd": prod.folder, "env": prod.environment, "start_new_session": True}
    victim = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, **own)
    eventually("another database's container", lambda: id_of(prod.named("postgres")) != database, 120, 0.1)
    os.killpg(victim.pid, signal.SIGKILL)
    victim.wait()
    prod.run("cancel", "--yes", "--stack", prod.stack, check=False)

    prod.up()  # without --refresh, which would ask an API that can't get at its database

    for role, password in former.items():
        assert secret_of(prod, role) != password
    assert not gets_in(prod, former["postgres"])
    assert gets_in(prod, secret_of(prod, "postgres"))
    assert eventually("the API", lambda: api.post("deployments/count", json={}).json() == deployments, 120)
    run = run_to_the_end(api, outputs["deployments"][FLOW]["id"])
    assert run["state"]["type"] == "COMPLETED", run["state"]
    assert not any(secret_of(prod, "postgres") in console(name) for name in prod.containers())


def test_what_the_scheduled_backup_holds_is_prods_again_whole(
    prod: Platform, outputs: dict[str, Any], api: httpx.Client, tmp_path: Path
) -> None:
    keeper = prod.named("backup")
    # The first is made as soon as there is a database, which may be before the first `up` is through.
    docker("exec", keeper, "sh", "-c", "rm /var/lib/backups/*.backup")
    docker("restart", keeper)
    found = partial(docker, "exec", keeper, "find", "/var/lib/backups", "-name", "*.backup")
    made = eventually("made", found, 120)
    docker("cp", f"{keeper}:{made}", str(tmp_path))
    file = tmp_path / Path(made).name
    held = rows(file)
    before = deployments(api)
    assert held["deployment"] == len(before) > 0
    for row in before.values():
        api.delete(f"deployments/{row['id']}").raise_for_status()
    api.post("variables/", json={"name": "despues", "value": 1}).raise_for_status()

    done = prefect_infra(prod, "restore", str(file), "--yes")

    assert done.returncode == 0, done.stdout + done.stderr
    eventually("answers", lambda: api.get("ready").is_success, 120)
    get_token(api)
    assert deployments(api) == before
    assert api.get("variables/name/despues").status_code == httpx.codes.NOT_FOUND
    line = {"name": "prueba", "level": 20, "message": "…", "timestamp": datetime.now(UTC).isoformat()}
    with asked_all_the_time(lambda: api.get("admin/version"), lambda: api.post("logs/", json=[line])) as wrong:
        again = prefect_infra(prod, "backup", "--to", str(tmp_path / "again"), "--json")
    assert wrong == []
    assert again.returncode == 0, again.stderr
    now = rows(next((tmp_path / "again").iterdir()))
    goes_on = {
        name
        for name in held
        # Tasks, too: a run that was due when it was made, the older Prefect's, is due again.
        if name.startswith(("event", "flow_run", "task_run", "csrf", "worker", "log", "automation", "composite"))
    }
    assert {k: v for k, v in now.items() if k not in goes_on} == {k: v for k, v in held.items() if k not in goes_on}
    run = run_to_the_end(api, outputs["deployments"][FLOW]["id"])
    assert run["state"]["type"] == "COMPLETED", run["state"]
