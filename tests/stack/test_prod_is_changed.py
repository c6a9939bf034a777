"""Prod over time: another Prefect, changes that fail or are done without a gap, and its end.

Follows test_prod_at_work.py. The tests go on from one another.
"""

from __future__ import annotations

import json
import re
import ssl
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stack.asked import asked_all_the_time
from tests.stack.by_the_document import commands, type_in
from tests.stack.older import OLDER, SECRET, Left, revision, sql
from tests.stack.platforms import Platform, docker, eventually
from tests.stack.proxied import is_asked
from tests.stack.secured import signed_in
from tests.stack.test_fresh_dev_stack import run_to_the_end
from tests.stack.test_looking_after import deployments, prefect_infra
from tests.stack.test_prod_at_work import KEY, prefect

pytestmark = pytest.mark.docker
PIN = re.compile(r"^prefect==\S+", re.MULTILINE)


def ids(prod: Platform) -> dict[str, str]:
    lines = docker("inspect", "--format", "{{.Name}} {{.Id}}", *prod.containers()).splitlines()
    return dict(line.removeprefix("/").split() for line in lines if "-run-" not in line)


def changed(prod: Platform, before: dict[str, str]) -> set[str]:
    prefix = prod.named("")
    return {name.removeprefix(prefix) for name, id_ in ids(prod).items() if before.get(name) != id_}


def test_what_an_older_prefect_left_in_the_database_is_migrated_and_goes_on(
    prod: Platform, left: Left, outputs: dict[str, Any], api: httpx.Client
) -> None:
    assert revision(prod.named("postgres")) != left.schema
    assert outputs["deployments"]["resumen-diario-de-ventas"]["id"] == left.deployment, "the same one, taken over"
    assert api.get(f"deployments/{left.deployment}").json()["entrypoint"].startswith("flows/ventas/")
    block = api.get(f"block_documents/{left.block}", params={"include_secrets": True}).raise_for_status().json()
    assert block["data"] == {"value": SECRET}

    def state() -> str:
        return str(api.get(f"flow_runs/{left.waiting_run}").raise_for_status().json()["state_type"])

    assert eventually("the run that waited", lambda: state() == "COMPLETED", 240)


def test_a_preview_is_stopped_before_an_older_prefect_follows_the_one_that_runs(prod: Platform) -> None:
    server, area = (prod.folder / "workers" / file for file in ("requirements.lock", "areas/ventas/requirements.txt"))
    good = {file: file.read_text() for file in (server, area)}
    before = ids(prod)
    try:
        server.write_text(PIN.sub("prefect==3.8.1", good[server]))
        area.write_text(good[area] + "\nprefect==3.7.8\n")
        refused = prod.preview(check=False)
    finally:
        for file, text in good.items():
            file.write_text(text)

    said = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert re.search(r"workers/requirements\.lock:\d+:1 error PI704 prefect-infra:server", said)
    assert re.search(r"areas/ventas/requirements\.txt:\d+:1 warning PI702 prefect-infra:areas\.ventas", said)
    assert "the server that runs has Prefect" in said
    assert "Traceback" not in said
    assert ids(prod) == before


def test_an_upgrade_is_tried_on_a_fresh_stack_with_a_copy_of_its_data_which_goes_again(
    prod: Platform, api: httpx.Client
) -> None:
    before = deployments(api)

    told = _tried(prod, api)

    assert told["schema_from"] == told["schema_to"]
    counted = told["rows"]
    assert counted["deployment"] == {"before": len(before), "after": len(before)}
    assert all(each["before"] == each["after"] for each in counted.values())
    assert told["deployments"] == {}, "found again as the stack's, and as it declares them"


def test_an_upgrade_is_tried_on_what_an_older_prefect_had_in_postgres_which_is_migrated(
    prod: Platform, left: Left, api: httpx.Client
) -> None:
    told = _tried(prod, api, "--backup", str(left.backup))

    assert (told["prefect_from"], told["prefect_to"]) == (OLDER, version("prefect"))
    assert (told["schema_from"], told["schema_to"]) == (left.schema, revision(prod.named("postgres")))
    assert told["schema_from"] != told["schema_to"]
    assert told["migration_seconds"] > 0
    assert told["rows"]["deployment"] == {"before": 1, "after": 1}
    assert told["rows"]["block_document"] == {"before": 1, "after": 1}
    assert told["deployments"].keys() == {"resumen-diario-de-ventas"}, "found again as the stack's"
    assert "entrypoint" in told["deployments"]["resumen-diario-de-ventas"]


def _tried(prod: Platform, api: httpx.Client, *options: str) -> dict[str, Any]:
    """What is told of a try with the release that is there. Nothing of it is left, and prod is as before."""
    its_own, before = prod.containers(), deployments(api)

    done = prefect_infra(prod, "upgrade-test", "--to", version("prefect"), "--json", *options)

    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode, told["errors"]) == (0, []), done.stderr
    assert told["database"] == "postgres"
    assert [(run["area"], run["state"]) for run in told["smoke"]] == [("ventas", "COMPLETED")]
    assert (deployments(api), prod.containers()) == (before, its_own)
    copy = f"label=prefect-infra.stack={prod.stack}-upgrade"
    assert docker("ps", "--all", "--quiet", "--filter", copy) == ""
    assert docker("volume", "ls", "--quiet", "--filter", copy) == ""
    return told


