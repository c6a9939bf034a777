"""What the program makes of prod on a swarm."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.thorough  # each brings a whole program up
PREFIX = "prefect-infra-prod"
REGISTRY = "registry.example.com:5000/prefect"


def on_a_swarm(config: dict[str, Any]) -> None:
    config |= {"runtime": "swarm", "registry": REGISTRY, "swarm": {"data_node": "node-1", "socket_group": 998}}
    config["server"]["proxy"]["host"] = "prefect.example.com"


MADE: list[Any] = []


@pytest.fixture
def made(program: Callable[..., Any]) -> Any:
    if not MADE:
        MADE.append(program("prod", change=on_a_swarm))
    return MADE[0]


def services(made: Any) -> dict[str, dict[str, Any]]:
    found = made.of("SwarmService").items()
    return {name.removeprefix(f"{PREFIX}-"): {**inputs, **inputs["service"]} for name, inputs in found}


def test_each_part_is_one_service_with_its_replicas(made: Any) -> None:
    found = services(made)
    areas = [f"{area}-{role}" for area in ("compras", "finanzas", "ventas") for role in ("socket-proxy", "worker")]
    parts = ["api", "backup", "janitor", "migration", "postgres", "proxy", "redis", "services"]
    assert sorted(found) == sorted([*parts, *areas])
    modes = {name: (each["deploy"]["mode"], each["deploy"].get("replicas")) for name, each in found.items()}
    assert modes["api"] == modes["ventas-worker"] == ("replicated", 2)
    assert modes["proxy"] == modes["ventas-socket-proxy"] == ("global", None)
    assert found["migration"]["deploy"]["restart_policy"] == {"condition": "none"}
    assert made.of("Container") == made.of("CompletedRun") == made.of("HostPort") == {}


def test_a_preview_of_a_swarm_tells_the_same_services(program: Callable[..., Any], made: Any) -> None:
    assert services(program("prod", change=on_a_swarm, preview=True)).keys() == services(made).keys()


def test_what_is_replaced_is_followed_or_preceded_by_its_successor_and_a_bad_one_undone(made: Any) -> None:
    found = services(made)
    orders = {name: each["deploy"]["update_config"]["order"] for name, each in found.items() if name != "migration"}
    areas = {f"{area}-{role}" for area in ("compras", "finanzas", "ventas") for role in ("socket-proxy", "worker")}
    assert {name for name, order in orders.items() if order == "start-first"} == {"api", "services", *areas}
    # A former socket proxy serves its calls to their end, which workers have time for once they are told to stop.
    periods = {role: int(found[f"ventas-{role}"]["stop_grace_period"][:-1]) for role in ("socket-proxy", "worker")}
    assert periods["socket-proxy"] > periods["worker"] + 600
    for name, each in found.items():
        if name != "migration":
            assert each["deploy"]["update_config"]["failure_action"] == "rollback"
            assert each["deploy"]["rollback_config"]["order"] == orders[name]
            assert each["deploy"]["restart_policy"]["condition"] == "any"


def test_a_process_worker_is_followed_likewise(program: Callable[..., Any]) -> None:
    def by_processes(config: dict[str, Any]) -> None:
        on_a_swarm(config)
        config["workers"] = {"type": "process"}

    worker = services(program("prod", change=by_processes))["ventas-worker"]["deploy"]
    assert [worker[kind]["order"] for kind in ("update_config", "rollback_config")] == ["start-first"] * 2


def test_a_container_on_a_swarm_has_no_privileges_and_its_share_of_a_node(made: Any) -> None:
    for name, each in services(made).items():
        assert (each["cap_drop"], each["read_only"]) == (["ALL"], True), name
        assert each["user"] == ("10001:998" if name.endswith("socket-proxy") else "10001:10001")
        limits, reserved = (each["deploy"]["resources"][kind] for kind in ("limits", "reservations"))
        assert limits["pids"] > 0
        assert 0 < float(reserved["cpus"]) < float(limits["cpus"])
        assert 0 < int(reserved["memory"][:-1]) < int(limits["memory"][:-1])
        assert ("test" in each["healthcheck"]) == (name != "migration")


def test_a_replica_is_not_ended_because_its_database_is_away(made: Any) -> None:
    asked = services(made)["api"]["healthcheck"]["test"][-1]
    assert asked.endswith("/api/health")


def test_what_keeps_data_stays_on_the_node_that_is_declared(made: Any) -> None:
    placed = {name: each["deploy"]["placement"]["constraints"] for name, each in services(made).items()}
    assert {name for name, constraints in placed.items() if constraints} == {"postgres", "redis", "backup"}
    assert placed["postgres"] == placed["redis"] == placed["backup"] == ["node.hostname==node-1"]
    nodes = {name: inputs.get("node") for name, inputs in made.of("NodeVolume").items()}
    assert {name for name, node in nodes.items() if node == "node-1"} == {"postgres-data", "redis-data", "backups"}


def test_an_area_may_have_machines_of_its_own(program: Callable[..., Any]) -> None:
    def ventas_apart(config: dict[str, Any]) -> None:
        on_a_swarm(config)
        config["areas"]["ventas"]["workers"] = {"placement": "area"}

    found = services(program("prod", change=ventas_apart))
    for role in ("worker", "socket-proxy"):
        assert found[f"ventas-{role}"]["deploy"]["placement"]["constraints"] == [
            "node.labels.prefect-infra.area==ventas"
        ]
        assert found[f"compras-{role}"]["deploy"]["placement"]["constraints"] == []
    images = program("prod", change=ventas_apart).of("NodeImage")
    constraints = {name: each.get("constraint") for name, each in images.items()}
    assert constraints["ventas-image"] == "node.labels.prefect-infra.area==ventas"
    assert constraints["compras-image"] is None


def test_images_are_pushed_and_services_and_flow_runs_name_them_by_digest(made: Any) -> None:
    pushed = made.of("PushedImage")
    assert all(each["name"].startswith(f"{REGISTRY}/") for each in pushed.values())
    for each in services(made).values():
        assert each["image"].startswith(f"{REGISTRY}/")
        assert "@sha256:" in each["image"]
    image = services(made)["ventas-worker"]["image"]
    assert made.of("WorkPool")["ventas-prod"]["job_defaults"]["image"] == image
    # Whoever says what flow runs are made of waits until each node has that.
    assert {each["image"] for each in made.of("NodeImage").values()} >= {image}
    rules = json.loads(services(made)["ventas-socket-proxy"]["environment"]["SOCKET_PROXY_RULES"])
    assert rules["images"] == [image]
    assert [f"{repository}@sha256:0" for repository in rules["repositories"]] == [image]


def test_secrets_are_the_swarms_and_their_names_tell_nothing_of_them(program: Callable[..., Any], made: Any) -> None:
    told = json.dumps([{k: v for k, v in each.items() if k != "data"} for each in made.of("SwarmService").values()])
    assert "s3cr3t" not in told
    assert services(made)["postgres"]["secrets"][0] | {"source": ""} == {
        "source": "", "target": "/run/secrets/postgres_password", "uid": "10001", "gid": "10001", "mode": 0o400,
    }  # fmt: skip
    names = {name: each["name"] for name, each in made.of("Secret").items()}
    assert all(len(name) <= 64 for name in names.values())
    again = {name: each["name"] for name, each in program("prod", change=on_a_swarm).of("Secret").items()}
    assert again == names

    def other_password(config: dict[str, Any]) -> None:
        on_a_swarm(config)
        config["server"]["auth"] = "required"

    other = program("prod", change=other_password, secrets={"auth_string": "ana:another"}).of("Secret")
    changed = {name for name in names if other[name]["name"] != names[name]}
    assert f"{PREFIX}-api-PREFECT_SERVER_API_AUTH_STRING" in changed
    assert f"{PREFIX}-postgres-postgres_password" not in changed


def test_the_proxys_configuration_is_a_config_and_finds_whatever_replicas_there_are(made: Any) -> None:
    (config,) = made.of("ServiceConfig").values()
    text = base64.b64decode(config["data"]).decode()
    assert f"server-template replica 1-4 tasks.{PREFIX}-api:4200" in text
    assert services(made)["proxy"]["configs"][0]["target"] == "/usr/local/etc/haproxy/haproxy.cfg"
    assert [port["mode"] for port in services(made)["proxy"]["ports"]] == ["host", "host"]
    assert all(each["deploy"]["endpoint_mode"] == "dnsrr" for each in services(made).values())


def test_networks_are_overlays_encrypted_unless_declined_and_flow_runs_may_join(program: Callable[..., Any]) -> None:
    def in_plain(config: dict[str, Any]) -> None:
        on_a_swarm(config)
        config["swarm"]["encrypted"] = False

    for change, options in ((on_a_swarm, {"encrypted": ""}), (in_plain, None)):
        networks = program("prod", change=change).of("Network")
        assert {(each["driver"], each["attachable"]) for each in networks.values()} == {("overlay", True)}
        assert [each.get("options") for each in networks.values()] == [options] * 3
        assert {name for name, each in networks.items() if each.get("internal")} == {"backend", "apart"}


def test_flow_runs_on_any_node_find_the_credential_on_a_volume_in_memory(made: Any) -> None:
    worker = services(made)["ventas-worker"]
    assert worker["command"][4:6] == [
        "/run/secrets/worker-profile.toml=/etc/prefect/credentials/worker-profile.toml",
        "--",
    ]
    assert worker["hostname"] == f"{PREFIX}-ventas-worker-{{{{.Task.Slot}}}}"
    volumes = {each["name"]: each.get("driver_opts", {}) for each in worker["beside"]["volumes"].values()}
    for role in ("credentials", "socket"):
        assert volumes[f"{PREFIX}-ventas-{role}"]["type"] == "tmpfs"
