"""Prod on a swarm of three real nodes: it answers while it is changed, undoes a bad change, outlives lost nodes."""

from __future__ import annotations

import json
import ssl
import time
import uuid
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.stack.asked import asked_all_the_time
from tests.stack.by_the_document import commands, type_in
from tests.stack.platforms import Platform, eventually
from tests.stack.secured import READ, events, get_token, heard, listen_for
from tests.stack.test_fresh_dev_stack import logs_of, run_to_the_end
from tests.stack.test_looking_after import prefect_infra
from tests.swarm.conftest import DATA_NODE, PLAIN_PORT, VENTAS
from tests.swarm.in_flight import (
    AGAIN,
    BEGINS,
    ENDS,
    ONCE,
    begin,
    begin_on_each,
    containers_of,
    let_go,
    states,
    told_by,
)
from tests.swarm.nodes import Nodes
from tests.swarm.seen import containers_on, service, services, spread, tasks_on

pytestmark = pytest.mark.docker
FLOW = "resumen-diario-de-ventas"
IN_A_PROCESS = "importar-lista-de-precios"
NETWORKS = ("network", "ls", "--filter", "driver=overlay", "--format", "{{.Name}}")


def test_a_network_is_encrypted_or_is_not_made(nodes: Nodes, declared: Platform) -> None:
    up = declared.up(check=False)

    mine = [name for name in nodes.ask(1, *NETWORKS).split() if declared.stack in name]
    if nodes.encrypts:
        assert up.returncode == 0, up.stdout
        options = ("network", "inspect", "--format", "{{json .Options}}")
        assert mine
        assert all('"encrypted"' in nodes.ask(1, *options, name) for name in mine)
    else:
        assert up.returncode != 0
        assert "can't encrypt (ESP)" in up.stdout
        assert "prefect-infra:swarm: {encrypted: false}" in up.stdout
        assert mine == []
        assert nodes.ask(1, "service", "ls", "--quiet") == ""


def test_a_flow_runs_in_a_container_of_its_own_on_the_machines_of_its_area(
    nodes: Nodes, prod: Platform, outputs: dict[str, Any], api: httpx.Client
) -> None:
    assert tasks_on(nodes, prod, "ventas-socket-proxy") == [f"node-{number}" for number in VENTAS]
    assert set(tasks_on(nodes, prod, "ventas-worker")) <= {f"node-{number}" for number in VENTAS}

    run = run_to_the_end(api, outputs["deployments"][FLOW]["id"])

    assert run["state"]["type"] == "COMPLETED", run["state"]
    assert eventually("logs", lambda: logs_of(api, run["id"]))
    ended = ("label=prefect-infra.role=run", f"label=prefect-infra.stack={prod.stack}", "status=exited")
    eventually("its container has ended", lambda: any(nodes.containers(number, *ended) for number in VENTAS))
    assert nodes.containers(1, *ended[:2]) == []


def test_a_flow_runs_as_a_process_of_its_worker(
    nodes: Nodes, prod: Platform, outputs: dict[str, Any], api: httpx.Client
) -> None:
    assert len(tasks_on(nodes, prod, "compras-worker")) == 1
    run = run_to_the_end(api, outputs["deployments"][IN_A_PROCESS]["id"])
    assert run["state"]["type"] == "COMPLETED", run["state"]
    assert eventually("logs", lambda: logs_of(api, run["id"]))


def test_a_replica_that_hangs_gets_no_more_requests(nodes: Nodes, prod: Platform, api: httpx.Client) -> None:
    """And is replaced meanwhile: `test_a_replica_that_hung_was_replaced_by_the_swarm`."""
    assert len(tasks_on(nodes, prod, "api")) == 2
    number, replica = containers_on(nodes, prod, "api")[0]
    nodes.hang(number, replica)

    # The proxy asks each replica every two seconds, and believes it at the second time.
    def answers() -> bool:
        return all(api.get("admin/version", timeout=3).is_success for _ in range(10))

    eventually("only the other one is asked", answers, 30)
    with asked_all_the_time(lambda: api.get("admin/version")) as wrong:
        time.sleep(10)
    assert wrong == []
    assert (number, replica) in containers_on(nodes, prod, "api"), "it hangs all the time"


