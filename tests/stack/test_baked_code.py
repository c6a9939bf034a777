"""Deployments whose code is in the image: nothing of the checkout is mounted, and new code comes with an `up`.

It ends no run, and there is no moment without a worker: the new one is at work before the former is told to stop.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from infra.toolchain.facts import read_facts
from tests.stack.platforms import ROOT, Platform, docker, eventually, is_running
from tests.stack.test_fresh_dev_stack import logs_of, run_to_the_end

pytestmark = pytest.mark.docker
FLOW = '''import time
from pathlib import Path

from prefect import flow, get_run_logger


@flow
def saludo(espera: str | None = None) -> None:
    """Dice qué versión es."""
    while espera and not Path("/var/lib/flows", espera).exists():
        time.sleep(0.5)
    get_run_logger().info("versión {version}")
'''
WORKER_TYPES = {"compras": "process", "deposito": "docker"}
"""The second one is new: nobody has made it a folder in workers/areas."""
ENDS = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def baked(declared: Any) -> None:
    declared["code"] = {"location": "image"}
    declared["workers"] = {"drain_seconds": 300}
    del declared["areas"]["finanzas"]
    declared["areas"]["deposito"] = declared["areas"].pop("ventas")
    for area, type_ in WORKER_TYPES.items():
        declared["areas"][area]["workers"] = {"type": type_}
        declared["areas"][area]["deployments"] = [
            {"name": f"saludo-de-{area}", "entrypoint": "flows/saludo.py:saludo", "description": "Saluda."}
        ]
    del declared["areas"]["compras"]["queues"]


def write_version(platform: Platform, version: str) -> None:
    (platform.folder / "flows" / "saludo.py").write_text(FLOW.replace("{version}", version))


@pytest.fixture(scope="module")
def stack(new_platform: Callable[..., Platform]) -> Iterator[Platform]:
    platform = new_platform(change=baked)
    write_version(platform, "uno")
    platform.up()
    yield platform
    platform.destroy()
    assert platform.containers() == []


def submit(api: httpx.Client, deployments: Any, area: str, **parameters: Any) -> str:
    deployment = deployments[f"saludo-de-{area}"]["id"]
    made = api.post(f"deployments/{deployment}/create_flow_run", json={"parameters": parameters})
    return str(made.raise_for_status().json()["id"])


def start_long_runs(api: httpx.Client, deployments: Any, signal_: str) -> dict[str, str]:
    """A run of each type that is in the middle of its flow, by area."""
    runs = {area: submit(api, deployments, area, espera=signal_) for area in WORKER_TYPES}
    for run in runs.values():
        eventually("Running", lambda run=run: state_of(api, run) == "RUNNING", 400)
    return runs


def state_of(api: httpx.Client, run: str) -> str:
    return str(api.get(f"flow_runs/{run}").raise_for_status().json()["state_type"])


def ended(api: httpx.Client, run: str) -> str:
    return str(eventually("an end", lambda: (state := state_of(api, run)) in ENDS and state, 400))


def says(api: httpx.Client, run: str, version: str) -> None:
    eventually(f"version {version}", lambda: f"versión {version}" in [row["message"] for row in logs_of(api, run)])


def began_once(api: httpx.Client, run: str) -> bool:
    states = api.get("flow_run_states/", params={"flow_run_id": run}).raise_for_status().json()
    return [row["type"] for row in states].count("RUNNING") == 1


def workers(platform: Platform) -> dict[str, str]:
    """The engine's id of each area's worker."""
    names = platform.outputs()["workers"]
    return {area: docker("inspect", "--format", "{{.Id}}", names[area][0]) for area in WORKER_TYPES}


def told_to_stop(container: str, since: str) -> list[str]:
    """How often, and when."""
    now = docker("info", "--format", "{{.SystemTime}}")
    filters = ("--filter", f"container={container}", "--filter", "event=kill", "--format", "{{.Time}}")
    return docker("events", "--since", since, "--until", now, *filters).splitlines()


def let_go_on(platform: Platform, signal_: str) -> None:
    """In the volumes of the areas, which are there whichever of their containers come and go."""
    image = read_facts(ROOT).base_image
    for area in WORKER_TYPES:
        volume = next(name for name in volumes(platform) if name.endswith(f"-{area}-data"))
        docker("run", "--rm", "--network", "none", "-v", f"{volume}:/datos", image, "touch", f"/datos/{signal_}")


def volumes(platform: Platform) -> list[str]:
    return docker("volume", "ls", "--quiet", "--filter", f"label=prefect-infra.stack={platform.stack}").split()


def beside(platform: Platform) -> list[str]:
    """What a roll-out leaves while it is under way."""
    marks = ("-former-", "-leaving-", "-failed-")
    return [name for name in platform.containers() if any(mark in name for mark in marks)]


def test_runs_of_both_worker_types_take_the_code_from_the_image(stack: Platform) -> None:
    deployments = stack.outputs()["deployments"]
    flow = stack.folder / "flows" / "saludo.py"
    code = flow.read_bytes()
    flow.unlink()  # where only the image has it
    with stack.api() as api:
        for area in WORKER_TYPES:
            run = run_to_the_end(api, deployments[f"saludo-de-{area}"]["id"])
            assert run["state"]["type"] == "COMPLETED", run["state"]
            says(api, run["id"], "uno")
    for name in stack.containers():
        mounts = json.loads(docker("inspect", name))[0]["Mounts"]
        assert not [mount for mount in mounts if mount["Source"].startswith(str(stack.folder))], name
    flow.write_bytes(code)


def test_an_up_with_new_code_ends_no_run_and_there_is_always_a_worker_that_takes_new_ones(stack: Platform) -> None:
    """Another image of the socket proxy, too: a worker that waits for its run's container goes on doing so."""
    deployments, former = stack.outputs()["deployments"], workers(stack)
    write_version(stack, "dos")
    with (stack.folder / "workers" / "socket_proxy" / "sweep.py").open("a") as file:
        file.write("\n# Otra imagen.\n")
    with stack.api() as api, ThreadPoolExecutor() as threads:
        in_flight = start_long_runs(api, deployments, "sigue-dos")
        began = docker("info", "--format", "{{.SystemTime}}")
        upping = threads.submit(stack.up)
        meanwhile: list[str] = []
        told: dict[str, int] = dict.fromkeys(former, 0)

        def look() -> None:
            """The engine remembers 256 events, health checks among them: what was seen once is kept."""
            for area, worker in former.items():
                told[area] = max(told[area], len(told_to_stop(worker, began)))

        def all_told_to_stop() -> bool:
            """Until then, runs come in as on any day."""
            assert not upping.done(), stack.log[-1]
            look()
            if all(told.values()):
                return True
            meanwhile.extend(submit(api, deployments, area) for area in WORKER_TYPES)
            return False

        try:
            eventually("the former workers told to stop", all_told_to_stop, 400, every=15)
            for area in WORKER_TYPES:
                later = submit(api, deployments, area)
                assert ended(api, later) == "COMPLETED", area
                says(api, later, "dos")
                assert state_of(api, in_flight[area]) == "RUNNING", area
            assert not upping.done()
        finally:
            let_go_on(stack, "sigue-dos")
        upping.result()
        for area, run in in_flight.items():
            assert ended(api, run) == "COMPLETED", area
            says(api, run, "uno")
        assert {run: ended(api, run) for run in meanwhile} == dict.fromkeys(meanwhile, "COMPLETED")
        assert all(began_once(api, run) for run in [*in_flight.values(), *meanwhile])
    look()
    assert told == dict.fromkeys(former, 1)
    assert workers(stack).keys() == former.keys()
    assert set(workers(stack).values()).isdisjoint(former.values())
    assert beside(stack) == []
    assert "unchanged" in stack.up("--expect-no-changes").stdout
    assert "unchanged" in stack.run("refresh", "--yes", "--stack", stack.stack, "--expect-no-changes").stdout


