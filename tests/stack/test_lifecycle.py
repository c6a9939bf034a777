"""Stacks beside each other, after a crash, after a kill in the middle, and after destroy."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.stack.platforms import ROOT, docker, eventually

pytestmark = pytest.mark.docker


def only_compras(declared: Any) -> None:
    for area in ("ventas", "finanzas"):
        del declared["areas"][area]


def everything() -> dict[str, set[str]]:
    return {
        "containers": set(docker("ps", "--all", "--format", "{{.Names}}").split()),
        "volumes": set(docker("volume", "ls", "--format", "{{.Name}}").split()),
        "networks": set(docker("network", "ls", "--format", "{{.Name}}").split()),
    }


def of(stack: str, names: set[str]) -> set[str]:
    return {name for name in names if stack in name}


def test_two_stacks_live_side_by_side_and_destroying_one_leaves_the_other_whole(
    new_platform: Callable[..., Any],
) -> None:
    person = "# mío\n[profiles.mio]  # no tocar\nPREFECT_API_URL = 'http://127.0.0.1:1/api'\n"
    ana, berto = new_platform(change=only_compras), new_platform(change=only_compras)
    before = everything()
    for platform in (ana, berto):
        platform.profiles.write_text(person)
        platform.up()
    assert ana.outputs()["api_url"] != berto.outputs()["api_url"]
    ours = {kind: of(ana.stack, names) for kind, names in everything().items()}
    assert {kind: len(names) for kind, names in ours.items()} == {"containers": 2, "volumes": 2, "networks": 1}

    ana.destroy()

    after = everything()
    assert all(not of(ana.stack, names) for names in after.values())
    assert ana.profiles.read_text() == person
    with berto.api() as api:
        assert api.get("work_pools/compras-dev").json()["status"] == "READY"
    assert "unchanged" in berto.up("--expect-no-changes").stdout
    berto.destroy()
    assert {kind: of(berto.stack, names) for kind, names in everything().items()} == {
        kind: of(berto.stack, names) for kind, names in before.items()
    }
    assert berto.profiles.read_text() == person


def test_what_is_killed_comes_back_by_itself_with_its_data(new_platform: Callable[..., Any]) -> None:
    platform = new_platform(change=only_compras)
    platform.up()
    outputs = platform.outputs()
    worker = outputs["workers"]["compras"][0]
    server = worker.replace("-compras-worker-1", "-server")
    deployment = outputs["deployments"]["importar-lista-de-precios"]["id"]
    with platform.api() as api:
        run = api.post(f"deployments/{deployment}/create_flow_run", json={}).json()
        ended = lambda: api.get(f"flow_runs/{run['id']}").json()["state"]["type"] == "COMPLETED"  # noqa: E731
        eventually("a run", ended, 120)

        for container in (worker, server):
            pid = int(docker("inspect", "-f", "{{.State.Pid}}", container))
            killed_at = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            eventually(
                f"{container} healthy again",
                lambda container=container, pid=pid: (
                    docker("inspect", "-f", "{{.State.Health.Status}} {{.State.Pid}}", container).split()
                    != ["healthy", str(pid)]
                    and docker("inspect", "-f", "{{.State.Health.Status}}", container) == "healthy"
                ),
                60,
            )
            print(f"{container}: whole again {time.monotonic() - killed_at:.1f} s after kill -9")
        assert ended()  # the server's data is all there
        eventually("the pool ready again", lambda: api.get("work_pools/compras-dev").json()["status"] == "READY")
    assert "unchanged" in platform.up("--expect-no-changes").stdout
    platform.destroy()


def test_what_was_protected_outlives_a_destroy_and_the_next_up_has_it_all(new_platform: Callable[..., Any]) -> None:
    def protected(declared: Any) -> None:
        only_compras(declared)
        declared["server"]["protect"] = True

    def unprotected(declared: Any) -> None:
        declared["server"]["protect"] = False

    platform = new_platform(change=protected)
    platform.up()
    with platform.api() as api:
        api.post("variables/", json={"name": "hecha_a_mano", "value": 1}).raise_for_status()

    platform.run("state", "unprotect", "--all", "--yes", "--stack", platform.stack)
    platform.run("destroy", "--yes", "--stack", platform.stack)
    assert of(platform.stack, everything()["volumes"]) == {f"prefect-infra-{platform.stack}-server-data"}
    platform.up()

    with platform.api() as api:
        assert api.get("variables/name/hecha_a_mano").json()["value"] == 1
    assert "unchanged" in platform.up("--expect-no-changes").stdout
    platform.edit(unprotected)
    platform.up()
    platform.destroy()
    assert not of(platform.stack, everything()["volumes"])


def test_an_up_that_was_killed_in_the_middle_converges_without_doubles(new_platform: Callable[..., Any]) -> None:
    platform = new_platform(change=only_compras)
    victim = subprocess.Popen(
        [str(ROOT / ".venv/bin/pulumi"), "up", "--yes", "--non-interactive", "--stack", platform.stack],
        cwd=platform.folder,
        env=platform.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    eventually("a container", platform.containers, 120, every=0.1)
    os.killpg(victim.pid, signal.SIGKILL)
    victim.wait()

    platform.run("cancel", "--yes", "--stack", platform.stack, check=False)
    platform.up("--refresh")

    with platform.api() as api:
        assert len(api.post("deployments/filter", json={}).json()) == 1
        assert len(api.post("work_pools/filter", json={}).json()) == 1
    assert "unchanged" in platform.up("--expect-no-changes").stdout
    platform.destroy()


def on_a_swarm(declared: Any) -> None:
    declared["runtime"], declared["registry"] = "swarm", "registry.example.com/prefect"
    declared["swarm"] = {"data_node": "node-1", "socket_group": 998}
    declared["server"]["proxy"]["host"] = "prefect.example.com"


@pytest.mark.parametrize("runtime", ["one engine", "a swarm"])
def test_prods_preview_succeeds_offline_and_protects_the_databases_volume(
    new_platform: Callable[..., Any], runtime: str
) -> None:
    platform = new_platform(base="prod", change=on_a_swarm if runtime == "a swarm" else None)

    plan = [step["newState"] for step in json.loads(platform.preview("--json").stdout)["steps"] if "newState" in step]

    pools = {step["inputs"]["name"] for step in plan if step["type"].endswith(":WorkPool")}
    assert pools == {"compras-prod", "ventas-prod", "finanzas-prod"}
    protected = [step["urn"].rpartition("::")[2] for step in plan if step.get("protect")]
    assert protected == ["postgres-data"]
    assert platform.containers() == []
