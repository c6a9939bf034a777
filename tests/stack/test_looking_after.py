"""A stack that is looked after: its worker is killed, its data is lost, and nothing is missing in the end."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stack.platforms import ROOT, Platform, console, docker, eventually
from tests.stack.test_fresh_dev_stack import run_to_the_end
from tests.stack.told import give_the_address, receiving, tell_of_failures

pytestmark = pytest.mark.docker
DEPLOYMENT = "importar-lista-de-precios"
SLOW = '''import time
from pathlib import Path

from prefect import flow


@flow
def espera() -> None:
    """Espera hasta que le digan que siga."""
    while not Path("/var/lib/flows/sigue").exists():
        time.sleep(0.5)


@flow
def falla() -> None:
    """No encuentra lo que busca."""
    raise FileNotFoundError("no hay lista de precios")
'''
COPY = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).backup(sqlite3.connect(sys.argv[2]))"


def looked_after(declared: Any) -> None:
    for area in ("ventas", "finanzas"):
        del declared["areas"][area]
    slow = {"name": "esperar-una-senal", "entrypoint": "flows/espera.py:espera", "description": "Espera."}
    fails = {"name": "buscar-en-vano", "entrypoint": "flows/espera.py:falla", "description": "Falla."}
    declared["areas"]["compras"]["deployments"] += [slow, fails]
    tell_of_failures(declared, "compras")
    declared["janitor"] = {"every": "5s", "rerun_crashed": 1}
    declared["backup"] = {"every": "1m", "keep": 1}


@pytest.fixture(scope="module")
def stack(new_platform: Callable[..., Platform]) -> Platform:
    platform = new_platform(change=looked_after)
    (platform.folder / "flows" / "espera.py").write_text(SLOW)
    give_the_address(platform)
    platform.up()
    return platform


def prefect_infra(platform: Platform, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / ".venv" / "bin" / "prefect-infra"), *arguments, "--stack", platform.stack],
        cwd=platform.folder,
        env=platform.environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=600,
        check=False,
    )


def container(platform: Platform, role: str) -> str:
    return next(name for name in platform.containers() if name.endswith(f"-{role}"))


def state(api: httpx.Client, run: str) -> str:
    return str(api.get(f"flow_runs/{run}").raise_for_status().json()["state_type"])


def test_a_second_up_changes_nothing(stack: Platform) -> None:
    assert "unchanged" in stack.up("--expect-no-changes").stdout


def test_a_run_whose_worker_was_killed_with_it_runs_again_and_completes(stack: Platform) -> None:
    outputs = stack.outputs()
    worker = outputs["workers"]["compras"][0]
    with stack.api() as api:
        deployment = outputs["deployments"]["esperar-una-senal"]["id"]
        run = api.post(f"deployments/{deployment}/create_flow_run", json={}).raise_for_status().json()["id"]
        eventually("Running", lambda: state(api, run) == "RUNNING", 300)

        docker("restart", "--time", "0", worker)  # as if the machine had lost power

        def states() -> list[str]:
            return [row["type"] for row in api.get("flow_run_states/", params={"flow_run_id": run}).json()]

        eventually("ended by the worker that is back", lambda: "CRASHED" in states(), 300)
        eventually("run again by the janitor", lambda: state(api, run) == "RUNNING", 300)
        docker("exec", worker, "touch", "/var/lib/flows/sigue")
        eventually("Completed", lambda: state(api, run) == "COMPLETED", 120)


def test_a_failed_run_is_told_once_to_the_webhook_that_the_stack_file_declares(stack: Platform) -> None:
    with receiving(stack) as sent, stack.api() as api:
        failing = stack.outputs()["deployments"]["buscar-en-vano"]["id"]
        runs = [run_to_the_end(api, failing) for _ in range(2)]

        eventually("both told", lambda: len(sent()) >= 2, 90)
        assert [each["subject"] for each in sent()] == ["compras-dev: failed"] * 2
        for run in runs:
            (told,) = [each["body"] for each in sent() if run["name"] in each["body"]]
            assert told.startswith(f"falla/buscar-en-vano: {run['name']} Failed. ")
            assert "no hay lista de precios" in told


def test_the_next_backup_is_made_when_it_is_due_and_the_oldest_goes(stack: Platform) -> None:
    keeper = container(stack, "backup")

    def kept() -> list[str]:
        return [name for name in docker("exec", keeper, "ls", "/var/lib/backups").split() if name.endswith(".backup")]

    (former,) = eventually("one", lambda: len(kept()) == 1 and kept(), 90)

    (following,) = eventually("another alone", lambda: len(kept()) == 1 and former not in kept() and kept(), 150)

    assert following > former
    assert f"Removed {former}" in console(keeper)
    assert health(keeper) == "healthy"


def health(name: str) -> str:
    return docker("inspect", name, "--format", "{{.State.Health.Status}}")


def test_backups_that_fail_for_long_make_their_container_unhealthy_until_one_is_made(stack: Platform) -> None:
    """The stack's image on the stack's volumes, asked for one each two seconds, as the model wouldn't have it."""
    keeper, hasty, folder = container(stack, "backup"), f"{stack.stack}-hasty", "/var/lib/backups/hasty"
    about = json.loads(docker("inspect", keeper))[0]["Config"]
    its_own = json.loads(next(each for each in about["Env"] if each.startswith("BACKUP_PLAN=")).partition("=")[2])
    plan = its_own | {"every": 2, "folder": folder, "database": f"{folder}/prefect.db"}
    docker("exec", keeper, "mkdir", folder)
    docker("exec", keeper, "python3", "-c", COPY, its_own["database"], plan["database"])
    check = ["--health-cmd", shlex.join(about["Healthcheck"]["Test"][1:]), "--health-interval", "1s"]
    options = ["--volumes-from", keeper, "--env", f"BACKUP_PLAN={json.dumps(plan)}", "--user", about["User"], *check]
    docker("run", "-d", "--name", hasty, *options, about["Image"], *about["Cmd"])
    try:
        eventually("healthy", lambda: health(hasty) == "healthy", 60)
        for break_it, told, mend_it in (
            (["chmod", "a-w", folder], "PermissionError", ["chmod", "u+w", folder]),
            (
                ["mv", plan["database"], f"{folder}/away"],
                "there is no database",
                ["mv", f"{folder}/away", plan["database"]],
            ),
        ):
            docker("exec", keeper, *break_it)
            eventually("unhealthy", lambda: health(hasty) == "unhealthy", 60)
            assert told in console(hasty)
            docker("exec", keeper, *mend_it)
            eventually("healthy again", lambda: health(hasty) == "healthy", 60)
    finally:
        docker("rm", "-f", hasty)
        docker("exec", keeper, "rm", "-rf", folder)


