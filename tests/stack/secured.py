"""A stack's API by TLS and credentials, with a token against forged requests; and its events by websocket."""

from __future__ import annotations

import json
import ssl
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect


@contextmanager
def signed_in(outputs: dict[str, Any], trusting: ssl.SSLContext) -> Iterator[httpx.Client]:
    """With a token against forged requests, as the server asks for with each write."""
    user, password = outputs["auth_string"].split(":", 1)
    own = {"base_url": outputs["api_url"] + "/", "auth": (user, password), "verify": trusting, "timeout": 60}
    with httpx.Client(**own) as client:
        get_token(client)
        yield client


def get_token(client: httpx.Client) -> None:
    name = str(uuid.uuid4())
    token = client.get("csrf-token", params={"client": name}).raise_for_status().json()["token"]
    client.headers.update({"Prefect-Csrf-Client": name, "Prefect-Csrf-Token": token})


def events(outputs: dict[str, Any], trusting: ssl.SSLContext) -> ClientConnection:
    return connect(outputs["api_url"].replace("https", "wss") + "/events/out", ssl=trusting, subprotocols=["prefect"])


def listen_for(listener: ClientConnection, event: str, auth_string: str) -> None:
    listener.send(json.dumps({"type": "auth", "token": auth_string}))
    assert json.loads(listener.recv(timeout=60))["type"] == "auth_success"
    # Left alone, a filter is for what occurred before it, and in a hurry it would hear the second that it is made in.
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    listener.send(json.dumps({"type": "filter", "filter": {"event": {"name": [event]}, "occurred": {"until": until}}}))


def heard(listener: ClientConnection, event: str, api: httpx.Client) -> bool:
    """Whether it hears one that is told now. Nothing tells when a filter is in place: until then, events go by."""
    told = {"event": event, "resource": {"prefect.resource.id": "prueba.1"}, "id": str(uuid.uuid4())}
    told["occurred"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    api.post("events", json=[told]).raise_for_status()
    try:
        return bool(json.loads(listener.recv(timeout=5))["event"]["event"] == event)
    except TimeoutError:
        return False
