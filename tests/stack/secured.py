"""A stack's API by TLS and credentials, with a token against forged requests; and its events by websocket."""

from __future__ import annotations

import json
import ssl
import time
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

READ = """
import base64, os, sys, tomllib, urllib.request
profile = tomllib.load(open(os.environ["PREFECT_PROFILES_PATH"], "rb"))["profiles"]["worker"]
auth = base64.b64encode(profile["PREFECT_API_AUTH_STRING"].encode()).decode()
request = urllib.request.Request(sys.argv[1], headers={"Authorization": f"Basic {auth}"})
print(urllib.request.urlopen(request, timeout=30).read().decode())
"""
"""What a worker reads at an address, with the credential that it has."""


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


def events(outputs: dict[str, Any], trusting: ssl.SSLContext, **how: Any) -> ClientConnection:
    url = outputs["api_url"].replace("https", "wss") + "/events/out"
    # A machine that is busy with prod's start answers late; left alone, the client waits for ten seconds.
    return connect(url, ssl=trusting, subprotocols=["prefect"], open_timeout=60, **how)


def listen_for(listener: ClientConnection, event: str, auth_string: str) -> None:
    listener.send(json.dumps({"type": "auth", "token": auth_string}))
    assert json.loads(listener.recv(timeout=60))["type"] == "auth_success"
    # Left alone, a filter is for what occurred before it, and in a hurry it would hear the second that it is made in.
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    listener.send(json.dumps({"type": "filter", "filter": {"event": {"name": [event]}, "occurred": {"until": until}}}))


def happened(event: str) -> dict[str, Any]:
    """Now, as the server is told of it."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    resource = {"prefect.resource.id": "prueba.1"}
    return {"event": event, "resource": resource, "id": str(uuid.uuid4()), "occurred": stamp}


def heard(listener: ClientConnection, event: str, api: httpx.Client) -> bool:
    """Whether it hears one that is told now. Nothing tells when a filter is in place: until then, events go by."""
    api.post("events", json=[happened(event)]).raise_for_status()
    try:
        return bool(json.loads(listener.recv(timeout=5))["event"]["event"] == event)
    except TimeoutError:
        return False


def missed(listener: ClientConnection, ids: Collection[str], seconds: float = 60) -> set[str]:
    """Those of the events that it doesn't hear in time. Others may come in between."""
    missing, until = set(ids), time.monotonic() + seconds
    while missing and (left := until - time.monotonic()) > 0:
        with suppress(TimeoutError):
            missing.discard(json.loads(listener.recv(timeout=left))["event"]["id"])
    return missing
