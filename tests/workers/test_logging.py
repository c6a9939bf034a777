"""What a flow run writes, under workers/logging.yml, is read in the worker's output and in the API: each record once.

A real server, a real process worker with the environment of its image, and a real flow run.
"""

import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.server

WORKERS = Path(__file__).parents[2] / "workers"
PREFECT = [sys.executable, "-m", "prefect"]

FLOW = """
import logging
from prefect import flow, get_run_logger, task

@task
def in_a_task():
    ways = {
        "run": get_run_logger(),
        "prefect": logging.getLogger("prefect"),
        "child": logging.getLogger("prefect.compras"),
    }
    for way, logger in ways.items():
        for level in ("debug", "info", "warning", "error"):
            getattr(logger, level)(f"task-{way}-{level}")
    logging.getLogger("a_library").info("task-library-info")
    logging.getLogger("a_library").warning("task-library-warning")
    logging.getLogger("prefect.flow_runs").info("task-direct-info")
    print("task-print")

@flow
def writes():
    get_run_logger().info("flow-run-info")
    logging.getLogger("prefect").info("flow-prefect-info")
    in_a_task()
"""
WAYS = {"run": "prefect.task_runs", "prefect": "prefect", "child": "prefect.compras"}
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def image_environment() -> dict[str, str]:
    """What the image says about logging, so that this test runs with it and not beside it."""
    dockerfile = (WORKERS / "Dockerfile").read_text()
    said = dict(re.findall(r"^(?:ENV)?\s+(PREFECT_LOGGING_\w+)=(\S+)", dockerfile, flags=re.MULTILINE))
    assert said["PREFECT_LOGGING_CONFIG_PATH"] == "/etc/prefect/logging.yml"
    return said | {"PREFECT_LOGGING_CONFIG_PATH": str(WORKERS / "logging.yml")}


@contextmanager
def running(arguments: list[str], environment: dict[str, str], output: Path) -> Iterator[subprocess.Popen[bytes]]:
    with (
        output.open("wb") as stream,
        subprocess.Popen([*PREFECT, *arguments], env=environment, stdout=stream, stderr=stream) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    outside = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    return outside | {
        "PREFECT_HOME": str(tmp_path_factory.mktemp("home")),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }


@pytest.fixture(scope="module")
def api(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    output = tmp_path_factory.mktemp("server") / "output.log"
    server = ["server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (
        running(server, environment, output) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api", timeout=30) as client,
    ):
        deadline = time.monotonic() + 90
        while True:
            try:
                client.get("/health").raise_for_status()
            except httpx.HTTPError:
                assert process.poll() is None, output.read_text()
                assert time.monotonic() < deadline, output.read_text()
                time.sleep(0.2)
            else:
                break
        yield client


def post(api: httpx.Client, path: str, body: dict[str, Any]) -> Any:
    """On SQLite the server answers 503 while one of its own services writes; nothing was done then."""
    for _ in range(40):
        response = api.post(path, json=body)
        if response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        time.sleep(0.25)
    return response.raise_for_status().json()


def flow_run(
    api: httpx.Client, environment: dict[str, str], folder: Path, env: dict[str, str]
) -> tuple[str, list[dict[str, Any]]]:
    """Run the flow by a process worker; its output, and the API's logs of the run."""
    (folder / "writes.py").write_text(FLOW)
    pool = f"pool-{folder.name}"
    post(api, "/work_pools/", {"name": pool, "type": "process"})
    flow = post(api, "/flows/", {"name": "writes"})["id"]
    deployment = post(
        api,
        "/deployments/",
        {
            "name": folder.name,
            "flow_id": flow,
            "entrypoint": "writes.py:writes",
            "path": str(folder),
            "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": str(folder)}}],
            "work_pool_name": pool,
            "job_variables": {"env": env},
        },
    )["id"]
    run = post(api, f"/deployments/{deployment}/create_flow_run", {"state": {"type": "SCHEDULED"}})["id"]
    of_worker = environment | image_environment() | {"PREFECT_API_URL": str(api.base_url).rstrip("/")}
    output = folder / "worker.log"
    worker = ["worker", "start", "--pool", pool, "--type", "process", "--run-once", "--no-create-pool-if-not-found"]
    with running(worker, of_worker, output) as process:
        process.wait(timeout=120)
    state = api.get(f"/flow_runs/{run}").raise_for_status().json()["state"]
    assert state["type"] == "COMPLETED", f"{state}\n{output.read_text()}"
    logs = {"logs": {"flow_run_id": {"any_": [run]}}, "limit": 200}
    return output.read_text(), post(api, "/logs/filter", logs)


