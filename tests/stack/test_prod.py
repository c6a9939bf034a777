"""Prod, as one up: what it promises, each on the real thing."""

from __future__ import annotations

import json
import ssl
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosedError

from tests.stack.by_the_document import OPERATIONS
from tests.stack.cis import CHECKS, failures
from tests.stack.platforms import Platform, console, docker, eventually
from tests.stack.proxied import answers
from tests.stack.secured import READ, events, happened, heard, listen_for, missed
from tests.stack.test_fresh_dev_stack import logs_of, run_to_the_end

pytestmark = pytest.mark.docker
TELL = """
import json, os, sys, tomllib
import httpx
profile = tomllib.load(open(os.environ["PREFECT_PROFILES_PATH"], "rb"))["profiles"]["worker"]
auth = tuple(profile["PREFECT_API_AUTH_STRING"].split(":", 1))
with httpx.Client(base_url=sys.argv[1], auth=auth, timeout=30) as api:
    token = api.get("csrf-token", params={"client": "prueba"}).raise_for_status().json()["token"]
    headers = {"Prefect-Csrf-Client": "prueba", "Prefect-Csrf-Token": token}
    for event in json.loads(sys.argv[2]):
        api.post("events", json=[event], headers=headers).raise_for_status()
"""
"""What a worker tells one replica, by the replica's own name."""


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
    images = {_inspect(name)["Image"] for name in prod.containers() if "-run-" in name}
    assert images == {_inspect(outputs["workers"]["ventas"][0])["Image"]}, "what runs is what was released"


def test_events_of_one_replica_come_by_websocket_from_the_others(
    prod: Platform, outputs: dict[str, Any], trusting: ssl.SSLContext, api: httpx.Client
) -> None:
    """Each is told once, to a replica that is named: what one is told, Redis tells the others."""
    name, worker = f"prueba.{uuid.uuid4()}", outputs["workers"]["ventas"][0]
    told = {replica: [happened(name) for _ in range(5)] for replica in ("api-1", "api-2")}
    with events(outputs, trusting) as first, events(outputs, trusting) as second:
        for listener in (first, second):
            listen_for(listener, name, outputs["auth_string"])
            assert eventually("the event", partial(heard, listener, name, api), 120)
        for replica, each in told.items():
            url = f"http://{prod.named(replica)}:4200/api/"
            docker("exec", worker, "python", "-c", TELL, url, json.dumps(each))
        ids = {event["id"] for each in told.values() for event in each}
        assert [missed(listener, ids) for listener in (first, second)] == [set(), set()]


def test_what_is_asked_at_once_is_shared_by_the_replicas(prod: Platform, api: httpx.Client) -> None:
    before = answers(prod)
    with ThreadPoolExecutor(20) as threads:
        given = list(threads.map(lambda _: api.post("flow_runs/count", json={}), range(100)))
    assert all(answer.is_success for answer in given)
    more = {replica: number - before[replica] for replica, number in answers(prod).items()}
    assert more.keys() == {prod.named("api-1"), prod.named("api-2")}
    assert min(more.values()) >= 25


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
    shown += [console(name) for name in prod.containers()]
    shown += [docker("exec", prod.named("api-1"), "env")]
    for text in shown:
        assert not any(secret in text or json.dumps(secret)[1:-1] in text for secret in secrets)


def test_containers_are_made_of_images_by_content(prod: Platform) -> None:
    """A name may come to mean another image, and a container that is made anew would then be another one."""
    made = {each["Name"]: each["Config"]["Image"] for each in inspected(prod) if "-run-" not in each["Name"]}
    assert {name: image for name, image in made.items() if not image.startswith("sha256:")} == {}


def test_every_container_is_held_against_the_cis_benchmark(prod: Platform) -> None:
    told = {
        line.split("|")[1].strip(): set(line.split("|")[3].replace(",", " ").split()) - {"-"}
        for line in OPERATIONS.read_text().splitlines()
        if line.startswith(("| 5.", "| 4.1 "))
    }
    checked = {number: roles for number, roles in told.items() if number in CHECKS}
    assert checked.keys() == CHECKS.keys()
    assert {number: roles for number, roles in checked.items() if roles} == failures(prod.containers())
