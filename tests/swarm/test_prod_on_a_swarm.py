"""Prod on a swarm of three real nodes: it answers while it is changed, undoes a bad change, outlives a lost node."""

from __future__ import annotations

import json
import ssl
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.stack.platforms import Platform, eventually
from tests.stack.test_fresh_dev_stack import logs_of, run_to_the_end
from tests.swarm.nodes import Nodes

pytestmark = pytest.mark.docker
FLOW = "resumen-diario-de-ventas"


@pytest.fixture(scope="module")
def outputs(prod: Platform) -> dict[str, Any]:
    return prod.outputs()


@pytest.fixture
def api(outputs: dict[str, Any]) -> Iterator[httpx.Client]:
    """With a token against forged requests, as the server asks for with each write."""
    own = {"verify": ssl.create_default_context(cadata=outputs["ca_certificate"]), "timeout": 60}
    auth = tuple(outputs["auth_string"].split(":", 1))
    with httpx.Client(base_url=outputs["api_url"] + "/", auth=auth, **own) as client:
        name = str(uuid.uuid4())
        token = client.get("csrf-token", params={"client": name}).raise_for_status().json()["token"]
        client.headers.update({"Prefect-Csrf-Client": name, "Prefect-Csrf-Token": token})
        yield client


@contextmanager
def asked_all_the_time(api: httpx.Client) -> Iterator[list[str]]:
    """What went wrong, of all that was asked meanwhile."""
    wrong: list[str] = []
    asked, ended = [0], threading.Event()

    def ask() -> None:
        while not ended.is_set():
            try:
                answer = api.get("admin/version")
                wrong.extend([] if answer.is_success else [str(answer.status_code)])
            except httpx.HTTPError as error:
                wrong.append(repr(error))
            asked[0] += 1
            time.sleep(0.2)

    asking = threading.Thread(target=ask)
    asking.start()
    yield wrong
    ended.set()
    asking.join()
    assert asked[0] > 10


def service(nodes: Nodes, prod: Platform, role: str) -> dict[str, Any]:
    (found,) = json.loads(nodes.ask(1, "service", "inspect", f"prefect-infra-{prod.stack}_{role}"))
    told: dict[str, Any] = found
    return told


def tasks_on(nodes: Nodes, prod: Platform, role: str) -> list[str]:
    """The nodes on which a part is at work, one for each task."""
    wanted = ("--filter", "desired-state=running", "--format", "{{.Node}} {{.CurrentState}}")
    lines = nodes.ask(1, "service", "ps", *wanted, f"prefect-infra-{prod.stack}_{role}").splitlines()
    return sorted(line.split()[0] for line in lines if " Running " in line)


def test_a_flow_runs_in_a_container_of_its_own_on_whichever_node(
    nodes: Nodes, prod: Platform, outputs: dict[str, Any], api: httpx.Client
) -> None:
    run = run_to_the_end(api, outputs["deployments"][FLOW]["id"])
    assert run["state"]["type"] == "COMPLETED", run["state"]
    assert eventually("logs", lambda: logs_of(api, run["id"]))
    ended = ("label=prefect-infra.role=run", f"label=prefect-infra.stack={prod.stack}", "status=exited")
    eventually("its container has ended", lambda: any(nodes.containers(number, *ended) for number in (1, 2, 3)))


def test_containers_on_nodes_are_confined(nodes: Nodes, prod: Platform) -> None:
    mine = f"label=prefect-infra.stack={prod.stack}"
    found = [
        (number, each)
        for number in (1, 2, 3)
        for each in json.loads(nodes.ask(number, "inspect", *nodes.containers(number, mine)))
    ]
    assert {each["Config"]["Labels"]["prefect-infra.role"] for _, each in found} >= {
        "api", "services", "postgres", "redis", "proxy", "socket-proxy", "worker", "janitor",
    }  # fmt: skip
    for number, each in found:
        host, name = each["HostConfig"], each["Name"]
        assert (host["CapDrop"], host["ReadonlyRootfs"], host["Privileged"]) == (["ALL"], True, False), name
        assert host["Memory"] > 0, name
        assert host["PidsLimit"] > 0, name
        assert each["Config"]["User"].startswith("10001:"), name
        assert "NoNewPrivs:\t1" in nodes.ask(number, "exec", each["Id"], "cat", "/proc/1/status"), name
        holds = any(mount["Source"].endswith("docker.sock") for mount in each["Mounts"])
        assert holds == (each["Config"]["Labels"]["prefect-infra.role"] == "socket-proxy"), name