@pytest.fixture(scope="module")
def at_debug(
    api: httpx.Client, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, list[dict[str, Any]]]:
    """As a deployment with `logging: {level: DEBUG, print: true}`, and someone who follows the usual advice."""
    env = {
        "PREFECT_LOGGING_LEVEL": "DEBUG",
        "PREFECT_LOGGING_LOG_PRINTS": "true",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "prefect",
    }
    return flow_run(api, environment, tmp_path_factory.mktemp("debug"), env)


@pytest.fixture(scope="module")
def at_warning(
    api: httpx.Client, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, list[dict[str, Any]]]:
    """As a deployment with `logging: {level: WARNING}` and nothing more."""
    return flow_run(api, environment, tmp_path_factory.mktemp("warning"), {"PREFECT_LOGGING_LEVEL": "WARNING"})


def printed(output: str, message: str) -> list[str]:
    """The level of each line of the console that ends with the message; empty for a bare line."""
    return [
        match[1] or "" for match in re.finditer(rf"^(?:.* \| (\w+) +\| .* - )?{message}$", output, flags=re.MULTILINE)
    ]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("way", WAYS)
def test_a_record_from_inside_a_task_is_in_both_places_once_and_with_its_level(
    at_debug: tuple[str, list[dict[str, Any]]], way: str, level: str
):
    output, logs = at_debug
    message = f"task-{way}-{level}"

    [log] = [log for log in logs if log["message"] == message]

    assert (log["name"], log["level"]) == (WAYS[way], LEVELS[level])
    assert log["task_run_id"] is not None
    assert printed(output, message) == [level.upper()]


@pytest.mark.parametrize("message", ["flow-run-info", "flow-prefect-info"])
def test_a_record_of_the_flow_itself_belongs_to_no_task(at_debug: tuple[str, list[dict[str, Any]]], message: str):
    output, logs = at_debug

    [log] = [log for log in logs if log["message"] == message]

    assert (log["level"], log["task_run_id"]) == (20, None)
    assert printed(output, message) == ["INFO"]


def test_print_reaches_both_places_where_it_is_asked_for(at_debug: tuple[str, list[dict[str, Any]]]):
    output, logs = at_debug

    assert [(log["level"], log["name"]) for log in logs if log["message"] == "task-print"] == [
        (20, "prefect.task_runs")
    ]
    assert printed(output, "task-print") == ["INFO"]


def test_print_is_only_printed_where_it_is_not_asked_for(at_warning: tuple[str, list[dict[str, Any]]]):
    output, logs = at_warning

    assert [log for log in logs if log["message"] == "task-print"] == []
    assert printed(output, "task-print") == [""]


def test_below_the_deployments_level_nothing_is_written_anywhere(at_warning: tuple[str, list[dict[str, Any]]]):
    output, logs = at_warning

    shown = Counter(log["message"] for log in logs if log["message"].startswith(("task-", "flow-")))

    assert shown == Counter(f"task-{way}-{level}" for way in WAYS for level in ("warning", "error"))
    assert "task-run-info" not in output
    assert "task-prefect-info" not in output


def test_other_libraries_are_printed_from_warning_up_and_stay_out_of_the_api(
    at_debug: tuple[str, list[dict[str, Any]]],
):
    output, logs = at_debug

    assert printed(output, "task-library-warning") == ["WARNING"]
    assert printed(output, "task-library-info") == []
    assert [log for log in logs if "library" in log["message"]] == []


def test_a_logger_of_prefect_used_by_hand_does_not_break_the_console(at_debug: tuple[str, list[dict[str, Any]]]):
    output, _ = at_debug

    assert printed(output, "task-direct-info") == ["INFO"]
    assert "Logging error" not in output


def test_what_prefect_says_about_itself_stays_out_of_the_api(at_debug: tuple[str, list[dict[str, Any]]]):
    _, logs = at_debug

    assert {log["name"] for log in logs} <= {
        "prefect",
        "prefect.compras",
        "prefect.flow_runs",
        "prefect.flow_runs.runner",
        "prefect.flow_runs.worker",
        "prefect.task_runs",
    }
