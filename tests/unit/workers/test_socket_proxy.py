"""Which calls pass the socket proxy. The engine is played by a transport that records what reaches it."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest

from workers.socket_proxy.app import MAX_BODY_BYTES, make_app
from workers.socket_proxy.rules import OWNER_LABEL, Rules
from workers.socket_proxy.sweep import sweep

OWNER = "shop/dev/ventas"
IMAGE = "localhost/shop/worker:1"
RULES = Rules.model_validate(
    {
        "owner": OWNER,
        "name_prefix": "shop-dev-ventas-",
        "images": [IMAGE],
        "network": "shop-dev",
        "memory_mb": 512,
        "cpus": 1,
        "pids": 256,
    }
)
OWN = "a" * 64
FOREIGN = "b" * 64
OWNERS = {OWN: OWNER, FOREIGN: "shop/prod/ventas"}


def answer(status: int, body: dict[str, Any]) -> httpx.Response:
    """As from a socket: to be read once, piece by piece."""

    async def pieces() -> AsyncIterator[bytes]:
        yield json.dumps(body).encode()

    return httpx.Response(status, content=pieces())


@dataclass
class Engine:
    """Knows one container of a flow run, by id and by name, and one that is somebody else's."""

    seen: list[httpx.Request] = field(default_factory=list)

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        parts = request.url.path.removeprefix("/v1.41").split("/")
        if parts[1] != "containers" or parts[2] in ("create", "json"):
            return answer(200, {"Id": OWN})
        found = {"mine": OWN, "theirs": FOREIGN}.get(parts[2], parts[2])
        if found not in OWNERS:
            return answer(404, {"message": f"No such container: {parts[2]}"})
        labels = {OWNER_LABEL: OWNERS[found]}
        return answer(200, {"Id": found, "Config": {"Labels": labels}})

    @property
    def calls(self) -> list[str]:
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.seen]


@pytest.fixture
def engine() -> Engine:
    return Engine()


def client_of(engine: Engine, rules: Rules = RULES) -> httpx.AsyncClient:
    app = make_app(rules, httpx.MockTransport(engine.handle))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://proxy")


@pytest.fixture
def client(engine: Engine) -> httpx.AsyncClient:
    return client_of(engine)