def test_a_migration_that_fails_leaves_the_replicas_of_before_at_work(prod: Platform, api: httpx.Client) -> None:
    database, before = prod.named("postgres"), ids(prod)
    right = revision(database)

    def more_words(declared: Any) -> None:
        declared["server"]["log_level"] = "INFO"

    prod.edit(more_words)
    sql(database, "UPDATE alembic_version SET version_num = '000000000000'")  # of a release that nobody knows
    try:
        with asked_all_the_time(lambda: api.get("admin/version")) as wrong:
            failed = prod.up(check=False)
    finally:
        sql(database, f"UPDATE alembic_version SET version_num = '{right}'")

    assert failed.returncode != 0
    assert f"{prod.named('migration')}: ended with exit code 1. Its last words:" in failed.stdout
    assert "Can't locate revision identified by '000000000000'" in failed.stdout
    assert changed(prod, before) == {"migration"}
    assert wrong == []


def test_the_api_answers_while_the_next_up_replaces_the_server_one_after_the_other(
    prod: Platform, outputs: dict[str, Any], trusting: ssl.SSLContext, api: httpx.Client
) -> None:
    """The key of another server, which a shell may have, is nothing to `pulumi up`."""
    before, auth = ids(prod), tuple(outputs["auth_string"].split(":", 1))
    ways = (
        lambda: api.get("admin/version"),  # by a connection that is kept; the last, by a new one each time
        lambda: api.post("flow_runs/count", json={}),
        lambda: httpx.get(f"{outputs['api_url']}/admin/version", auth=auth, verify=trusting, timeout=60),
    )
    prod.variables["PREFECT_API_KEY"] = KEY
    try:
        with asked_all_the_time(*ways) as wrong:
            prod.up()
            prod.up("--expect-no-changes")
    finally:
        del prod.variables["PREFECT_API_KEY"]

    assert changed(prod, before) == {"api-1", "api-2", "services-1", "services-2"}, "the migration's had only to run"
    assert wrong == []
    assert KEY not in docker("inspect", *prod.containers())


def test_more_replicas_come_beside_those_that_are_there_which_go_on(prod: Platform, api: httpx.Client) -> None:
    before = ids(prod)

    def more(declared: Any) -> None:
        declared["server"] |= {"replicas": 3, "services_replicas": 3}

    prod.edit(more)
    with asked_all_the_time(lambda: api.get("admin/version")) as wrong:
        prod.up()

    assert changed(prod, before) == {"api-3", "services-3", "proxy"}
    assert before.keys() < ids(prod).keys()
    assert wrong == [] or wrong[-1].at - wrong[0].at < 20, "while the proxy is replaced"
    eventually("it is asked, too", lambda: is_asked(prod, prod.named("api-3")), 60)


def test_another_password_for_people_lets_them_in_and_the_former_nobody(
    prod: Platform, outputs: dict[str, Any], trusting: ssl.SSLContext
) -> None:
    def protect(declared: Any) -> None:
        declared["server"]["protect"] = True  # for the next test

    prod.edit(protect)
    before, own = ids(prod), 'ana:otra, de "24" letras \\ marcas'
    another, up = commands("Day 2", "Another password for people")

    type_in(prod, another, own)
    type_in(prod, up)

    fresh = prod.outputs()
    assert fresh["auth_string"] == own

    def status(auth: str) -> int:
        user, password = auth.split(":", 1)
        return httpx.get(f"{outputs['api_url']}/admin/version", auth=(user, password), verify=trusting).status_code

    assert (status(own), status(outputs["auth_string"])) == (httpx.codes.OK, httpx.codes.UNAUTHORIZED)
    roles = {name.rstrip("-0123456789") for name in changed(prod, before)}
    assert roles == {"api", "services", "migration", "ventas-worker", "janitor", "autoscaler"}
    with signed_in(fresh, trusting) as api:
        run = run_to_the_end(api, fresh["deployments"]["resumen-diario-de-ventas"]["id"])
        assert run["state"]["type"] == "COMPLETED", run["state"]
    well = prefect(prod, "--profile", fresh["profiles"][0], "work-pool", "inspect", fresh["work_pools"]["ventas"])
    assert well.returncode == 0, well.stdout + well.stderr
    prod.up("--expect-no-changes")


def test_what_is_protected_is_not_destroyed_and_then_a_destroy_leaves_nothing(prod: Platform) -> None:
    before, volume = ids(prod), prod.named("postgres-data")

    refused = prod.run("destroy", "--yes", "--stack", prod.stack, check=False)

    assert refused.returncode != 0
    assert "cannot be deleted\n    because it is protected" in refused.stdout
    unprotect = re.search(r"pulumi state unprotect '(\S+)'", refused.stdout)
    assert unprotect, refused.stdout
    assert ids(prod) == before
    # Without a look at it before, Pulumi begins, and takes away what isn't protected.
    refused = prod.run("destroy", "--yes", "--skip-preview", "--stack", prod.stack, check=False)
    assert refused.returncode != 0
    assert volume in docker("volume", "ls", "--format", "{{.Name}}").split()

    prod.run("state", "unprotect", "--yes", "--stack", prod.stack, unprotect[1])
    prod.destroy()
    docker("volume", "rm", volume)  # what was protected is left to whoever means it

    assert prod.containers() == []
    assert prod.stack not in docker("network", "ls", "--format", "{{.Name}}")
    kept = [name for name in docker("volume", "ls", "--format", "{{.Name}}").split() if prod.stack in name]
    assert kept == [prod.named("backups")], "whoever destroys a stack by mistake needs them most"
    docker("volume", "rm", *kept)
    assert not list(Path(prod.profiles.parent).glob("*.ca.pem"))
