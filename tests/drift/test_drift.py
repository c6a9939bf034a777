"""Edits of every kind of field, made as the UI makes them, are found field by field; nothing else is."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.drift.conftest import Checkout
from tests.stack.platforms import ROOT

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
        api.delete(f"deployments/{deployment(api, 'resumen-diario-de-ventas')['id']}").raise_for_status()

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


def test_the_same_is_told_in_markdown_each_time_alike(checkout: Checkout) -> None:
    first, second = (
        checkout.ours("drift", "--stack", checkout.stack, "--format", "markdown", code=2).stdout for _ in range(2)
    )

    assert first == second
    for told in ("resumen-diario-de-ventas", "45 6 * * *"):
        assert told in first
    assert CANARY not in first
    assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d", first)


def test_what_the_files_have_ahead_is_told_apart_and_no_drift(checkout: Checkout) -> None:
    area = checkout.folder / "areas" / "finanzas.yaml"
    before = area.read_text()
    area.write_text(before.replace("concurrency_limit: 2\n", "concurrency_limit: 3\n", 1))
    try:
        told = checkout.drift(2)
    finally:
        area.write_text(before)

    (pool,) = [each for each in told["objects"] if each["name"] == "finanzas-dev"]
    assert not pool["drift"]
    assert [(f["changed_side"], f["declared"], f["server"]) for f in pool["fields"]] == [("declaration", 3, 2)]


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


def test_an_up_with_a_refresh_puts_it_all_back(checkout: Checkout) -> None:
    checkout.pulumi("up", "--refresh", "--yes", "--skip-preview", "--stack", checkout.stack)

    assert not checkout.drift(0)["objects"]