@pytest.mark.parametrize(
    ("method", "path", "reaches"),
    [
        ("GET", "/_ping", "GET /_ping"),
        ("GET", "/version", "GET /version"),
        ("GET", "/v1.41/version", "GET /v1.41/version"),
        ("GET", f"/v1.41/images/{IMAGE}/json", f"GET /v1.41/images/{IMAGE}/json"),
        ("GET", "/v1.41/containers/mine/json", f"GET /v1.41/containers/{OWN}/json"),
        (
            "GET",
            "/v1.41/containers/mine/logs?stderr=1&stdout=1&timestamps=0&follow=1&tail=all",
            f"GET /v1.41/containers/{OWN}/logs?stderr=1&stdout=1&timestamps=0&follow=1&tail=all",
        ),
        ("POST", "/v1.41/containers/mine/start", f"POST /v1.41/containers/{OWN}/start"),
        ("POST", "/v1.41/containers/mine/wait", f"POST /v1.41/containers/{OWN}/wait"),
        ("POST", "/v1.41/containers/mine/stop?t=30", f"POST /v1.41/containers/{OWN}/stop?t=30"),
        ("POST", "/v1.41/containers/mine/kill?signal=SIGKILL", f"POST /v1.41/containers/{OWN}/kill?signal=SIGKILL"),
        ("DELETE", "/v1.41/containers/mine?force=True", f"DELETE /v1.41/containers/{OWN}?force=True"),
    ],
)
async def test_what_a_docker_worker_needs_reaches_the_engine(
    client: httpx.AsyncClient, engine: Engine, method: str, path: str, reaches: str
):
    response = await client.request(method, path)

    assert response.status_code == 200
    assert engine.calls[-1] == reaches


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/info"),
        ("GET", "/events"),
        ("GET", "/containers/json"),
        ("POST", "/auth"),
        ("POST", "/build"),
        ("POST", "/commit?container=mine"),
        ("GET", "/images/json"),
        ("GET", "/images/localhost/shop/other:1/json"),
        ("GET", f"/images/{IMAGE}/history"),
        ("DELETE", f"/images/{IMAGE}"),
        ("POST", f"/images/{IMAGE}/tag?repo=x"),
        ("POST", "/images/load"),
        ("POST", f"/images/create?fromImage={IMAGE}"),
        ("POST", "/images/create?fromSrc=http://example.org/x.tar"),
        ("GET", "/networks"),
        ("POST", "/networks/bridge/connect"),
        ("POST", "/networks/create"),
        ("GET", "/volumes"),
        ("POST", "/volumes/create"),
        ("GET", "/secrets"),
        ("POST", "/swarm/init"),
        ("POST", "/plugins/pull"),
        ("POST", "/session"),
        ("POST", "/grpc"),
        ("POST", "/exec/1/start"),
        ("POST", "/containers/mine/exec"),
        ("POST", "/containers/mine/attach"),
        ("GET", "/containers/mine/attach/ws"),
        ("POST", "/containers/mine/update"),
        ("POST", "/containers/mine/rename?name=x"),
        ("GET", "/containers/mine/archive?path=/"),
        ("PUT", "/containers/mine/archive?path=/"),
        ("GET", "/containers/mine/export"),
        ("POST", "/containers/prune"),
        ("POST", "/containers/mine/start?detachKeys=x"),
        ("GET", "/containers/mine/logs?details=1"),
        ("POST", "/containers/mine/stop?t=5&t=6"),
        ("DELETE", "/containers/mine?link=true"),
        ("POST", "/containers/create?platform=linux/arm64"),
        ("POST", "/containers/create?name=../x"),
        ("POST", "/containers/mine%2Fexec"),
        ("POST", "/v1.41/v1.41/containers/mine/start"),
        ("POST", "/v2.0/containers/mine/start"),
        ("POST", "//containers/mine/start"),
        ("POST", "/containers/../containers/mine/exec"),
        ("OPTIONS", "/version"),
    ],
)
async def test_everything_else_is_refused_and_the_engine_never_hears_of_it(
    client: httpx.AsyncClient, engine: Engine, method: str, path: str
):
    response = await client.request(method, path, content=b'{"Image": "x"}' if method == "POST" else None)

    assert response.status_code == 403
    assert "refused by the socket proxy" in response.json()["message"]
    assert engine.calls == []


@pytest.mark.parametrize(
    ("method", "action"), [("GET", "/json"), ("GET", "/logs"), ("POST", "/start"), ("POST", "/stop"), ("DELETE", "")]
)
@pytest.mark.parametrize("name", ["theirs", FOREIGN])
async def test_a_container_that_the_proxy_did_not_make_is_only_ever_looked_at(
    client: httpx.AsyncClient, engine: Engine, method: str, action: str, name: str
):
    response = await client.request(method, f"/containers/{name}{action}")

    assert response.status_code == 403
    assert response.json()["message"].endswith(f"the container {name} was not made for a flow run of {OWNER}")
    assert engine.calls == [f"GET /containers/{name}/json"]


async def test_a_container_that_is_gone_is_not_found_as_the_worker_expects(client: httpx.AsyncClient, engine: Engine):
    response = await client.post("/containers/gone/stop")

    assert response.status_code == 404
    assert response.json() == {"message": "No such container: gone"}
    assert engine.calls == ["GET /containers/gone/json"]