def test_where_the_new_image_does_not_start_the_former_worker_goes_on_under_its_name(stack: Platform) -> None:
    deployments, former = stack.outputs()["deployments"], workers(stack)
    script = stack.folder / "workers" / "start_worker.py"
    code = script.read_text()
    with stack.api() as api:
        in_flight = start_long_runs(api, deployments, "sigue-tres")
        script.write_text('raise SystemExit("no sé arrancar")\n')
        for _ in range(2):  # nor does a second try take the broken one for good
            done = stack.up(check=False)

            assert done.returncode != 0
            assert "no sé arrancar" in done.stdout + done.stderr
            assert "the former container goes on" in done.stdout + done.stderr
            # The first failure ends the `up`: another area may not have got so far as to have its name back.
            given_back = [area for area in former if f"-{area}-worker-1: it ended by itself" in done.stdout]
            assert given_back
            assert {area: workers(stack)[area] for area in given_back} == {area: former[area] for area in given_back}
            assert all(map(is_running, former.values()))
        for area in WORKER_TYPES:
            run = run_to_the_end(api, deployments[f"saludo-de-{area}"]["id"])
            assert run["state"]["type"] == "COMPLETED", run["state"]
            says(api, run["id"], "dos")
            assert state_of(api, in_flight[area]) == "RUNNING", area
        let_go_on(stack, "sigue-tres")
        assert [ended(api, run) for run in in_flight.values()] == ["COMPLETED"] * len(in_flight)
    script.write_text(code)
    stack.up()
    assert beside(stack) == []


def test_an_up_that_was_killed_while_workers_follow_each_other_is_put_right_by_the_next(stack: Platform) -> None:
    deployments = stack.outputs()["deployments"]
    write_version(stack, "cuatro")
    with stack.api() as api:
        in_flight = start_long_runs(api, deployments, "sigue-cuatro")
        command = [str(ROOT / ".venv" / "bin" / "pulumi"), "up", "--yes", "--stack", stack.stack, "--non-interactive"]
        killed = subprocess.Popen(
            command, cwd=stack.folder, env=stack.environment, stdout=subprocess.DEVNULL, start_new_session=True
        )
        eventually("one that follows another", lambda: beside(stack) or killed.poll() is not None, 300, every=0.1)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
        assert beside(stack), "it was over before it was killed"
        stack.run("cancel", "--yes", stack.stack)
        assert {run: state_of(api, run) for run in in_flight.values()} == dict.fromkeys(in_flight.values(), "RUNNING")
        let_go_on(stack, "sigue-cuatro")

        stack.up()

        assert [ended(api, run) for run in in_flight.values()] == ["COMPLETED"] * len(in_flight)
        assert beside(stack) == []
        for area in WORKER_TYPES:
            run = run_to_the_end(api, deployments[f"saludo-de-{area}"]["id"])
            assert run["state"]["type"] == "COMPLETED", run["state"]
            says(api, run["id"], "cuatro")
    names = [name.removeprefix(f"prefect-infra-{stack.stack}-") for name in stack.containers() if "-run-" not in name]
    assert names == ["compras-worker-1", "deposito-socket-proxy", "deposito-worker-1", "server"]
