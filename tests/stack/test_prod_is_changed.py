"""Prod over time: another Prefect, changes that fail or are done without a gap, and its end. Follows test_prod.py.

The tests go on from one another.
"""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stack.asked import asked_all_the_time
from tests.stack.older import SECRET, Left, revision, sql
from tests.stack.platforms import ROOT, Platform, docker, eventually
from tests.stack.test_looking_after import deployments, prefect_infra

pytestmark = pytest.mark.docker
KEY = "pnu_de_otro_servidor"
OF_PREFECT = {"api", "services", "migration", "worker", "janitor", "run"}
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


def test_nothing_is_told_to_prefects_makers(prod: Platform, api: httpx.Client) -> None:
    settings = api.get("admin/settings").raise_for_status().json()
    assert settings["server"]["analytics_enabled"] is False
    seen = set()
    for container in json.loads(docker("inspect", *prod.containers())):
        role = container["Config"]["Labels"]["prefect-infra.role"]
        if role in OF_PREFECT:
            seen.add(role)
            variables = {text.casefold() for text in container["Config"]["Env"]}
            assert {"prefect_server_analytics_enabled=false", "do_not_track=1"} <= variables, container["Name"]
    assert seen == OF_PREFECT


def prefect(prod: Platform, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [str(ROOT / ".venv" / "bin" / "prefect"), *arguments]
    environment = {**prod.environment, **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_a_key_for_another_server_in_a_shell_changes_nothing_for_who_uses_the_profile(
    prod: Platform, outputs: dict[str, Any]
) -> None:
    ask = ("--profile", outputs["profiles"][0], "work-pool", "inspect", outputs["work_pools"]["ventas"])
    well = prefect(prod, *ask, PREFECT_API_KEY=KEY)
    assert well.returncode == 0, well.stdout + well.stderr
    assert outputs["work_pools"]["ventas"] in well.stdout
    refused = prefect(prod, *ask, PREFECT_API_KEY=KEY, PREFECT_API_AUTH_STRING="admin:otra")
    assert refused.returncode != 0
    assert "401" in refused.stdout + refused.stderr


def told(api: httpx.Client, event: str, resource: str) -> int:
    about = {"event": {"name": [event]}, "resource": {"id": [resource]}}
    answer = api.post("events/filter", json={"filter": about}).raise_for_status().json()
    return int(answer["total"])


def test_what_background_services_do_is_done_once_where_there_are_two(prod: Platform, api: httpx.Client) -> None:
    assert {"services-1", "services-2"} <= {name.removeprefix(prod.named("")) for name in ids(prod)}
    event = f"prueba.{uuid.uuid4()}"
    each_time = {"type": "event", "posture": "Reactive", "expect": [event], "threshold": 1, "within": 0}
    automation = _made(api, "automations/", {"name": event, "trigger": each_time, "actions": [{"type": "do-nothing"}]})
    flow = _made(api, "flows/", {"name": event})
    every_minute = {"active": True, "schedule": {"cron": "* * * * *", "timezone": "America/Argentina/Buenos_Aires"}}
    scheduled = {"name": event, "flow_id": flow, "schedules": [every_minute]}
    deployment = _made(api, "deployments/", scheduled)
    now = {"type": "SCHEDULED", "state_details": {"scheduled_time": datetime.now(UTC).isoformat()}}
    late = [_made(api, "flow_runs/", {"flow_id": flow, "state": now}) for _ in range(3)]  # of no pool: nobody's

    def planned() -> Sequence[str]:
        about = {"deployments": {"id": {"any_": [deployment]}}, "limit": 200}
        return [run["expected_start_time"] for run in api.post("flow_runs/filter", json=about).json()]

    eventually("a run for each minute of an hour", lambda: len(planned()) >= 60, 120)
    time.sleep(2)  # what is given to an automation before it is known to both is not seen
    happened = {"event": event, "resource": {"prefect.resource.id": "prueba.1"}}
    for _ in range(5):
        stamp = datetime.now(UTC).isoformat()
        api.post("events", json=[happened | {"id": str(uuid.uuid4()), "occurred": stamp}]).raise_for_status()
    acted = ("prefect.automation.action.executed", f"prefect.automation.{automation}")
    eventually("fired", lambda: told(api, *acted) >= 5, 120)
    told_late = {run: ("prefect.flow-run.Late", f"prefect.flow-run.{run}") for run in late}
    eventually("told Late", lambda: all(told(api, *each) for each in told_late.values()), 120)
    time.sleep(6)  # longer than either service takes to look again

    assert told(api, *acted) == 5
    assert [told(api, *each) for each in told_late.values()] == [1, 1, 1]
    assert max(Counter(planned()).values()) == 1
    api.delete(f"automations/{automation}").raise_for_status()
    api.delete(f"flows/{flow}").raise_for_status()


def _made(api: httpx.Client, path: str, body: dict[str, Any]) -> str:
    return str(api.post(path, json=body).raise_for_status().json()["id"])


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
    its_own = prod.containers()

    done = prefect_infra(prod, "upgrade-test", "--to", version("prefect"), "--json")

    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    assert (done.returncode, told["errors"]) == (0, []), done.stderr
    assert told["database"] == "postgres"
    assert told["schema_from"] == told["schema_to"]
    counted = told["rows"]
    assert counted["deployment"] == {"before": len(before), "after": len(before)}
    assert all(each["before"] == each["after"] for each in counted.values())
    assert told["deployments"] == {}, "found again as the stack's, and as it declares them"
    assert [(run["area"], run["state"]) for run in told["smoke"]] == [("ventas", "COMPLETED")]
    assert (deployments(api), prod.containers()) == (before, its_own)
    copy = f"label=prefect-infra.stack={prod.stack}-upgrade"
    assert (
        docker("ps", "--all", "--quiet", "--filter", copy) == docker("volume", "ls", "--quiet", "--filter", copy) == ""
    )


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


def test_what_is_protected_is_not_destroyed_and_then_a_destroy_leaves_nothing(prod: Platform) -> None:
    def protect(declared: Any) -> None:
        declared["server"]["protect"] = True

    prod.edit(protect)
    prod.up()
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