def rows(file: Path) -> dict[str, int]:
    manifest = subprocess.run(["tar", "-xOf", str(file), "manifest.json"], capture_output=True, check=True).stdout
    found: dict[str, int] = json.loads(manifest)["rows"]
    return found


def deployments(api: httpx.Client) -> dict[str, Any]:
    kept = ("id", "entrypoint", "parameters", "schedules", "tags", "work_pool_name", "created")
    return {row["name"]: {key: row[key] for key in kept} for row in api.post("deployments/filter", json={}).json()}


def test_what_a_backup_holds_is_there_again_in_a_fresh_stack(stack: Platform, tmp_path: Path) -> None:
    with stack.api() as api:
        ended = run_to_the_end(api, stack.outputs()["deployments"][DEPLOYMENT]["id"])
        before = deployments(api)
        made = prefect_infra(stack, "backup", "--to", str(tmp_path), "--json")
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    file = Path(told["file"])
    assert file.stat().st_mode & 0o777 == 0o600
    assert rows(file) == told["rows"]
    assert told["rows"]["deployment"] == len(before)
    assert told["rows"]["flow_run"] >= 2
    by_itself = eventually(
        "the container's own", lambda: docker("exec", container(stack, "backup"), "ls", "/var/lib/backups")
    )
    assert by_itself.startswith(f"prefect-infra-{stack.stack}-")
    spoilt = tmp_path / "spoilt.backup"
    spoilt.write_bytes(file.read_bytes()[:-20_000])
    refused = prefect_infra(stack, "restore", str(spoilt), "--yes")
    assert refused.returncode == 2
    assert "not a whole one" in refused.stderr

    stack.run("destroy", "--yes", "--stack", stack.stack)
    assert f"{stack.stack}-backups" in docker("volume", "ls", "--format", "{{.Name}}")
    stack.up()
    with stack.api() as api:
        fresh = deployments(api)
        assert fresh.keys() == before.keys()
        assert {row["id"] for row in fresh.values()}.isdisjoint(row["id"] for row in before.values())
    looked = prefect_infra(stack, "restore", str(file), "--dry-run")
    assert looked.returncode == 0, looked.stderr
    assert "Nothing was changed" in looked.stdout

    done = prefect_infra(stack, "restore", str(file), "--yes")

    assert done.returncode == 0, done.stderr
    others = file.with_name(file.name.replace(stack.stack, f"{stack.stack}-otro"))
    others.touch()
    again = prefect_infra(stack, "backup", "--to", str(tmp_path), "--keep", "1", "--json")
    following = json.loads(again.stdout)
    now = following["rows"]
    # Of this stack's the newest alone; what else is in the folder is not its business.
    assert following["removed"] == [str(file)]
    assert {*tmp_path.iterdir()} == {Path(following["file"]), others, spoilt}
    # What a server adds by itself as soon as it runs: events, and what the worker and the janitor say to it.
    steady = ("flow", "deployment", "deployment_schedule", "work_pool", "work_queue", "task_run", "block_document")
    assert {name: now[name] for name in steady} == {name: told["rows"][name] for name in steady}
    assert now["flow_run"] >= told["rows"]["flow_run"]
    with stack.api() as api:
        assert deployments(api) == before
        assert api.get(f"flow_runs/{ended['id']}").json()["state"]["type"] == "COMPLETED"
    stack.run("refresh", "--yes", "--stack", stack.stack)
    stack.up()
    with stack.api() as api:
        assert {name: row["id"] for name, row in deployments(api).items()} == {
            name: row["id"] for name, row in before.items()
        }
        assert run_to_the_end(api, before[DEPLOYMENT]["id"])["state"]["type"] == "COMPLETED"
    stack.destroy()
    docker("volume", "rm", f"prefect-infra-{stack.stack}-backups")
