"""What who starts and stops workers may ask the engine for, and of which containers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import httpx
import pytest

from tests.unit.workers.test_socket_proxy import answer
from workers.socket_proxy.app import make_app
from workers.socket_proxy.given import VARIABLE, RulesError, rules_from_environment
from workers.socket_proxy.rules import OWNER_LABEL
from workers.socket_proxy.scaling import AREA_LABEL, ScalingRules

LABELS = {"prefect-infra.project": "shop", "prefect-infra.stack": "dev", "prefect-infra.role": "worker"}
LABELS |= {"prefect-infra.scaled": "true"}
RULES = ScalingRules(labels=LABELS, areas=frozenset({"ventas"}))
OWN = {**LABELS, AREA_LABEL: "ventas"}
CONTAINERS = {
    "mine": OWN,
    "first": {key: value for key, value in OWN.items() if key != "prefect-infra.scaled"},
    "other-area": {**OWN, AREA_LABEL: "compras"},
    "other-stack": {**OWN, "prefect-infra.stack": "prod"},
    "server": {**OWN, "prefect-infra.role": "server"},
    "run": {OWNER_LABEL: "shop/dev/ventas"},
    "strange": None,
}
ID = "a" * 64


@dataclass
class Engine:
    seen: list[str] = field(default_factory=list)

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(f"{request.method} {request.url.raw_path.decode()}")
        name = request.url.path.split("/")[-2]
        if name in CONTAINERS:
            return answer(200, {"Id": ID, "Config": {"Labels": CONTAINERS[name]}})
        return answer(404, {}) if name == "nobody" else answer(200, {})


async def ask(engine: Engine, method: str, path: str) -> httpx.Response:
    app = make_app(RULES, httpx.MockTransport(engine.handle))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://proxy") as client:
        return await client.request(method, path)


@pytest.mark.parametrize(
    ("method", "path", "reaches"),
    [
        ("GET", "/_ping", "GET /_ping"),
        ("GET", "/containers/mine/json", f"GET /containers/{ID}/json"),
        ("POST", "/containers/mine/start", f"POST /containers/{ID}/start"),
        ("POST", "/v1.41/containers/mine/stop", f"POST /v1.41/containers/{ID}/stop"),
    ],
)
async def test_a_worker_that_comes_and_goes_can_be_started_and_stopped(method: str, path: str, reaches: str) -> None:
    engine = Engine()

    assert (await ask(engine, method, path)).status_code == 200
    assert engine.seen[-1] == reaches


async def test_a_list_shows_those_workers_whatever_was_asked() -> None:
    engine = Engine()

    assert (await ask(engine, "GET", "/containers/json")).status_code == 200
    query = httpx.URL(engine.seen[-1].split(" ")[1]).params
    assert json.loads(query["filters"]) == {"label": sorted(f"{key}={value}" for key, value in LABELS.items())}
    assert query["all"] == "true"
    assert (await ask(engine, "GET", "/containers/json?filters={}")).status_code == 403


@pytest.mark.parametrize("name", [name for name in CONTAINERS if name != "mine"])
@pytest.mark.parametrize(("method", "action"), [("POST", "start"), ("POST", "stop"), ("GET", "json")])
async def test_nobody_elses_container_can(name: str, method: str, action: str) -> None:
    engine = Engine()

    assert (await ask(engine, method, f"/containers/{name}/{action}")).status_code == 403
    assert engine.seen == [f"GET /containers/{name}/json"]  # the proxy's own question


async def test_a_container_that_is_gone_is_told() -> None:
    assert (await ask(Engine(), "POST", "/containers/nobody/stop")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/containers/create"),
        ("DELETE", "/containers/mine"),
        ("POST", "/containers/mine/kill"),
        ("POST", "/containers/mine/stop?t=0"),
        ("POST", "/containers/mine/stop?signal=SIGKILL"),
        ("POST", "/containers/mine/restart"),
        ("POST", "/containers/mine/update"),
        ("POST", "/containers/mine/exec"),
        ("GET", "/containers/mine/logs"),
        ("GET", "/containers/mine/archive"),
        ("POST", "/containers/mine/json"),
        ("POST", "/containers/a%2Fb/start"),
        ("GET", "/images/json"),
        ("GET", "/info"),
        ("GET", "/events"),
    ],
)
async def test_nothing_else_reaches_the_engine(method: str, path: str) -> None:
    engine = Engine()

    assert (await ask(engine, method, path)).status_code == 403
    assert engine.seen == []


def test_the_rules_are_of_one_kind_or_the_other() -> None:
    given = json.dumps({"labels": LABELS, "areas": ["ventas"]})
    assert rules_from_environment({VARIABLE: given}) == RULES

    for wrong in ({"areas": ["ventas"]}, {"labels": LABELS, "areas": []}, {"labels": {}, "areas": ["ventas"]}):
        with pytest.raises(RulesError, match=r"labels|areas"):
            rules_from_environment({VARIABLE: json.dumps(wrong)})
