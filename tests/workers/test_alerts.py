"""What an area's alerts tell, on a real server: a webhook that listens here, and what stands for others' hosts."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.components.alerts import SECRET_FIELD, action, trigger
from infra.model import declared
from infra.model.alerts import BLOCK_TYPES, alerts
from tests.patient import Patient
from tests.provider.conftest import running_server
from tests.stack.platforms import ANSWER_SECONDS, eventually
from tests.workers.chats import HOSTS, SLACK, TEAMS, Chats, Sent, chats

pytestmark = [pytest.mark.server, pytest.mark.thorough]
POOLS = ("compras-t", "ventas-t")
KINDS = ("failed", "crashed", "late", "offline")
SENDER, RECIPIENTS, KEY = "prefect@example.com", ("ventas@example.com", "compras@example.com"), "SG.una-clave"
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
            automation(client, kind, "webhook", webhook)
        for to, data in (("slack", {"url": SLACK}), ("teams", {"url": TEAMS}), ("email", of_email())):
            automation(client, "failed", to, data)
        yield client


def of_email() -> dict[str, Any]:
    """What the block of a declared email has."""
    to = declared.AlertTarget(type="email", secret="sendgrid", sender=SENDER, recipients=list(RECIPIENTS))
    made = alerts(declared.Alerts(to=to), POOLS[0])
    assert made
    return {**made.to.settings, SECRET_FIELD[made.to.block_type]: KEY}


def automation(api: httpx.Client, kind: str, to: str, data: dict[str, Any]) -> None:
    tells = action(kind, POOLS[0], BLOCK_TYPES[to], block_of(api, to, data))
    body = {"name": kind, "trigger": trigger(kind, POOLS[0]), "actions": [tells]}
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
    ("to", "beginning", "read"),
    [("slack", "/services/T1JJ3T3L2/", slacks), ("teams", "/workflows/0a1b2c3d/", teams)],
)
def test_slack_and_teams_are_sent_a_failed_run_once_in_their_own_form(
    api: httpx.Client, chat: Chats, to: str, beginning: str, read: Callable[[Any], tuple[str, str]]
) -> None:
    run = run_of(api, POOLS[0], {"type": "FAILED", "message": "no hay archivo"})

    (sent,) = eventually("a message", lambda: chat.sent_to(HOSTS[to], run), 90)

    assert sent.path.startswith(beginning)
    subject, body = read(sent.body)
    assert subject == "compras-t: failed"
    assert body.startswith(f"importar/compras-t: {run} Failed. no hay archivo")


class Shown(HTMLParser):
    """What a mail program shows of a text in HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.text += "\n" if tag == "br" else ""

    def handle_data(self, data: str) -> None:
        self.text += " ".join(data.split())


def test_an_email_tells_each_recipient_once_of_a_failed_run_and_shows_what_it_said(
    api: httpx.Client, chat: Chats
) -> None:
    said = "se esperaba <int> & vino <str>\nen la línea 3"
    run = run_of(api, POOLS[0], {"type": "FAILED", "message": said})

    def sent() -> list[Sent]:
        return chat.sent_to(HOSTS["email"], run)

    eventually("to each", lambda: len(sent()) >= len(RECIPIENTS), 90)
    to = [each["to"] for mail in sent() for each in mail.body["personalizations"]]
    assert sorted(to, key=str) == sorted(([{"email": address}] for address in RECIPIENTS), key=str)
    for mail in sent():
        assert (mail.path, mail.authorization) == ("/v3/mail/send", f"Bearer {KEY}")
        assert (mail.body["from"]["email"], mail.body["subject"]) == (SENDER, "compras-t: failed")
        (content,) = mail.body["content"]
        assert content["type"] == "text/html"
        text = Shown(content["value"]).text
        assert text.startswith(f"importar/compras-t: {run} Failed. {said}\nhttp://prefect.example/runs/flow-run/"), text