def test_plain_http_is_sent_to_https_and_events_come_by_websocket(
    nodes: Nodes, outputs: dict[str, Any], api: httpx.Client
) -> None:
    answer = httpx.get(f"http://{nodes.address(3)}:{PLAIN_PORT}/runs?tab=1")
    assert (answer.status_code, answer.headers["location"]) == (308, f"{outputs['ui_url']}/runs?tab=1")
    name = f"prueba.{uuid.uuid4()}"
    with events(outputs, ssl.create_default_context(cadata=outputs["ca_certificate"])) as listener:
        listen_for(listener, name, outputs["auth_string"])
        assert eventually("the event", lambda: heard(listener, name, api), 120)


def test_metrics_of_the_replicas_are_told_within(nodes: Nodes, prod: Platform) -> None:
    number, worker = containers_on(nodes, prod, "worker", "compras")[0]
    url = f"http://tasks.prefect-infra-{prod.stack}-api:4200/api/metrics"
    read = partial(nodes.ask, number, "exec", worker, "python", "-c", READ, url)
    # The name is of the replica that hangs, too, until the swarm has replaced it.
    eventually("metrics", lambda: "# HELP" in read(), 240)


def test_each_part_has_its_share_of_a_node_kept_for_it_and_its_place(nodes: Nodes, prod: Platform) -> None:
    found = services(nodes, prod)
    for name, spec in found.items():
        limits, reserved = (spec["TaskTemplate"]["Resources"][kind] for kind in ("Limits", "Reservations"))
        assert reserved["MemoryBytes"] == limits["MemoryBytes"] // 2 > 0, name
        assert reserved["NanoCPUs"] == limits["NanoCPUs"] // 10 > 0, name
        assert limits["Pids"] > 0, name
    constraints = {name: spec["TaskTemplate"]["Placement"].get("Constraints", []) for name, spec in found.items()}
    data, ventas = [f"node.hostname==node-{DATA_NODE}"], ["node.labels.prefect-infra.area==ventas"]
    assert {name: placed for name, placed in constraints.items() if placed} == {
        **dict.fromkeys(("postgres", "redis", "backup"), data),
        **dict.fromkeys(("ventas-worker", "ventas-socket-proxy"), ventas),
    }
    assert [tasks_on(nodes, prod, role) for role in ("postgres", "redis", "backup")] == [[f"node-{DATA_NODE}"]] * 3
    published = {name: len(spec["EndpointSpec"].get("Ports", [])) for name, spec in found.items()}
    assert {name: ports for name, ports in published.items() if ports} == {"proxy": 2}
    assert {spec["EndpointSpec"]["Mode"] for spec in found.values()} == {"dnsrr"}
    orders = {name: spec.get("UpdateConfig", {}).get("Order") for name, spec in found.items()}
    assert {orders[name] for name in ("api", "services")} == {"start-first"}
    assert {orders[name] for name in ("postgres", "redis", "proxy")} == {"stop-first"}


def test_secrets_and_configs_are_the_swarms_and_read_by_their_parts_alone(nodes: Nodes, prod: Platform) -> None:
    found = {name: spec["TaskTemplate"]["ContainerSpec"] for name, spec in services(nodes, prod).items()}
    secrets = {name: spec["Secrets"] for name, spec in found.items() if spec.get("Secrets")}
    assert secrets.keys() == {
        "api", "services", "migration", "postgres", "redis", "proxy", "backup",
        "janitor", "ventas-worker", "compras-worker",
    }  # fmt: skip
    for name, given in secrets.items():
        for each in given:
            file = each["File"]
            assert (file["UID"], file["GID"], file["Mode"]) == ("10001", "10001", 0o400), name
            assert file["Name"].startswith(("/run/secrets/", "/etc/")), name
    configs = {
        name: [each["File"]["Name"] for each in spec["Configs"]] for name, spec in found.items() if spec.get("Configs")
    }
    assert configs == {"proxy": ["/usr/local/etc/haproxy/haproxy.cfg"]}
    known = set(nodes.ask(1, "secret", "ls", "--format", "{{.Name}}").split())
    assert {each["SecretName"] for given in secrets.values() for each in given} == known
    ((_, database),) = containers_on(nodes, prod, "postgres")
    assert (
        nodes.ask(DATA_NODE, "exec", database, "stat", "-c", "%u %a", "/run/secrets/postgres_password") == "10001 400"
    )


