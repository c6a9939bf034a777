"""Flow runs in flight: begun, found on their nodes, and let go when a test has seen enough."""

from __future__ import annotations

from typing import Any, Final

import httpx

from tests.stack.platforms import eventually
from tests.stack.test_fresh_dev_stack import logs_of
from tests.swarm.nodes import Nodes

BEGINS: Final = "Empieza la espera"
ENDS: Final = "Termina la espera"
WAITS: Final = f'''import time
from pathlib import Path

from prefect import flow, get_run_logger
from prefect.runtime import flow_run


@flow
def espera() -> None:
    """Espera hasta que alguien deje un archivo con el id de la corrida."""
    get_run_logger().info("{BEGINS}")
    while not Path("/var/lib/flows", str(flow_run.id)).exists():
        time.sleep(0.5)
    get_run_logger().info("{ENDS}")
'''
ONCE: Final = ["SCHEDULED", "PENDING", "RUNNING", "COMPLETED"]
"""What a run goes through that nothing befell."""
AGAIN: Final = [*ONCE[:-1], "CRASHED", *ONCE]
"""And one that was lost once, and run again once."""


def waiting(area: str) -> str:
    """The name of the area's deployment that waits."""
    return f"esperar-en-{area}"


def begin(api: httpx.Client, outputs: dict[str, Any], area: str) -> str:
    """A run that is Running, by its id."""
    deployment = outputs["deployments"][waiting(area)]["id"]
    made = api.post(f"deployments/{deployment}/create_flow_run", json={}).raise_for_status().json()
    run = str(made["id"])
    eventually(f"{run} is Running", lambda: states(api, run)[-1] == "RUNNING", 120)
    return run


def begin_on_each(api: httpx.Client, outputs: dict[str, Any], nodes: Nodes, numbers: tuple[int, ...]) -> dict[str, int]:
    """Runs in containers of their own, one on each of those nodes: the node of each run. As many as nodes will do,
    where each has a worker that takes one at once.
    """
    on: dict[str, int] = {}
    for _ in numbers:
        run = begin(api, outputs, "ventas")
        ((on[run], _),) = containers_of(nodes, numbers, run)
    assert set(on.values()) == set(numbers), on
    return on


def states(api: httpx.Client, run: str) -> list[str]:
    """All that it has been, the oldest first. Being late, or waiting for another try, is being scheduled."""
    rows = api.get("flow_run_states/", params={"flow_run_id": run}).raise_for_status().json()
    types = [row["type"] for row in sorted(rows, key=lambda row: row["timestamp"])]
    return [each for number, each in enumerate(types) if types[number - 1 : number] != [each]]


def told_by(api: httpx.Client, run: str) -> list[str]:
    """What the flow itself has told of how often it began, and how often it came to its end; the oldest first."""
    return [row["message"] for row in logs_of(api, run) if row["message"] in {BEGINS, ENDS}]


def containers_of(nodes: Nodes, numbers: tuple[int, ...], run: str) -> list[tuple[int, str]]:
    """Those of a docker worker's run, ended ones too, each with the number of its node."""
    words = ("--all", f"--filter=label=io.prefect.flow-run-id={run}")
    return [(number, each) for number in numbers for each in nodes.ask(number, "ps", "--quiet", *words).split()]


def let_go(nodes: Nodes, number: int, container: str, run: str) -> None:
    """`container`: one of that node that has the area's volume."""
    nodes.ask(number, "exec", container, "touch", f"/var/lib/flows/{run}")
