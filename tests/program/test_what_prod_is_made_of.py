"""What the program makes of a server with a database, and of one that is elsewhere."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from tests.authorities import issue

PREFIX = "prefect-infra-prod"
SERVER = [f"{PREFIX}-api-1", f"{PREFIX}-api-2", f"{PREFIX}-services-1", f"{PREFIX}-migration"]


def of_the_server(made: Any) -> dict[str, Any]:
    containers: dict[str, Any] = made.of("Container")
    return {
        name.removeprefix(f"{PREFIX}-"): inputs
        for name, inputs in containers.items()
        if not re.search(r"worker|socket|janitor", name)
    }


def networks(inputs: dict[str, Any]) -> set[str]:
    return {network["name"].removeprefix(PREFIX) for network in inputs["networksAdvanced"]}


def files(inputs: dict[str, Any]) -> dict[str, str]:
    uploads = inputs.get("uploads", [])
    uploads = uploads["value"] if isinstance(uploads, dict) else uploads
    return {upload["file"]: str(upload["content"]) for upload in uploads}


@pytest.mark.parametrize("preview", [False, True])
def test_prod_is_a_database_redis_a_migration_replicas_services_backups_and_a_proxy(
    program: Callable[..., Any], preview: bool
) -> None:
    made = program("prod", preview=preview)
    parts = ["api-1", "api-2", "backup", "migration", "postgres", "proxy", "redis", "services-1"]
    assert sorted(of_the_server(made)) == parts
    assert list(made.of("CompletedRun")) == [f"{PREFIX}-migration"]


def test_the_number_of_replicas_is_declared(program: Callable[..., Any]) -> None:
    def more(config: dict[str, Any]) -> None:
        config["server"] |= {"replicas": 3, "services_replicas": 2}

    made = of_the_server(program("prod", change=more))
    assert {"api-3", "services-2"} <= made.keys()
    assert "server prefect-infra-prod-api-3 " in files(made["proxy"])["/usr/local/etc/haproxy/haproxy.cfg"]


@pytest.mark.parametrize(("replicas", "services", "connections"), [(2, 1, 225), (6, 2, 225), (7, 2, 425)])
def test_the_database_has_room_for_some_more_replicas_without_being_replaced(
    program: Callable[..., Any], replicas: int, services: int, connections: int
) -> None:
    def declared(config: dict[str, Any]) -> None:
        config["server"] |= {"replicas": replicas, "services_replicas": services}

    made = of_the_server(program("prod", change=declared))
    assert f"max_connections={connections}" in made["postgres"]["command"]


def test_only_the_proxy_publishes_ports(program: Callable[..., Any]) -> None:
    published = {
        name: {port["internal"] for port in inputs.get("ports", [])}
        for name, inputs in program("prod").of("Container").items()
    }
    assert {name: ports for name, ports in published.items() if ports} == {f"{PREFIX}-proxy": {8443.0, 8080.0}}


def test_nobody_but_the_server_and_backups_reach_the_database_and_redis(program: Callable[..., Any]) -> None:
    made = program("prod")
    on_backend = {name for name, inputs in made.of("Container").items() if "-backend" in networks(inputs)}
    assert on_backend == {*SERVER, *(f"{PREFIX}-{role}" for role in ("postgres", "redis", "backup"))}
    for name in ("postgres", "redis"):
        assert networks(of_the_server(made)[name]) == {"-backend"}
    assert made.of("Network")["backend"]["internal"]


def test_replicas_serve_without_services_and_share_what_they_know(program: Callable[..., Any]) -> None:
    made = of_the_server(program("prod"))
    for name in ("api-1", "api-2"):
        assert "--no-services" in made[name]["command"]
        kind, check = made[name]["healthcheck"]["tests"]
        ready, _, life = check.partition(" && : > /tmp/silent || exec ")
        assert kind == "CMD-SHELL"
        assert ready.endswith("/api/ready")
        assert "end_if_silent.py 12 " in life
        assert life.endswith("/api/health 0"), "nobody is ended because his database is away"
    assert made["services-1"]["command"][-3:] == ["server", "services", "start"]
    for name in ("api-1", "api-2", "services-1"):
        variables = dict(variable.split("=", 1) for variable in made[name]["envs"])
        assert variables["PREFECT_MESSAGING_BROKER"] == "prefect_redis.messaging"
        assert variables["PREFECT_API_DATABASE_MIGRATE_ON_START"] == "false"
        assert variables["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
        assert variables["PREFECT_SERVER_CSRF_PROTECTION_ENABLED"] == "true"
        assert variables["PREFECT_SERVER_METRICS_ENABLED"] == "true"
        assert set(files(made[name])) == {
            f"/run/secrets/{setting}"
            for setting in (
                "PREFECT_SERVER_DATABASE_CONNECTION_URL",
                "PREFECT_SERVER_DOCKET_URL",
                "PREFECT_REDIS_MESSAGING_URL",
                "PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL",
                "PREFECT_SERVER_API_AUTH_STRING",
            )
        }


def test_the_migration_runs_once_and_is_not_taken_for_a_service(program: Callable[..., Any]) -> None:
    migration = of_the_server(program("prod"))["migration"]
    assert migration["command"][-3:] == ["database", "upgrade", "-y"]
    assert (migration["start"], migration["mustRun"], migration["restart"]) == (False, False, "no")


def test_a_migration_is_limited_before_it_runs(program: Callable[..., Any]) -> None:
    """An engine that is to limit what has just begun or ended fails, and the `up` with it."""
    run, limit = (f"prefect:index:{kind}" for kind in ("CompletedRun", "PidsLimit"))
    name = f"{PREFIX}-migration"
    assert (limit, name) in program("prod").waits_for[run, name]


def test_workers_reach_the_api_through_the_proxy_and_only_docker_ones_tell_metrics(program: Callable[..., Any]) -> None:
    for name, inputs in program("prod").of("Container").items():
        if "worker" in name:
            (profile,) = files(inputs).values()
            assert f'PREFECT_API_URL = "http://{PREFIX}-proxy:4200/api"' in profile
            assert "PREFECT_CLIENT_METRICS_ENABLED=true" in inputs["envs"]
    for inputs in program("dev").of("Container").values():
        assert not any("METRICS" in variable for variable in inputs["envs"])


def test_flow_runs_read_the_credential_from_a_file_and_not_from_their_environment(program: Callable[..., Any]) -> None:
    """What a worker passes on to a container that it starts is seen by whoever may ask the engine."""
    made = program("prod")
    proxy = made.of("Container")[f"{PREFIX}-ventas-socket-proxy"]
    (rules,) = (each.partition("=")[2] for each in proxy["envs"] if each.startswith("SOCKET_PROXY_RULES="))
    assert "PREFECT_API_AUTH_STRING" in json.loads(rules)["withheld"]
    assert json.loads(rules)["repositories"] == ["localhost/prefect-infra/flows-ventas"]
    bind = f"{PREFIX}-ventas-credentials:/etc/prefect/credentials:ro"
    assert bind in json.loads(rules)["binds"]
    assert bind in made.of("WorkPool")["ventas-prod"]["job_defaults"]["volumes"]
    worker = made.of("Container")[f"{PREFIX}-ventas-worker-1"]
    path = "/etc/prefect/credentials/worker-profile.toml"
    assert f"PREFECT_PROFILES_PATH={path}" in worker["envs"]
    assert list(files(worker)) == [path]


@pytest.mark.parametrize("base", ["dev", "prod"])
def test_a_credential_of_ones_own_may_have_any_mark_of_ascii(program: Callable[..., Any], base: str) -> None:
    """The files that let in are TOML, which has a meaning for some."""
    own = 'ana:de "24" \\letras'

    def guarded(config: dict[str, Any]) -> None:
        config.setdefault("server", {})["auth"] = "required"

    made = program(base, change=guarded, secrets={"auth_string": own}).of("Container")
    profiles = [
        setting
        for container in made.values()
        for path, text in files(container).items()
        if path.endswith("-profile.toml")
        for setting in tomllib.loads(text)["profiles"].values()
    ]
    assert len(profiles) > 3
    for settings in profiles:
        (auth,) = (value for key, value in settings.items() if key.endswith("_API_AUTH_STRING"))
        assert auth == own


def test_a_database_and_a_redis_elsewhere_have_no_container_here(program: Callable[..., Any]) -> None:
    def elsewhere(config: dict[str, Any]) -> None:
        del config["backup"]  # its owner's
        config["server"] |= {
            "database": {"url": {"secret": "database_url"}},
            "redis": {"url": {"secret": "redis_url"}, "authority": {"secret": "authority"}},
        }

    given = {
        "database_url": "postgresql+asyncpg://u:s3cr3t@db/prefect",
        "redis_url": "rediss://:s3cr3t@r:6379/0",
        "authority": "PEM",
    }
    made = program("prod", change=elsewhere, secrets=given)
    containers = of_the_server(made)
    assert sorted(containers) == ["api-1", "api-2", "migration", "proxy", "services-1"]
    url = files(containers["api-1"])["/run/secrets/PREFECT_SERVER_DATABASE_CONNECTION_URL"]
    assert url == given["database_url"]
    of_redis = files(containers["services-1"])
    trusted = "/run/secrets/redis_authority.pem"
    assert of_redis["/run/secrets/PREFECT_SERVER_DOCKET_URL"] == f"{given['redis_url']}?ssl_ca_certs={trusted}"
    assert of_redis[trusted] == "PEM"
    assert "/run/secrets/database_authority.pem" not in of_redis


@pytest.mark.parametrize(
    ("elsewhere", "here", "given"),
    [
        ({"database": {"url": {"secret": "database"}}}, ["redis"], "postgresql+asyncpg://u:s3cr3t@db/prefect"),
        ({"redis": {"url": {"secret": "redis"}}}, ["backup", "postgres"], "redis://:s3cr3t@r:6379/0"),
    ],
    ids=["database", "redis"],
)
def test_of_a_database_and_a_redis_one_may_be_elsewhere_and_the_other_here(
    program: Callable[..., Any], elsewhere: dict[str, Any], here: list[str], given: str
) -> None:
    (key,) = elsewhere

    def declared(config: dict[str, Any]) -> None:
        if key == "database":
            del config["backup"]  # its owner's
        config["server"] |= elsewhere

    made = of_the_server(program("prod", change=declared, secrets={key: given}))
    assert sorted(made) == sorted(["api-1", "api-2", "migration", "proxy", "services-1", *here])
    urls = {
        "database": f"postgresql+asyncpg://prefect:s3cr3t@{PREFIX}-postgres:5432/prefect",
        "redis": f"redis://:s3cr3t@{PREFIX}-redis:6379/0",
    } | {key: given}
    for name in ("api-1", "migration", "services-1"):
        told = files(made[name])
        assert told["/run/secrets/PREFECT_SERVER_DATABASE_CONNECTION_URL"] == urls["database"]
        assert told["/run/secrets/PREFECT_SERVER_DOCKET_URL"] == urls["redis"]
        assert told["/run/secrets/PREFECT_REDIS_MESSAGING_URL"] == urls["redis"]
        assert networks(made[name]) == {"", "-backend"}, "where the one that is here is"


def test_a_given_certificate_is_shown_and_no_other_is_made(program: Callable[..., Any]) -> None:
    def given_certificate(config: dict[str, Any]) -> None:
        config["server"]["proxy"] = {
            "host": "prefect.example.com",
            "tls": {"certificate": {"secret": "tls_certificate"}, "key": {"secret": "tls_key"}},
        }

    root = issue("root")
    own = issue("own", root, hosts=["prefect.example.com"])
    given = {"tls_certificate": own.pem, "tls_key": own.key}
    made = program("prod", change=given_certificate, secrets=given)
    shown = files(of_the_server(made)["proxy"])
    assert shown["/run/secrets/tls.pem"] == f"{own.pem}\n{own.key}"
    assert "Strict-Transport-Security" in shown["/usr/local/etc/haproxy/haproxy.cfg"]
    assert made.of("LocalCertificate") == {}


def test_profiles_trust_the_authority_of_the_stack(program: Callable[..., Any]) -> None:
    (profile,) = program("prod").of("Profile").values()
    assert profile["api_url"] == "https://127.0.0.1:4321/api"
    assert profile["ca_certificate"] == "AUTHORITY"
    (profile,) = program("dev").of("Profile").values()
    assert profile.get("ca_certificate") is None