def test_the_scheduled_backup_is_made_beside_the_database(nodes: Nodes, prod: Platform) -> None:
    ((_, keeper),) = containers_on(nodes, prod, "backup")
    made = eventually("a backup", lambda: nodes.ask(DATA_NODE, "exec", keeper, "ls", "/var/lib/backups").split(), 120)
    manifest = ("tar", "-xOf", f"/var/lib/backups/{made[-1]}", "manifest.json")
    assert json.loads(nodes.ask(DATA_NODE, "exec", keeper, *manifest))["rows"]["alembic_version"] == 1


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

    def read(role: str, name: str) -> str:
        (container,) = nodes.containers(DATA_NODE, mine, f"label=prefect-infra.role={role}")
        return nodes.ask(DATA_NODE, "exec", container, "cat", f"/run/secrets/{name}")

    secrets = {
        outputs["auth_string"].split(":", 1)[1],
        read("postgres", "postgres_password"),
        read("redis", "redis_password"),
        read("proxy", "tls.pem").split("PRIVATE KEY-----")[1][:60].strip(),
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
    at_work = set(containers_on(nodes, prod, "worker"))
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
    # A worker is told to stop only when its successor is at work, which this one never was.
    assert set(containers_on(nodes, prod, "worker")) == at_work


def test_a_replica_that_hung_was_replaced_by_the_swarm(nodes: Nodes, prod: Platform) -> None:
    ps = ("service", "ps", "--no-trunc", "--format", "{{.DesiredState}} {{.CurrentState}} {{.Error}}")
    listed = (*ps, f"prefect-infra-{prod.stack}_api")
    eventually("why is told", lambda: "unhealthy container" in nodes.ask(1, *listed), 180)
    eventually("two of them", lambda: len(tasks_on(nodes, prod, "api")) == 2, 120)


def test_the_api_answers_and_runs_in_flight_end_while_the_up_that_mends_the_rest_replaces_all(
    nodes: Nodes, prod: Platform, outputs: dict[str, Any], api: httpx.Client
) -> None:
    in_a_process, in_a_container = (begin(api, outputs, area) for area in ("compras", "ventas"))
    (former,) = containers_on(nodes, prod, "worker", "compras")
    before = set(nodes.ask(1, "service", "ps", "--quiet", f"prefect-infra-{prod.stack}_api").split())

    def more_words(declared: Any) -> None:
        declared["server"]["log_level"] = "INFO"

    prod.edit(more_words)
    (prod.folder / "flows" / "otra.py").write_text("# Otra versión.\n")
    with asked_all_the_time(lambda: api.get("admin/version")) as wrong:
        prod.up()
    assert wrong == []
    # Each has its worker still, and that a successor beside it; one that can't see the former, on another node.
    assert [states(api, run)[-1] for run in (in_a_process, in_a_container)] == ["RUNNING"] * 2
    (successor,) = set(containers_on(nodes, prod, "worker", "compras")) - {former}
    assert successor[0] != former[0]
    assert run_to_the_end(api, outputs["deployments"][IN_A_PROCESS]["id"])["state"]["type"] == "COMPLETED"
    let_go(nodes, *former, in_a_process)
    let_go(nodes, *containers_of(nodes, VENTAS, in_a_container)[0], in_a_container)
    for run in (in_a_process, in_a_container):
        eventually("Completed", lambda run=run: states(api, run) == ONCE, 60)
        eventually("ran once", lambda run=run: told_by(api, run) == [BEGINS, ENDS], 30)
    running = ("--filter", "desired-state=running", "--quiet")
    after = set(nodes.ask(1, "service", "ps", *running, f"prefect-infra-{prod.stack}_api").split())
    assert len(after) == 2
    assert not after & before
    assert service(nodes, prod, "api")["UpdateStatus"]["State"] == "completed"


def test_a_backup_is_made_through_a_manager_and_restored_whole_with_the_database_on_another_node(
    nodes: Nodes, prod: Platform, outputs: dict[str, Any], api: httpx.Client, tmp_path: Path
) -> None:
    deployment = outputs["deployments"][FLOW]["id"]
    made = prefect_infra(prod, "backup", "--to", str(tmp_path), "--json")
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    assert told["rows"]["deployment"] == 4
    api.delete(f"deployments/{deployment}").raise_for_status()

    done = prefect_infra(prod, "restore", told["file"], "--yes")

    assert done.returncode == 0, done.stdout + done.stderr
    eventually("answers", lambda: api.get("ready").is_success, 120)
    eventually("a token", lambda: get_token(api) is None)
    assert api.get(f"deployments/{deployment}").is_success
    left = nodes.ask(1, "service", "ls", "--format", "{{.Name}}").split()
    assert not any("-access-" in name for name in left)
    prod.up("--refresh", "--expect-no-changes")


def test_an_engine_that_is_no_manager_says_so_rather_than_back_up_a_part(
    nodes: Nodes, prod: Platform, tmp_path: Path
) -> None:
    elsewhere = {**prod.variables, "DOCKER_HOST": nodes.environment(DATA_NODE)["DOCKER_HOST"]}
    there = Platform(prod.folder, prod.stack, prod.profiles, variables=elsewhere)
    told = prefect_infra(there, "backup", "--to", str(tmp_path))
    assert told.returncode != 0
    assert "none of its managers" in told.stderr


def test_a_lost_node_is_made_up_for_by_the_others_and_its_run_runs_again_there_once(
    nodes: Nodes, prod: Platform, outputs: dict[str, Any], api: httpx.Client
) -> None:
    spread(nodes, prod, "ventas", VENTAS)
    node_of = begin_on_each(api, outputs, nodes, VENTAS)
    for run in node_of:
        eventually("it has begun", lambda run=run: told_by(api, run) == [BEGINS], 60)
    nodes.lose(3)

    assert api.get("admin/version").is_success
    eventually("node 3 is missed", lambda: "Down" in nodes.ask(1, "node", "ls", "--format", "{{.Status}}"), 120)
    left = {"node-1", "node-2"}
    for role, number, there in (("api", 2, left), ("services", 1, left), ("ventas-worker", 2, {"node-2"})):
        eventually(
            f"{role} elsewhere",
            lambda role=role, number=number, there=there: (
                len(on := tasks_on(nodes, prod, role)) == number and set(on) <= there
            ),
            240,
        )
    goes_through = {run: AGAIN if number == 3 else ONCE for run, number in node_of.items()}
    for run, states_of_it in goes_through.items():
        eventually("at work", lambda run=run, so_far=states_of_it[:-1]: states(api, run) == so_far, 240)
        ((_, container),) = containers_of(nodes, (2,), run)
        let_go(nodes, 2, container, run)
    for run, states_of_it in goes_through.items():
        eventually("Completed", lambda run=run, every=states_of_it: states(api, run) == every, 60)
        begun = states_of_it.count("RUNNING")
        eventually("ended once", lambda run=run, begun=begun: told_by(api, run) == [BEGINS] * begun + [ENDS], 30)
    run = run_to_the_end(api, outputs["deployments"][FLOW]["id"])
    assert run["state"]["type"] == "COMPLETED", run["state"]


def test_without_the_node_of_the_data_nothing_is_lost_and_all_is_back_when_it_is(
    nodes: Nodes, prod: Platform, outputs: dict[str, Any], api: httpx.Client
) -> None:
    runs = api.post("flow_runs/count", json={}).raise_for_status().json()
    answering = ("service", "ps", "--quiet", "--filter", "desired-state=running", "--filter", "node=node-1")
    on_the_other = set(nodes.ask(1, *answering, f"prefect-infra-{prod.stack}_api").split())
    nodes.lose(DATA_NODE)
    eventually("the proxy tells that nobody answers", lambda: api.get("ready").status_code == 503, 180)
    database = ("service", "ps", "--no-trunc", "--format", "{{.Error}}", f"prefect-infra-{prod.stack}_postgres")
    eventually("why is told", lambda: "no suitable node" in nodes.ask(1, *database), 180)

    def backup_says_why() -> bool:
        backup = prefect_infra(prod, "backup", "--to", str(prod.folder / "backups"))
        assert backup.returncode != 0
        assert "_postgres doesn't run: " in backup.stderr, backup.stderr
        return "Pending" in backup.stderr and "no suitable node" in backup.stderr

    # Tasks come and go while the swarm finds out that the node is lost.
    eventually("a backup says why", backup_says_why)

    nodes.bring_back(DATA_NODE)

    eventually("ready", lambda: api.get("ready").is_success, 300)
    eventually("a token", lambda: get_token(api) is None)
    assert api.post("flow_runs/count", json={}).raise_for_status().json() >= runs
    assert on_the_other <= set(nodes.ask(1, *answering, f"prefect-infra-{prod.stack}_api").split())
    eventually("workers", lambda: tasks_on(nodes, prod, "ventas-worker") == ["node-2"] * 2, 240)
    run = run_to_the_end(api, outputs["deployments"][FLOW]["id"])
    assert run["state"]["type"] == "COMPLETED", run["state"]


def test_a_destroy_leaves_nothing_on_the_nodes_that_are_there_and_waits_for_a_run_in_flight(
    nodes: Nodes, prod: Platform, outputs: dict[str, Any], api: httpx.Client
) -> None:
    forget, destroy = commands("Several machines", "A node that is lost for good")
    type_in(prod, forget)
    eventually("workers", lambda: tasks_on(nodes, prod, "ventas-worker") == ["node-2"] * 2, 240)
    # As of a run that ended when the one was gone who sweeps its area's.
    image = service(nodes, prod, "ventas-worker")["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
    volume = f"prefect-infra-{prod.stack}-ventas-data:/var/lib/flows"
    of_a_run = ("--label", "prefect-infra.flow-run-owner=prueba", "--label", f"prefect-infra.stack={prod.stack}")
    nodes.ask(2, "run", *of_a_run, "--volume", volume, "--entrypoint", "true", image)
    api.post(f"deployments/{outputs['deployments'][FLOW]['id']}/create_flow_run", json={}).raise_for_status()
    going = ("label=prefect-infra.role=run", f"label=prefect-infra.stack={prod.stack}", "status=running")
    eventually("its container", lambda: nodes.containers(2, *going), 120, 0.2)

    type_in(prod, destroy)

    for number in (1, 2):
        # Those of services go a moment after them.
        every = ("container", "ls", "--all", "--filter", "label=prefect-infra.stack", "--format", "{{.Names}}")
        eventually(f"no container on node {number}", lambda every=every, number=number: not nodes.ask(number, *every))
        assert nodes.ask(number, "container", "ls", "--all", "--quiet") == "", nodes.ask(number, "ps", "-a")
        left = [f"prefect-infra-{prod.stack}-backups"] if number == DATA_NODE else []  # these always stay
        assert nodes.ask(number, "volume", "ls", "--filter", "label=prefect-infra.stack", "--quiet").split() == left
    for kind in ("service", "secret", "config"):
        assert nodes.ask(1, kind, "ls", "--quiet") == ""
    assert prod.stack not in nodes.ask(1, "network", "ls", "--format", "{{.Name}}")
