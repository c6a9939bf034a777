"""Edits of every kind of field, made as the UI makes them, are found field by field; nothing else is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from infra.model import load_stack_file
from tests.drift.conftest import Checkout
from tests.stack.platforms import ROOT, eventually

pytestmark = [pytest.mark.server, pytest.mark.thorough]

CANARY = "ghp_" + "A1b2C3d4" * 5
IMPORT = "importar-lista-de-precios"


@pytest.fixture(scope="module")
def checkout(new_checkout: Callable[[], Checkout]) -> Checkout:
    made = new_checkout()
    made.up()
    return made


def deployment(api: Any, name: str) -> dict[str, Any]:
    row: dict[str, Any]
    (row,) = api.post("deployments/filter", json={"deployments": {"name": {"any_": [name]}}}).json()
    return row


def fields(told: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {
        f"{each['name']} {field['field']}": (field["declared"], field["server"])
        for each in told["objects"]
        for field in each["fields"]
    }


def test_after_an_up_there_is_none(checkout: Checkout) -> None:
    assert checkout.drift(0) == {"stack": checkout.stack, "drift": False, "objects": []}


def test_each_edit_is_told_by_field_with_its_time(checkout: Checkout) -> None:
    with checkout.api() as api:
        row = deployment(api, IMPORT)
        (schedule,) = row["schedules"]
        changes = {
            "tags": ["precios"],
            "paused": True,
            "parameters": {**row["parameters"], "tolerancia_de_errores": 3},
            "concurrency_limit": 2,
            "job_variables": {"env": {"GITHUB_TOKEN": CANARY}},
        }
        api.patch(f"deployments/{row['id']}", json=changes).raise_for_status()
        when = {"schedule": {**schedule["schedule"], "cron": "45 6 * * *"}, "active": True}
        api.patch(f"deployments/{row['id']}/schedules/{schedule['id']}", json=when).raise_for_status()
        api.patch("work_pools/compras-dev", json={"concurrency_limit": 9, "is_paused": True}).raise_for_status()
        api.patch("work_pools/compras-dev/queues/urgente", json={"concurrency_limit": 5}).raise_for_status()
        gone = deployment(api, "resumen-diario-de-ventas")["id"]
        api.delete(f"deployments/{gone}").raise_for_status()
        wanted = {"event": {"name": ["prefect.deployment.deleted"]}}
        # The server writes events down some seconds later.
        eventually("an event", lambda: api.post("events/filter", json={"filter": wanted}).json()["events"], 60)

    told = checkout.drift(2)

    slug = schedule["slug"]
    assert fields(told) == {
        "compras-dev concurrency_limit": (4, 9),
        "compras-dev paused": (False, True),
        "compras-dev/urgente concurrency_limit": (1, 5),
        f"{IMPORT} concurrency_limit.limit": (1, 2),
        f"{IMPORT} paused": (False, True),
        f"{IMPORT} parameters.tolerancia_de_errores": (0, 3),
        f"{IMPORT} tags": (["precios", "proveedores"], ["precios"]),
        f"{IMPORT} work_pool.job_variables": (None, {"env": {"GITHUB_TOKEN": "********"}}),
        f"{IMPORT} schedules.{slug}.cron": ("30 1,13,17 * * *", "45 6 * * *"),
        f"{IMPORT} schedules.{slug}.active": (False, True),
    }
    assert {(each["area"], each["kind"], each["name"], each["what"]) for each in told["objects"]} == {
        ("compras", "work pool", "compras-dev", "edited"),
        ("compras", "queue", "compras-dev/urgente", "edited"),
        ("compras", "deployment", IMPORT, "edited"),
        ("ventas", "deployment", "resumen-diario-de-ventas", "deleted"),
    }
    traced = {each["name"]: {f["field"]: f["changed"] for f in each["fields"]} for each in told["objects"]}
    assert traced[IMPORT]["tags"]["told_by"] == "event"
    assert traced["compras-dev"]["paused"]["told_by"] == "event"
    assert traced[IMPORT][f"schedules.{slug}.cron"]["told_by"] == "row"
    assert next(each["changed"]["told_by"] for each in told["objects"] if each["what"] == "deleted") == "event"


def test_it_watches_until_it_is_told_to_end(checkout: Checkout) -> None:
    command = [str(ROOT / ".venv" / "bin" / "prefect-infra"), "drift", "--watch", "--every", "1s"]
    watching = subprocess.Popen(
        [*command, "--stack", checkout.stack],
        cwd=checkout.folder,
        env=checkout.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    assert "are not as the stack declares" in watching.stdout.readline()
    asked = time.monotonic()
    os.kill(watching.pid, signal.SIGTERM)
    assert watching.wait(60) == 2
    assert time.monotonic() - asked < 60
    rest = watching.stdout.read()
    assert "are not as the stack declares" not in rest  # nothing had changed


def test_what_was_edited_is_adopted_into_the_files_and_what_cannot_be_is_told(checkout: Checkout) -> None:
    prod = load_stack_file(checkout.folder, "prod")

    done = checkout.ours("adopt", "--yes", "--json", "--stack", checkout.stack, code=2)

    told = json.loads(done.stdout)
    assert told["written"]
    assert CANARY not in done.stdout + done.stderr
    assert told["files"] == ["areas/compras.yaml"]
    assert "prod" in told["stacks"]
    assert {each["field"]: each["reason"].partition(":")[0] for each in told["left"]} == {
        f"deployment {IMPORT}: env.GITHUB_TOKEN": "it is a secret, or looks like one",
        "deployment resumen-diario-de-ventas": "it was deleted",
    }
    area = (checkout.folder / "areas" / "compras.yaml").read_text()
    for line in (
        "concurrency_limit: 9\n",
        "    tags: [precios]\n",
        "    concurrency_limit: 2 # one run at a time; the next ones wait\n",
        '      - cron: "45 6 * * *" # 01:30, 13:30 and 17:30\n',
        "          tolerancia_de_errores: 3\n",
        "in: # what differs from the above, by environment\n",
    ):
        assert line in area
    # What nobody had written went into `in: dev`: nothing of it is prod's.
    now = load_stack_file(checkout.folder, "prod")
    assert [(each.pool.paused, each.deployments[0].paused) for each in now.areas if each.name == "compras"] == [
        (False, False)
    ]
    assert [each for each in now.areas if each.name != "compras"] == [
        each for each in prod.areas if each.name != "compras"
    ]


def test_then_only_that_is_left_to_drift(checkout: Checkout) -> None:
    left = checkout.drift(2)

    assert {(each["name"], each["what"]) for each in left["objects"]} == {
        (IMPORT, "edited"),
        ("resumen-diario-de-ventas", "deleted"),
    }
    assert [key for key in fields(left) if "job_variables" not in key] == []


def test_an_up_with_a_refresh_puts_the_rest_back(checkout: Checkout) -> None:
    checkout.pulumi("up", "--refresh", "--yes", "--skip-preview", "--stack", checkout.stack)

    with checkout.api() as api:
        assert deployment(api, IMPORT)["job_variables"] == {}
        assert deployment(api, "resumen-diario-de-ventas")
        assert api.get("work_pools/compras-dev").json()["concurrency_limit"] == 9


def test_after_an_adoption_of_everything_a_preview_is_empty(checkout: Checkout) -> None:
    with checkout.api() as api:
        row = deployment(api, "actualizar-tipos-de-cambio")
        (schedule,) = row["schedules"]
        when = {"schedule": {**schedule["schedule"], "interval": 5400.0}, "active": True}
        api.patch(f"deployments/{row['id']}/schedules/{schedule['id']}", json=when).raise_for_status()
        new = {"schedule": {"cron": "5 9 * * 1", "timezone": "America/Argentina/Buenos_Aires"}, "active": False}
        api.post(f"deployments/{row['id']}/schedules", json=[new]).raise_for_status()
        changes = {"job_variables": {"env": {"MONEDA": "USD"}}, "parameters": {"monedas": ["USD"]}}
        api.patch(f"deployments/{row['id']}", json=changes).raise_for_status()
        api.patch("work_pools/finanzas-dev/queues/cierre", json={"concurrency_limit": 2}).raise_for_status()

    done = checkout.ours("adopt", "finanzas", "--yes", "--stack", checkout.stack)

    assert "written: areas/finanzas.yaml" in done.stderr
    checkout.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes", "--stack", checkout.stack)
    checkout.pulumi("preview", "--expect-no-changes", "--stack", checkout.stack)


def test_what_is_declared_nowhere_is_listed_and_goes_only_by_name_within_the_cap(checkout: Checkout) -> None:
    def undeclared(*words: str, code: int = 0) -> dict[str, Any]:
        told = json.loads(checkout.ours("prune", *words, "--json", "--stack", checkout.stack, code=code).stdout)
        return {each["name"]: each for each in told["objects"]}

    with checkout.api() as api:
        flow = api.post("flows/", json={"name": "prueba"}).json()["id"]
        for name in ("prueba-de-ana", "prueba-de-berto"):
            body = {"name": name, "flow_id": flow, "work_pool_name": "ventas-dev", "entrypoint": "a.py:f"}
            made = api.post("deployments/", json=body).raise_for_status().json()["id"]
        api.post("work_pools/ventas-dev/queues", json={"name": "lenta"}).raise_for_status()
        run = api.post(f"deployments/{made}/create_flow_run", json={"state": {"type": "RUNNING"}}).raise_for_status()
        assert run.json()["start_time"]

        found = undeclared()

        assert set(found) == {"prueba/prueba-de-ana", "prueba/prueba-de-berto", "ventas-dev/lenta"}
        assert found["prueba/prueba-de-berto"]["last_run"]
        assert found["prueba/prueba-de-ana"]["last_run"] is None
        assert all(each["created"] and not each["deleted"] for each in found.values())
        assert not any(each["chosen"] for each in undeclared("--owned").values())

        refused = checkout.ours("prune", "*", "--max", "2", "--yes", "--stack", checkout.stack, code=1)
        assert "3 would be deleted, and --max is 2" in refused.stderr
        assert undeclared("prueba-*")["prueba/prueba-de-ana"]["chosen"]
        assert deployment(api, "prueba-de-ana")  # without --yes nothing goes

        undeclared("prueba-*", "ventas-dev/lenta", "--yes")
        assert undeclared() == {}
    checkout.pulumi("preview", "--expect-no-changes", "--stack", checkout.stack)
