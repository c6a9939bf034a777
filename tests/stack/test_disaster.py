"""Prod is lost with its state and its passphrase, and is brought back by the commands of docs/operations.md."""

from __future__ import annotations

import json
import shutil
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stack.by_the_document import commands, type_in
from tests.stack.platforms import Platform, copy_checkout, docker, eventually
from tests.stack.secured import signed_in
from tests.stack.test_fresh_dev_stack import logs_of, run_to_the_end
from tests.stack.test_looking_after import deployments, prefect_infra, rows

pytestmark = pytest.mark.docker
DEPLOYMENT = "resumen-diario-de-ventas"
SECRET = "https://avisos.example/de-verdad"
STEADY = (
    "flow",
    "deployment",
    "deployment_schedule",
    "work_pool",
    "work_queue",
    "task_run",
    "block_document",
    "flow_run",
)
"""Tables that nobody writes to while no flow runs."""


def small(declared: Any) -> None:
    """One of each container, one area; and a secret of the stack file's in a block of the server."""
    for area in ("compras", "finanzas"):
        del declared["areas"][area]
    declared["server"] |= {"port": "auto", "protect": False, "replicas": 1}
    declared["server"]["proxy"]["http_port"] = "auto"
    declared["workers"] = {"type": "process", "replicas": 1}
    declared["schedules_active"] = False
    declared["areas"]["ventas"]["alerts"] = {"on": ["failed"], "to": {"type": "webhook", "secret": "avisos"}}
    del declared["janitor"]


def follow(heading: str, platform: Platform, backups: Path) -> None:
    for command in commands("Disaster", heading):
        type_in(platform, command, backups=backups)


def give_the_secret(platform: Platform) -> None:
    platform.run("config", "set", "--secret", "--stack", platform.stack, "prefect-infra:avisos", given=SECRET)


def on_another_machine(lost: Platform, folder: Path) -> Platform:
    """A clone of what is committed, its stack file included, and nothing of the state."""
    copy_checkout(folder)
    shutil.copy2(lost.file, folder)
    return Platform(folder, lost.stack, lost.profiles, variables={"PULUMI_CONFIG_PASSPHRASE": "otra"})


def signed_in_to(outputs: dict[str, Any]) -> Any:
    return signed_in(outputs, ssl.create_default_context(cadata=outputs["ca_certificate"]))


def of_peoples_own(api: httpx.Client) -> dict[str, Any]:
    body = {"block_documents": {"name": {"any_": ["de-una-persona"]}}, "include_secrets": True}
    (found,) = api.post("block_documents/filter", json=body).raise_for_status().json()
    return {key: found[key] for key in ("id", "data")}


def make_a_block(api: httpx.Client) -> None:
    kind = api.get("block_types/slug/secret").raise_for_status().json()["id"]
    schema = api.post("block_schemas/filter", json={"block_schemas": {"block_type_id": {"any_": [kind]}}}).json()[0][
        "id"
    ]
    block = {"name": "de-una-persona", "data": {"value": "muy secreto"}}
    api.post("block_documents/", json=block | {"block_type_id": kind, "block_schema_id": schema}).raise_for_status()


@pytest.fixture
def prod(new_platform: Callable[..., Platform]) -> Platform:
    made = new_platform("prod", small)
    give_the_secret(made)
    made.up()
    return made


def test_prod_that_lost_machine_state_and_passphrase_is_back_by_the_documents_steps(
    prod: Platform, new_platform: Callable[..., Platform], tmp_path: Path
) -> None:
    backups = tmp_path / "backups"
    backups.mkdir()
    outputs = prod.outputs()
    with signed_in_to(outputs) as api:
        make_a_block(api)
        ended = run_to_the_end(api, outputs["deployments"][DEPLOYMENT]["id"])
        told = eventually("logs", lambda: logs_of(api, ended["id"]))
        before, block = deployments(api), of_peoples_own(api)
    prod.variables["PULUMI_CONFIG_PASSPHRASE"] = "olvidada"  # from here on nobody knows the right one

    follow("Save what is left", prod, backups)
    (file,) = backups.iterdir()
    held = rows(file)
    follow("Clear away", prod, backups)
    assert prod.containers() == []
    assert prod.volumes() == [f"prefect-infra-{prod.stack}-backups"]
    follow("Forget the state", prod, backups)
    again = on_another_machine(prod, tmp_path / "clone")
    try:
        follow("Another passphrase", again, backups)
        init, up = commands("Disaster", "A fresh stack")
        assert (init, up) == ("pulumi stack init prod", "pulumi up --stack prod")
        again.run("stack", "init", again.stack)
        give_the_secret(again)
        again.up()
        fresh = again.outputs()
        assert fresh["auth_string"] != outputs["auth_string"]
        with signed_in_to(fresh) as api:
            assert {row["id"] for row in deployments(api).values()}.isdisjoint(row["id"] for row in before.values())

        follow("Put the backup in", again, backups)

        with signed_in_to(fresh) as api:
            assert deployments(api) == before
            assert of_peoples_own(api) == block, "opened by the key that came with the backup"
            assert api.get(f"flow_runs/{ended['id']}").json()["state"] == ended["state"]
            assert logs_of(api, ended["id"])[: len(told)] == told
        made = prefect_infra(again, "backup", "--to", str(tmp_path / "again"), "--json")
        now = json.loads(made.stdout)["rows"]
        assert {name: now[name] for name in STEADY} == {name: held[name] for name in STEADY}
        with signed_in_to(fresh) as api:
            assert run_to_the_end(api, before[DEPLOYMENT]["id"])["state"]["type"] == "COMPLETED"
        follow("The volume of backups", again, tmp_path / "again")
        assert list((tmp_path / "again").glob("*.backup"))
    finally:
        again.run("destroy", "--yes", "--stack", again.stack, check=False)
        docker("volume", "rm", *again.volumes())
