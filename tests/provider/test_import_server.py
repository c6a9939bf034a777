"""A server that others filled, made a stack by the command line and Pulumi itself: the next preview is empty."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.utilities.callables import parameter_schema_from_entrypoint

from infra.toolchain.launcher import environment
from tests.patient import Patient
from tests.provider.conftest import running_server
from tests.stack.platforms import copy_checkout

pytestmark = [pytest.mark.server, pytest.mark.thorough]

ROOT = Path(__file__).parents[2]
STACK = "t-viejo"
CANARY = "Zorzal-9-azul"
AUTH = f"admin:{CANARY}"
ZONE = "America/Argentina/Buenos_Aires"
RESUMEN = "flows/ventas/resumen_diario.py:resumen_diario"
CLONE = {"prefect.deployments.steps.git_clone": {"repository": "https://git.example.com/flujos.git", "branch": "main"}}
LEFT_OUT = {
    "work pool de-kubernetes": "its type is 'kubernetes'",
    "deployment importar/de-otro-pool": "its work pool 'de-kubernetes' is left out",
    "deployment importar/sin-pool": "it has no work pool",
    "deployment importar/en-utc": "schedule diario: the time zone is UTC",
    "deployment importar/de-un-modulo": "its entrypoint is 'paquete.modulo.importar'",
    "deployment otro/importar-stock": "there is the deployment importar/importar-stock already",
    "deployment importar/con-clave": "PI502",
    "automation avisar-a-todos": "automations are not declared",
    "variables.token": "PI501",
    "variables.vacia": "is nothing",
}


@dataclass(frozen=True)
class Server:
    url: str
    before: dict[str, Any]

    def snapshot(self) -> dict[str, Any]:
        return _snapshot(self.url)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """All kinds of objects, by the bare API: nothing of ours had a hand in them."""
    home = tmp_path_factory.mktemp("prefect-home")
    with running_server(home, PREFECT_SERVER_API_AUTH_STRING=AUTH) as url:
        with _client(url) as client:
            _fill(client)
        yield Server(url, _snapshot(url))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Path:
    folder = tmp_path_factory.mktemp("checkout")
    copy_checkout(folder)
    settings = f'PREFECT_API_URL = "{server.url}"\nPREFECT_API_AUTH_STRING = "{AUTH}"\n'
    (folder / "profiles.toml").write_text(f'active = "otro"\n[profiles.otro]\n[profiles.viejo]\n{settings}')
    return folder


def test_a_server_becomes_a_stack_whose_next_preview_is_empty(server: Server, checkout: Path) -> None:
    options = ("--profile", "viejo", "--stack", STACK, "--environment", "viejo", "--area", "Pool de antes=ventas")
    shown = _call(checkout, "prefect-infra", "import", "server", *options, "--json")
    told = json.loads(shown.stdout)
    left_out = {each["where"]: each["text"] for each in told["remarks"] if each["weight"] == "left out"}
    assert left_out.keys() == LEFT_OUT.keys()
    for where, reason in LEFT_OUT.items():
        assert reason in left_out[where]
    assert CANARY not in shown.stdout + shown.stderr
    assert not (checkout / f"Pulumi.{STACK}.yaml").exists()

    done = _call(checkout, "prefect-infra", "import", "server", *options, "--into-state", "--yes")
    assert "expect-no-changes" in done.stderr  # it ran, and all went well
    assert "warning" not in done.stdout + done.stderr
    assert CANARY not in done.stdout + done.stderr
    assert server.snapshot() == server.before
    text = (checkout / f"Pulumi.{STACK}.yaml").read_text(encoding="utf-8")
    assert "work_pool_name: Pool de antes" in text
    assert _call(checkout, "prefect-infra", "check", "--stack", STACK).returncode == 0

    state = json.loads(_call(checkout, "pulumi", "stack", "export", "--stack", STACK).stdout)
    in_state = {each["id"] for each in state["deployment"]["resources"] if each["type"].startswith("prefect:index:")}
    assert in_state == {each["id"] for each in told["resources"]}

    _call(checkout, "pulumi", "refresh", "--preview-only", "--expect-no-changes", "--stack", STACK)

    made = [path for path in (checkout / ".state").rglob("*") if path.is_file()]
    files = [*made, checkout / f"Pulumi.{STACK}.yaml"]
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]

    again = _call(checkout, "prefect-infra", "import", "server", *options, check=False)
    assert again.returncode == 2
    assert "already" in again.stderr


def test_from_then_on_a_change_of_the_file_changes_that_and_nothing_else(server: Server, checkout: Path) -> None:
    file = checkout / f"Pulumi.{STACK}.yaml"
    text = file.read_text(encoding="utf-8")
    assert text.count("Trae el stock") == 1
    file.write_text(text.replace("Trae el stock", "Trae el stock de los depósitos"), encoding="utf-8")

    planned = json.loads(_call(checkout, "pulumi", "preview", "--json", "--stack", STACK).stdout)
    assert {kind: n for kind, n in planned["changeSummary"].items() if kind != "same"} == {"update": 1}
    (step,) = [each for each in planned["steps"] if each["op"] == "update"]
    assert list(step["detailedDiff"]) == ["description"]

    # Its pools are protected: a stack that only took them over doesn't take them away.
    refused = _call(checkout, "pulumi", "destroy", "--yes", "--stack", STACK, check=False)
    assert refused.returncode != 0
    assert "protected" in refused.stdout + refused.stderr
    assert server.snapshot() == server.before


def _call(folder: Path, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    own = {
        "PULUMI_CONFIG_PASSPHRASE": "solo-para-pruebas",
        "PULUMI_BACKEND_URL": f"file://{folder}/.state/pulumi?metadata=skip",
        "PULUMI_HOME": str(ROOT / ".state" / "home"),
        "PREFECT_PROFILES_PATH": str(folder / "profiles.toml"),
        "NO_COLOR": "1",
    }
    base = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "PREFECT_"))}
    flags = ("--non-interactive", "--color", "never") if command[0] == "pulumi" else ()
    done = subprocess.run(
        [ROOT / ".venv" / "bin" / command[0], *command[1:], *flags],
        cwd=folder,
        env={**base, **environment(ROOT, STACK), **own},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=600,
        check=False,
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{command}:\n{done.stdout}{done.stderr}")
    return done


def _client(url: str) -> httpx.Client:
    user, _, password = AUTH.partition(":")
    return httpx.Client(base_url=f"{url}/", transport=Patient(), timeout=300, auth=(user, password))


def _snapshot(url: str) -> dict[str, Any]:
    """All rows, with the times of their last change."""
    paths = ("work_pools", "deployments", "flows", "variables", "v2/concurrency_limits", "concurrency_limits")
    with _client(url) as client:
        made = {path: client.post(f"{path}/filter", json={}).raise_for_status().json() for path in paths}
        made["automations"] = client.post("automations/filter", json={}).raise_for_status().json()
        for pool in made["work_pools"]:
            queues = client.post(f"work_pools/{pool['name']}/queues/filter", json={}).raise_for_status().json()
            made[f"queues of {pool['name']}"] = queues
    return made


def _fill(client: httpx.Client) -> None:
    def post(path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = client.post(path, json=body)
        assert answer.is_success, answer.text
        row: dict[str, Any] = answer.json()
        return row

    for name, more in {
        "compras-viejo": {"type": "process", "description": "De Compras", "concurrency_limit": 4},
        "Pool de antes": {"type": "docker", "is_paused": True},
        "de-kubernetes": {"type": "kubernetes"},
    }.items():
        post("work_pools/", {"name": name, **more})
    post("work_pools/compras-viejo/queues", {"name": "urgente", "priority": 1, "concurrency_limit": 0})
    post("work_pools/compras-viejo/queues", {"name": "nocturna", "priority": 9, "is_paused": True})
    flows = {name: post("flows/", {"name": name})["id"] for name in ("importar", "Importar stock", "otro")}
    flows["resumen"] = post("flows/", {"name": "resumen-diario"})["id"]

    def deploy(name: str, flow: str = "importar", **more: Any) -> str:
        body = {"entrypoint": "stock/importar.py:importar", "work_pool_name": "compras-viejo", "pull_steps": [CLONE]}
        return str(post("deployments/", {"name": name, "flow_id": flows[flow], **body, **more})["id"])

    def when(slug: str, timezone: str = ZONE, **rule: Any) -> dict[str, Any]:
        return {"slug": slug, "active": True, "schedule": {"timezone": timezone, **rule}}

    schedules = [
        {**when("diario", cron="30 1,13,17 * * *"), "parameters": {"deposito": 7}},
        when("viernes-13", cron="0 0 13 * 5", day_or=False),
        when("en-chile", "America/Santiago", interval=7200, anchor_date="2026-01-01T08:30:00-03:00"),
        {**when("sin-ancla", interval=86400), "active": False},
        when("de-lunes", rrule="FREQ=WEEKLY;BYDAY=MO;BYHOUR=9;BYMINUTE=5;BYSECOND=0"),
        when("desde-enero", rrule="DTSTART:20260103T031500\nRRULE:FREQ=MONTHLY"),
        {"active": True, "schedule": {"timezone": ZONE, "cron": "7 7 7 7 *"}},
    ]
    deploy(
        "importar-stock",
        description="Trae el stock",
        version="2026.11",
        tags=["stock", "compras"],
        parameters={"deposito": 3, "desde": None},
        parameter_openapi_schema={"type": "object", "properties": {"deposito": {"type": "integer"}, "desde": {}}},
        enforce_parameter_schema=False,
        paused=True,
        concurrency_limit=2,
        concurrency_options={"collision_strategy": "CANCEL_NEW", "grace_period_seconds": 120},
        work_queue_name="urgente",
        job_variables={"env": {"SUCURSAL": "Centro"}, "command": "python -m importar", "stream_output": False},
        schedules=schedules,
    )
    triggered = deploy("actualizar-stock", "Importar stock", path="/opt/flujos", pull_steps=None)
    run = {"type": "run-deployment", "source": "selected", "deployment_id": triggered, "parameters": {"a": 1}}
    reactive = {"type": "event", "posture": "Reactive", "expect": ["lista.recibida"], "threshold": 2, "within": 60}
    automation = {"name": "actualizar-stock__automation_1", "trigger": reactive, "actions": [run]}
    post("automations/", {**automation, "owner_resource": f"prefect.deployment.{triggered}"})
    schema = parameter_schema_from_entrypoint(str(ROOT / RESUMEN)).model_dump_for_openapi()
    deploy(
        "resumen-de-ventas",
        "resumen",
        entrypoint=RESUMEN,
        work_pool_name="Pool de antes",
        parameter_openapi_schema=schema,
        pull_steps=[{"prefect.deployments.steps.set_working_directory": {"directory": "/opt/flujos"}}],
    )
    deploy("test")  # says nothing, and can't be renamed
    deploy("de-otro-pool", work_pool_name="de-kubernetes")
    deploy("sin-pool", work_pool_name=None)
    deploy("en-utc", schedules=[when("diario", "UTC", cron="0 8 * * *")])
    deploy("de-un-modulo", entrypoint="paquete.modulo.importar")
    deploy("importar-stock", "otro")
    deploy("con-clave", job_variables={"env": {"ERP_PASSWORD": f"hunter2-{CANARY}"}})
    post("automations/", {"name": "avisar-a-todos", "trigger": reactive, "actions": [{"type": "do-nothing"}]})
    for name, value in {"tasa_iva": 21, "proveedores": ["Aceros", {"b": None}], "vacia": None}.items():
        post("variables/", {"name": name, "value": value, "tags": ["compras"]})
    post("variables/", {"name": "token", "value": "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"})
    post("v2/concurrency_limits/", {"name": "erp", "limit": 5})
    post("v2/concurrency_limits/", {"name": "api externa", "limit": 60, "active": False, "slot_decay_per_second": 1.5})
    post("concurrency_limits/", {"tag": "base de datos", "concurrency_limit": 3})
