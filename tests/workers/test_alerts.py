"""What an area's alerts tell, on a real server: a webhook that listens here, and what stands for Slack and Teams."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.components.alerts import action, trigger
from infra.model.alerts import BLOCK_TYPES
from tests.provider.conftest import running_server
from tests.stack.platforms import ANSWER_SECONDS, Patient, eventually
from tests.workers.chats import HOSTS, SLACK, TEAMS, Chats, chats

pytestmark = [pytest.mark.server, pytest.mark.thorough]
POOLS = ("compras-t", "ventas-t")
KINDS = ("failed", "crashed", "late", "offline")
QUICK = {
    "PREFECT_UI_URL": "http://prefect.example",  # what messages link to
    "PREFECT_SERVER_SERVICES_FOREMAN_LOOP_SECONDS": "1",
    "PREFECT_SERVER_SERVICES_FOREMAN_INACTIVITY_HEARTBEAT_MULTIPLE": "1",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_LOOP_SECONDS": "1",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "2",
}


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A webhook's address, and what it was sent."""
    received: list[dict[str, str]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/aviso", received
        server.shutdown()


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chats]:
    with chats(tmp_path_factory.mktemp("chats")) as made:
        yield made


@pytest.fixture(scope="module")
def api(
    tmp_path_factory: pytest.TempPathFactory, told: tuple[str, list[dict[str, str]]], chat: Chats
) -> Iterator[httpx.Client]:
    """Two pools with a deployment each, and the alerts of the first."""
    home: Path = tmp_path_factory.mktemp("prefect-home")
    with (
        running_server(home, **QUICK, **chat.settings) as url,
        httpx.Client(base_url=f"{url}/", transport=Patient(), timeout=ANSWER_SECONDS) as client,
    ):
        for pool in POOLS:
            client.post("work_pools/", json={"name": pool, "type": "process"}).raise_for_status()
            flow = client.post("flows/", json={"name": "importar"}).json()["id"]
            body = {"name": pool, "flow_id": flow, "work_pool_name": pool, "entrypoint": "x.py:importar"}
            client.post("deployments/", json=body).raise_for_status()
        webhook = {"name": "aviso", "url": told[0], "json_data": {"subject": "{{subject}}", "body": "{{body}}"}}
        for kind in KINDS:
            automation(client, kind, block_of(client, "webhook", webhook))
        for to, address in (("slack", SLACK), ("teams", TEAMS)):
            automation(client, "failed", block_of(client, to, {"url": address}))
        yield client


def automation(api: httpx.Client, kind: str, block: str) -> None:
    body = {"name": kind, "trigger": trigger(kind, POOLS[0]), "actions": [action(kind, POOLS[0], block)]}
    api.post("automations/", json=body).raise_for_status()


def block_of(api: httpx.Client, to: str, data: dict[str, Any]) -> str:
    """Of the type that an area's `to: {type: …}` means."""
    block_type = api.get(f"block_types/slug/{BLOCK_TYPES[to]}").raise_for_status().json()["id"]
    body = {"block_schemas": {"block_type_id": {"any_": [block_type]}}}
    schema = api.post("block_schemas/filter", json=body).raise_for_status().json()[0]["id"]
    name = f"avisos-{time.monotonic_ns()}"
    document = {"name": name, "data": data, "block_type_id": block_type, "block_schema_id": schema}
    return str(api.post("block_documents/", json=document).raise_for_status().json()["id"])


def run_of(api: httpx.Client, pool: str, state: dict[str, Any] | None = None) -> str:
    deployment = api.get(f"deployments/name/importar/{pool}").raise_for_status().json()["id"]
    run = api.post(f"deployments/{deployment}/create_flow_run", json={}).raise_for_status().json()
    if state:
        body = {"state": state, "force": True}
        api.post(f"flow_runs/{run['id']}/set_state", json=body).raise_for_status()
    return str(run["name"])


def message(told: tuple[str, list[dict[str, str]]], subject: str, about: str) -> Callable[[], Any]:
    return lambda: [each for each in told[1] if each["subject"] == subject and about in each["body"]]


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("failed", {"type": "FAILED", "message": "no hay archivo"}),
        ("failed", {"type": "FAILED", "name": "TimedOut", "message": "tardó demasiado"}),
        ("crashed", {"type": "CRASHED", "message": "sin memoria"}),
        ("late", None),
    ],
    ids=["failed", "timed out", "crashed", "late"],
)
def test_a_run_of_the_areas_pool_is_told_of_once_and_of_no_other_pool(
    api: httpx.Client, told: tuple[str, list[dict[str, str]]], kind: str, state: dict[str, Any] | None
) -> None:
    other, run = run_of(api, POOLS[1], state), run_of(api, POOLS[0], state)

    (sent,) = eventually("a message", message(told, f"compras-t: {kind}", run), 90)

    assert sent["body"].startswith(f"importar/compras-t: {run} ")
    if state:
        assert state["message"] in sent["body"]
    assert "http://prefect.example/runs/flow-run/" in sent["body"]
    assert not [each for each in told[1] if other in each["body"]]


def test_a_pool_that_loses_its_last_worker_is_told_of(
    api: httpx.Client, told: tuple[str, list[dict[str, str]]]
) -> None:
    for pool in POOLS:
        body = {"name": "obrero", "heartbeat_interval_seconds": 1}
        api.post(f"work_pools/{pool}/workers/heartbeat", json=body).raise_for_status()

    (sent,) = eventually("a message", message(told, "compras-t: offline", "compras-t"), 90)

    assert "NOT_READY" in sent["body"]
    assert not [each for each in told[1] if "ventas-t" in each["body"]]


def slacks(sent: dict[str, Any]) -> tuple[str, str]:
    (attachment,) = sent["attachments"]
    return attachment["title"], attachment["text"]


def teams(sent: dict[str, Any]) -> tuple[str, str]:
    (card,) = sent["attachments"]
    texts = {each["id"]: each["text"] for each in card["content"]["body"] if "id" in each}
    return texts["title"], texts["body"]


@pytest.mark.parametrize(
    ("host", "beginning", "read"),
    [(HOSTS[0], "/services/T1JJ3T3L2/", slacks), (HOSTS[1], "/workflows/0a1b2c3d/", teams)],
    ids=["slack", "teams"],
)
def test_slack_and_teams_are_sent_a_failed_run_once_in_their_own_form(
    api: httpx.Client, chat: Chats, host: str, beginning: str, read: Callable[[Any], tuple[str, str]]
) -> None:
    run = run_of(api, POOLS[0], {"type": "FAILED", "message": "no hay archivo"})

    ((path, sent),) = eventually("a message", lambda: chat.sent_to(host, run), 90)

    assert path.startswith(beginning)
    subject, body = read(sent)
    assert subject == "compras-t: failed"
    assert body.startswith(f"importar/compras-t: {run} Failed. no hay archivo")