def test_no_secret_is_seen_in_the_state_nor_by_who_asks_a_node(
    nodes: Nodes, prod: Platform, outputs: dict[str, Any]
) -> None:
    mine = f"label=prefect-infra.stack={prod.stack}"
    (database,) = nodes.containers(1, mine, "label=prefect-infra.role=postgres")
    secrets = {
        outputs["auth_string"].split(":", 1)[1],
        nodes.ask(1, "exec", database, "cat", "/run/secrets/postgres_password"),
    }
    assert all(len(secret) > 30 for secret in secrets)
    shown = [prod.run("stack", "export", "--stack", prod.stack).stdout]
    shown += [nodes.ask(1, "service", "inspect", *nodes.ask(1, "service", "ls", "--quiet").split())]
    shown += [nodes.ask(number, "inspect", *nodes.containers(number)) for number in (1, 2, 3)]
    assert not any(secret in text for text in shown for secret in secrets)


def test_another_up_changes_nothing_and_a_change_by_hand_is_seen_and_undone(nodes: Nodes, prod: Platform) -> None:
    prod.up("--expect-no-changes")

    nodes.ask(1, "service", "scale", "--detach", f"prefect-infra-{prod.stack}_services=2")

    told = prod.run("refresh", "--preview-only", "--stack", prod.stack, "--expect-no-changes", check=False)
    assert told.returncode != 0
    done = prod.up("--refresh")
    assert "1 updated" in done.stdout
    assert service(nodes, prod, "services")["Spec"]["Mode"]["Replicated"]["Replicas"] == 1


def test_a_broken_image_is_undone(nodes: Nodes, prod: Platform) -> None:
    before = service(nodes, prod, "ventas-worker")["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
    start = prod.folder / "workers" / "start_worker.py"
    good = start.read_text()
    start.write_text('raise SystemExit("esta imagen no arranca")\n')
    try:
        failed = prod.up(check=False)
    finally:
        start.write_text(good)

    assert failed.returncode != 0
    assert "the swarm went back to what was before" in failed.stdout
    assert "esta imagen no arranca" in failed.stdout
    template = service(nodes, prod, "ventas-worker")["Spec"]["TaskTemplate"]
    assert template["ContainerSpec"]["Image"] == before
    eventually("workers as before", lambda: len(tasks_on(nodes, prod, "ventas-worker")) == 2, 120)


def test_the_api_answers_while_its_replicas_are_replaced_by_the_up_that_mends_the_rest(
    nodes: Nodes, prod: Platform, api: httpx.Client
) -> None:
    before = set(nodes.ask(1, "service", "ps", "--quiet", f"prefect-infra-{prod.stack}_api").split())

    def more_words(declared: Any) -> None:
        declared["server"]["log_level"] = "INFO"

    prod.edit(more_words)
    with asked_all_the_time(api) as wrong:
        prod.up()
    assert wrong == []
    running = ("--filter", "desired-state=running", "--quiet")
    after = set(nodes.ask(1, "service", "ps", *running, f"prefect-infra-{prod.stack}_api").split())
    assert len(after) == 2
    assert not after & before
    assert service(nodes, prod, "api")["UpdateStatus"]["State"] == "completed"
    prod.up("--expect-no-changes")


def test_a_lost_node_is_made_up_for_by_the_others(
    nodes: Nodes, prod: Platform, outputs: dict[str, Any], api: httpx.Client
) -> None:
    nodes.lose(3)

    assert api.get("admin/version").is_success
    eventually("node 3 is missed", lambda: "Down" in nodes.ask(1, "node", "ls", "--format", "{{.Status}}"), 120)
    for role, number in (("api", 2), ("services", 1), ("ventas-worker", 2)):
        eventually(
            f"{role} elsewhere",
            lambda role=role, number=number: (
                len(on := tasks_on(nodes, prod, role)) == number and set(on) <= {"node-1", "node-2"}
            ),
            240,
        )
    run = run_to_the_end(api, outputs["deployments"][FLOW]["id"])
    assert run["state"]["type"] == "COMPLETED", run["state"]


@pytest.mark.xfail(
    reason="known fault, docs/operations.md: an ended container of the stack stays on a node",
    strict=False,  # seen once, and whether it is there each time isn't known
)
def test_a_destroy_leaves_nothing_on_the_nodes_that_are_there(nodes: Nodes, prod: Platform) -> None:
    prod.destroy()

    for number in (1, 2):
        for kind in ("container", "volume"):
            every = ("--all",) if kind == "container" else ()
            assert nodes.ask(number, kind, "ls", *every, "--filter", "label=prefect-infra.stack", "--quiet") == ""
    for kind in ("service", "secret", "config"):
        assert nodes.ask(1, kind, "ls", "--quiet") == ""
    assert prod.stack not in nodes.ask(1, "network", "ls", "--format", "{{.Name}}")
