"""Prod, as one up: what it promises, each on the real thing."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import uuid
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError

from tests.stack.by_the_document import OPERATIONS, commands, type_in
from tests.stack.cis import CHECKS, failures
from tests.stack.platforms import ROOT, Platform, console, docker, eventually
from tests.stack.secured import events, get_token, heard, listen_for
from tests.stack.test_fresh_dev_stack import logs_of, run_to_the_end
from tests.stack.test_looking_after import deployments, prefect_infra, rows

pytestmark = pytest.mark.docker
READ = """
import base64, os, sys, tomllib, urllib.request
profile = tomllib.load(open(os.environ["PREFECT_PROFILES_PATH"], "rb"))["profiles"]["worker"]
auth = base64.b64encode(profile["PREFECT_API_AUTH_STRING"].encode()).decode()
request = urllib.request.Request(sys.argv[1], headers={"Authorization": f"Basic {auth}"})
print(urllib.request.urlopen(request, timeout=30).read().decode())
"""


def inspected(prod: Platform) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(docker("inspect", *prod.containers()))
    return found


def test_no_port_is_published_but_the_proxys(prod: Platform) -> None:
    published = {
        container["Name"].removeprefix("/"): [port for port, on in container["NetworkSettings"]["Ports"].items() if on]
        for container in inspected(prod)
    }
    with_ports = {name: sorted(ports) for name, ports in published.items() if ports}
    assert with_ports == {prod.named("proxy"): ["8080/tcp", "8443/tcp"]}


def test_nobody_gets_in_without_the_authority_and_the_credential(
    outputs: dict[str, Any], trusting: ssl.SSLContext, api: httpx.Client
) -> None:
    url = f"{outputs['api_url']}/admin/version"
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(url)
    for auth in (None, ("admin", "no")):
        assert httpx.get(url, auth=auth, verify=trusting).status_code == httpx.codes.UNAUTHORIZED
    assert api.get("admin/version").is_success
    headers = {"Prefect-Csrf-Token": "forged"}
    assert api.post("variables/filter", json={}, headers=headers).status_code == httpx.codes.FORBIDDEN


def test_plain_http_is_sent_to_https(prod: Platform, outputs: dict[str, Any]) -> None:
    (bound,) = docker("port", prod.named("proxy"), "8080/tcp").splitlines()
    answer = httpx.get(f"http://{bound}/runs?tab=1")
    assert (answer.status_code, answer.headers["location"]) == (308, f"{outputs['ui_url']}/runs?tab=1")


def test_a_flow_runs_in_a_container_of_its_own(prod: Platform, outputs: dict[str, Any], api: httpx.Client) -> None:
    run = run_to_the_end(api, outputs["deployments"]["resumen-diario-de-ventas"]["id"])
    assert run["state"]["type"] == "COMPLETED", run["state"]
    assert eventually("logs", lambda: logs_of(api, run["id"]))
    assert any("-run-" in name for name in prod.containers())


def test_events_of_one_replica_come_by_websocket_from_the_others(
    outputs: dict[str, Any], trusting: ssl.SSLContext, api: httpx.Client
) -> None:
    """Several connections, so that each replica has some: what one is told, Redis tells the others."""
    name = f"prueba.{uuid.uuid4()}"
    with events(outputs, trusting) as first, events(outputs, trusting) as second:
        for listener in (first, second):
            listen_for(listener, name, outputs["auth_string"])
        for listener in (first, second):
            assert eventually("the event", partial(heard, listener, name, api), 120)


def test_a_websocket_without_the_credential_is_closed(outputs: dict[str, Any], trusting: ssl.SSLContext) -> None:
    with events(outputs, trusting) as listener:
        listener.send(json.dumps({"type": "auth", "token": "admin:no"}))
        with pytest.raises(ConnectionClosedError, match="Invalid token"):
            listener.recv(timeout=60)


def test_metrics_are_told_within_and_nowhere_else(prod: Platform, outputs: dict[str, Any], api: httpx.Client) -> None:
    assert api.get("metrics").status_code == httpx.codes.NOT_FOUND
    assert api.get("//api/%6Detrics/").status_code == httpx.codes.NOT_FOUND
    worker = outputs["workers"]["ventas"][0]
    for url in (
        f"http://{prod.named('api-1')}:4200/api/metrics",
        f"http://{prod.named('proxy')}:8405/metrics",
        f"http://{worker}:4201/",
    ):
        assert "# HELP" in docker("exec", worker, "python", "-c", READ, url)


def test_the_database_and_redis_are_out_of_reach_of_workers(prod: Platform, outputs: dict[str, Any]) -> None:
    script = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)"
    for role, port in (("postgres", "5432"), ("redis", "6379")):
        name = prod.named(role)
        addresses = [each["IPAddress"] for each in _inspect(name)["NetworkSettings"]["Networks"].values()]
        for target in (name, *addresses):
            reached = f"python -c '{script}' {target} {port} 2>/dev/null && echo reached || echo not"
            assert docker("exec", outputs["workers"]["ventas"][0], "sh", "-c", reached) == "not"


def _inspect(name: str) -> dict[str, Any]:
    (found,) = json.loads(docker("inspect", name))
    inspected: dict[str, Any] = found
    return inspected


def test_no_secret_is_seen_in_the_state_nor_by_who_asks_the_engine(prod: Platform, outputs: dict[str, Any]) -> None:
    secrets = {
        outputs["auth_string"].split(":", 1)[1],
        docker("exec", prod.named("postgres"), "cat", "/run/secrets/postgres_password"),
        docker("exec", prod.named("redis"), "cat", "/run/secrets/redis_password"),
        docker("exec", prod.named("proxy"), "cat", "/run/secrets/tls.pem").split("PRIVATE KEY-----")[1][:60].strip(),
    }
    assert all(len(secret) > 30 for secret in secrets)
    shown = [prod.run("stack", "export", "--stack", prod.stack).stdout, *map(json.dumps, inspected(prod))]
    shown += [docker("logs", name) for name in prod.containers()]
    shown += [docker("exec", prod.named("api-1"), "env")]
    for text in shown:
        assert not any(secret in text or json.dumps(secret)[1:-1] in text for secret in secrets)


def test_every_container_is_held_against_the_cis_benchmark(prod: Platform) -> None:
    told = {
        line.split("|")[1].strip(): set(line.split("|")[3].replace(",", " ").split()) - {"-"}
        for line in OPERATIONS.read_text().splitlines()
        if line.startswith(("| 5.", "| 4.1 "))
    }
    checked = {number: roles for number, roles in told.items() if number in CHECKS}
    assert checked.keys() == CHECKS.keys()
    assert {number: roles for number, roles in checked.items() if roles} == failures(prod.containers())


def is_asked(prod: Platform, replica: str) -> bool:
    """Whether the proxy sends requests to it, as it says itself."""
    read = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8405/metrics').read().decode())"
    told = docker("exec", prod.named("proxy"), "python3", "-c", read)
    return f'haproxy_server_status{{proxy="api",server="{replica}",state="UP"}} 1' in told


def test_the_api_answers_while_a_replica_is_gone(prod: Platform, api: httpx.Client) -> None:
    victim = prod.named("api-1")
    docker("kill", victim)
    try:
        statuses = [api.get("admin/version").status_code for _ in range(30)]
        assert statuses == [httpx.codes.OK] * 30
        assert api.post("flow_runs/count", json={}).is_success
    finally:
        docker("start", victim)
    eventually("the replica is back", lambda: is_asked(prod, victim), 180)


def test_a_replica_that_hangs_gets_no_requests_until_it_answers_again(prod: Platform, api: httpx.Client) -> None:
    hangs = prod.named("api-1")
    docker("pause", hangs)
    try:

        def others_answer() -> bool:
            return all(api.get("admin/version", timeout=3).is_success for _ in range(10))

        eventually("the other one alone is asked", others_answer, 30)
        assert not is_asked(prod, hangs)
    finally:
        docker("unpause", hangs)
    eventually("it is asked again", lambda: is_asked(prod, hangs), 60)


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


def test_services_that_a_clock_put_off_say_so_and_go_on_once_they_are_started_again(prod: Platform) -> None:
    services = [name for name in prod.containers() if "-services-" in name]
    docker("exec", services[0], "python", "-c", PUT_OFF)

    def says() -> bool:
        health = _inspect(services[0])["State"]["Health"]
        return health["Status"] == "unhealthy" and "start them again" in health["Log"][-1]["Output"]

    eventually("told", says, 90)

    docker("restart", *services)

    eventually("well again", lambda: all(is_healthy(name) for name in services), 90)
    assert any("brought forward, as the clock was set back: " in console(name) for name in services)


def is_healthy(container: str) -> bool:
    return bool(_inspect(container)["State"]["Health"]["Status"] == "healthy")


def test_a_run_that_starts_while_postgres_is_killed_is_not_lost(
    prod: Platform, outputs: dict[str, Any], api: httpx.Client
) -> None:
    deployment = outputs["deployments"]["resumen-diario-de-ventas"]["id"]
    run = api.post(f"deployments/{deployment}/create_flow_run", json={}).raise_for_status().json()["id"]

    def state() -> str:
        return str(api.get(f"flow_runs/{run}").raise_for_status().json()["state_type"])

    eventually("taken by the worker", lambda: state() == "PENDING", 120, every=0.2)

    def started() -> str:
        return docker("inspect", prod.named("postgres"), "--format", "{{.State.StartedAt}}")

    before = started()
    # From within, sessions included: a `docker kill` is a stop by hand, after which the engine starts nothing again.
    # Who does it may go along with the container.
    command = ["docker", "exec", prod.named("postgres"), "sh", "-c", "kill -KILL -1"]
    subprocess.run(command, capture_output=True, check=False)
    eventually("Postgres started again", lambda: started() != before, 60)

    eventually("Completed", lambda: state() == "COMPLETED", 240)
    assert [each["type"] for each in api.get("flow_run_states/", params={"flow_run_id": run}).json()].count(
        "RUNNING"
    ) == 1


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
    database = _inspect(prod.named("postgres"))["Id"]
    assert gets_in(prod, former["postgres"])

    *turned, _ = commands("Day 2", "Another password for Postgres or Redis")
    for command in turned:
        type_in(prod, command)
    command = [str(ROOT / ".venv/bin/pulumi"), "up", "--yes", "--non-interactive", "--stack", prod.stack]
    quiet = subprocess.DEVNULL
    own = {"cwd": prod.folder, "env": prod.environment, "start_new_session": True}
    victim = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, **own)
    eventually("another database's container", lambda: _inspect(prod.named("postgres"))["Id"] != database, 120, 0.1)
    os.killpg(victim.pid, signal.SIGKILL)
    victim.wait()
    prod.run("cancel", "--yes", "--stack", prod.stack, check=False)

    prod.up()  # without --refresh, which would ask an API that can't get at its database

    for role, password in former.items():
        assert secret_of(prod, role) != password
    assert not gets_in(prod, former["postgres"])
    assert gets_in(prod, secret_of(prod, "postgres"))
    assert eventually("the API", lambda: api.post("deployments/count", json={}).json() == deployments, 120)
    run = run_to_the_end(api, outputs["deployments"]["resumen-diario-de-ventas"]["id"])
    assert run["state"]["type"] == "COMPLETED", run["state"]
    assert not any(secret_of(prod, "postgres") in docker("logs", name) for name in prod.containers())


def test_what_the_scheduled_backup_holds_is_prods_again_whole(
    prod: Platform, outputs: dict[str, Any], api: httpx.Client, tmp_path: Path
) -> None:
    keeper = prod.named("backup")
    made = eventually("made", lambda: docker("exec", keeper, "ls", "/var/lib/backups").split(), 120)
    docker("cp", f"{keeper}:/var/lib/backups/{made[-1]}", str(tmp_path))
    file = tmp_path / made[-1]
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
    again = prefect_infra(prod, "backup", "--to", str(tmp_path / "again"), "--json")
    assert again.returncode == 0, again.stderr
    now = rows(next((tmp_path / "again").iterdir()))
    goes_on = {
        name
        for name in held
        # Tasks, too: a run that was due when it was made, the older Prefect's, is due again.
        if name.startswith(("event", "flow_run", "task_run", "csrf", "worker", "log", "automation", "composite"))
    }
    assert {k: v for k, v in now.items() if k not in goes_on} == {k: v for k, v in held.items() if k not in goes_on}
    run = run_to_the_end(api, outputs["deployments"]["resumen-diario-de-ventas"]["id"])
    assert run["state"]["type"] == "COMPLETED", run["state"]