async def test_a_container_is_made_under_the_stacks_name_from_a_rebuilt_description(
    client: httpx.AsyncClient, engine: Engine
):
    raw = b'{"Image": "localhost/shop/worker:1", "HostConfig": {"Privileged": true}, "HostConfig": {}}'

    response = await client.post("/v1.41/containers/create?name=rain-otter", content=raw)

    assert response.status_code == 200
    assert engine.calls == ["POST /v1.41/containers/create?name=shop-dev-ventas-rain-otter"]
    sent: dict[str, Any] = json.loads(engine.seen[0].content)
    assert sent["Labels"] == {OWNER_LABEL: OWNER}
    assert "Privileged" not in sent["HostConfig"]


async def test_a_refused_description_tells_the_worker_which_part(client: httpx.AsyncClient, engine: Engine):
    body = {"Image": IMAGE, "HostConfig": {"Privileged": True}}

    response = await client.post("/containers/create", json=body)

    assert response.status_code == 403
    assert "HostConfig.Privileged = True" in response.json()["message"]
    assert engine.calls == []


async def test_a_body_without_end_is_refused(client: httpx.AsyncClient, engine: Engine):
    response = await client.post("/containers/create", content=b" " * (MAX_BODY_BYTES + 1))

    assert response.status_code == 403
    assert engine.calls == []


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        (f"fromImage={IMAGE}", True),
        ("fromImage=localhost/shop/worker&tag=1", True),
        ("fromImage=localhost/shop/worker", False),
        ("fromImage=localhost/shop/worker&tag=2", False),
        (f"fromImage={IMAGE}&platform=linux/arm64", False),
    ],
)
async def test_where_pulling_is_allowed_only_the_stacks_images_are_pulled(engine: Engine, query: str, allowed: bool):
    client = client_of(engine, RULES.model_copy(update={"pull": True}))

    response = await client.post(
        f"/v1.41/images/create?{query}", headers={"X-Registry-Auth": "e30=", "Authorization": "secret"}
    )

    assert response.status_code == (200 if allowed else 403)
    if allowed:
        assert engine.seen[0].url.params["fromImage"] == IMAGE
        assert engine.seen[0].headers["x-registry-auth"] == "e30="
        assert "authorization" not in engine.seen[0].headers
    else:
        assert engine.calls == []


async def test_an_engine_that_is_away_is_told_from_a_refusal():
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no such file", request=request)

    app = make_app(RULES, httpx.MockTransport(away))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://proxy") as client:
        response = await client.get("/version")

    assert response.status_code == 502
    assert "the Docker engine does not answer" in response.json()["message"]


@pytest.mark.parametrize(
    ("keep", "removed"), [(timedelta(minutes=60), ["old"]), (timedelta(), ["fresh", "old", "unstarted"])]
)
async def test_ended_containers_are_removed_once_nobody_need_look_at_them(keep: timedelta, removed: list[str]):
    never = "0001-01-01T00:00:00Z"
    recent = "2099-01-01T00:00:00.123456789Z" if keep else "2020-01-01T00:00:00.123456789Z"
    containers = {
        "old": {"Created": "2020-01-01T00:00:00.123456789Z", "State": {"FinishedAt": "2020-01-01T00:05:00Z"}},
        "fresh": {"Created": "2020-01-01T00:00:00.123456789Z", "State": {"FinishedAt": recent}},
        "unstarted": {"Created": recent, "State": {"FinishedAt": never}},
    }
    gone: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        name = request.url.path.split("/")[2]
        if request.method == "DELETE":
            gone.append(name)
            return httpx.Response(204)
        if name == "json":
            assert json.loads(request.url.params["filters"])["label"] == [f"{OWNER_LABEL}={OWNER}"]
            return httpx.Response(200, json=[{"Id": key} for key in containers])
        return httpx.Response(200, json=containers[name] | {"Name": name})

    async with httpx.AsyncClient(transport=httpx.MockTransport(handle), base_url="http://engine") as engine:
        count = await sweep(engine, RULES, keep)

    assert sorted(gone) == removed
    assert count == len(removed)
