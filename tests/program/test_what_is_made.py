"""What the program makes of a stack file."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pydantic import TypeAdapter

from workers.autoscaler.policies import Policies as ScalingPolicies
from workers.backup.__main__ import Plan
from workers.janitor.policies import Policies
from workers.socket_proxy.scaling import ScalingRules

AREAS = ("compras", "ventas", "finanzas")


@pytest.mark.parametrize("preview", [False, True])
def test_each_area_gets_its_pool_of_the_environment_and_a_worker(program: Callable[..., Any], preview: bool) -> None:
    """Previews too: no resource hides behind a value that is only known after `up`."""
    made = program(preview=preview)

    pools = made.of("WorkPool")
    assert sorted(pools) == [f"{area}-dev" for area in sorted(AREAS)]
    assert {pool["type"] for pool in pools.values()} == {"process"}
    containers = made.of("Container")
    assert sorted(containers) == [
        "prefect-infra-dev-compras-worker-1",
        "prefect-infra-dev-finanzas-worker-1",
        "prefect-infra-dev-server",
        "prefect-infra-dev-ventas-worker-1",
    ]


@pytest.mark.parametrize(("base", "seconds"), [("dev", 30), ("prod", 600)])
def test_workers_answer_a_health_check_and_are_given_time_to_drain(
    program: Callable[..., Any], base: str, seconds: int
) -> None:
    workers = [inputs for name, inputs in program(base).of("Container").items() if "worker" in name]
    assert workers
    for worker in workers:
        assert worker["healthcheck"]["tests"][-1].endswith(":8080/health")
        assert worker["command"][-2:] == ["--drain-seconds", str(seconds)]
        assert worker["stopTimeout"] == worker["destroyGraceSeconds"] > seconds + 20


@pytest.mark.parametrize("preview", [False, True])
def test_a_worker_follows_another_and_only_it_and_what_it_asks_through_do(
    program: Callable[..., Any], preview: bool
) -> None:
    """Of the others there can be only one at a time: ports, data, a database."""
    for base, parts in (("dev", ["worker-1"]), ("prod", ["worker-1", "worker-2", "socket-proxy"])):
        made = program(base, preview=preview)
        following = {f"prefect-infra-{base}-{area}-{part}" for area in AREAS for part in parts}
        assert set(made.of("HandedOver")) == following
        for name, inputs in made.of("Container").items():
            label = {"label": "prefect-infra.start-first", "value": "true"}
            assert (label in inputs["labels"]) == (name in following)
            assert inputs.get("wait") == (None if name in following else not name.endswith("-migration") or None)


def test_processes_of_a_worker_know_of_each_other_by_the_areas_volume(program: Callable[..., Any]) -> None:
    """Docker workers need not: their runs live on without them."""
    for base, lives in (("dev", True), ("prod", False)):
        for name, inputs in program(base).of("Container").items():
            if "worker" in name:
                assert ("/var/lib/flows/.workers" in inputs["command"]) == lives
                assert ("/var/lib/flows" in [mount["target"] for mount in inputs["mounts"]]) == lives


def test_every_container_is_confined(program: Callable[..., Any]) -> None:
    for base in ("dev", "prod"):
        made = program(base)
        limited = {inputs["container_id"] for inputs in made.of("PidsLimit").values()}
        for name, inputs in made.of("Container").items():
            assert inputs["user"] == "10001:10001"
            assert inputs["capabilities"] == {"drops": ["ALL"]}
            assert inputs["securityOpts"] == ["no-new-privileges:true"]
            assert inputs["memory"] == inputs["memorySwap"] > 0
            assert float(inputs["cpus"]) > 0
            assert inputs["logOpts"]["max-size"]
            assert inputs["restart"] == ("no" if name.endswith("-migration") else "always")
            assert f"{name}-id" in limited
            assert not inputs.get("privileged")


def test_only_the_socket_proxy_sees_the_engines_socket(program: Callable[..., Any]) -> None:
    containers = program("prod").of("Container")
    holders = [
        name
        for name, inputs in containers.items()
        if any(mount.get("source") == "/var/run/docker.sock" for mount in inputs.get("mounts", []))
    ]
    assert sorted(holders) == [f"prefect-infra-prod-{area}-socket-proxy" for area in sorted(AREAS)]
    assert {containers[name]["networkMode"] for name in holders} == {"none"}


def test_ports_are_on_the_loopback(program: Callable[..., Any]) -> None:
    for base in ("dev", "prod"):
        for inputs in program(base).of("Container").values():
            assert {port["ip"] for port in inputs.get("ports", [])} <= {"127.0.0.1"}


def test_no_container_is_given_a_secret_as_environment_command_or_health_check(program: Callable[..., Any]) -> None:
    for inputs in program("prod").of("Container").values():
        assert not any("s3cr3t" in str(inputs.get(key)) for key in ("envs", "command", "healthcheck", "labels"))
        if "s3cr3t" in str(inputs.get("uploads")):
            # Marked as a secret as a whole, so that neither a preview nor the state shows it.
            uploads = inputs["uploads"]["value"]
            assert {upload["permissions"] for upload in uploads} == {"0444"}


def test_prods_pools_are_prods_and_of_type_docker(program: Callable[..., Any]) -> None:
    pools = program("prod").of("WorkPool")
    assert {name: pool["type"] for name, pool in pools.items()} == {f"{area}-prod": "docker" for area in AREAS}


def test_deployments_are_as_declared(program: Callable[..., Any]) -> None:
    deployment = program().of("Deployment")["importar-lista-de-precios"]
    assert deployment["work_pool_name"] == "compras-dev"
    assert deployment["entrypoint"] == "flows/compras/lista_de_precios.py:importar_lista_de_precios"
    schedule = deployment["schedules"][0]
    assert schedule["cron"] == "30 1,13,17 * * *"
    assert schedule["timezone"] == "America/Argentina/Buenos_Aires"
    assert schedule["active"] is False
    assert set(deployment["parameter_openapi_schema"]["properties"]) == {
        "archivo",
        "proveedor",
        "tolerancia_de_errores",
    }


def test_git_code_is_cloned_with_a_token_that_only_the_worker_looks_up(program: Callable[..., Any]) -> None:
    def from_git(config: dict[str, Any]) -> None:
        config["areas"]["compras"]["deployments"][0]["code"] = {
            "location": "git",
            "repository": "https://git.example/compras.git",
            "branch": "main",
        }

    steps = program(change=from_git).of("Deployment")["importar-lista-de-precios"]["pull_steps"]
    assert steps == [
        {"prefect.deployments.steps.git_clone": {"repository": "https://git.example/compras.git", "branch": "main"}}
    ]


def test_the_checkout_is_mounted_read_only_and_without_the_stacks_state(program: Callable[..., Any]) -> None:
    worker = program().of("Container")["prefect-infra-dev-compras-worker-1"]
    binds = [mount for mount in worker["mounts"] if mount["type"] == "bind"]
    assert [mount["target"] for mount in binds] == ["/srv/code/flows"]
    assert all(mount["readOnly"] for mount in binds)


def test_areas_may_stand_in_the_stack_or_in_files_of_their_own(program: Callable[..., Any]) -> None:
    for base in ("dev", "prod"):
        inline = program(base, change=lambda config: None)
        for kind in ("WorkPool", "WorkQueue", "Deployment", "Schedule"):
            assert inline.of(kind) == program(base).of(kind)


def test_each_environment_has_what_its_overlays_say(program: Callable[..., Any]) -> None:
    dev, prod = program("dev"), program("prod")
    name = "actualizar-tipos-de-cambio"
    assert [
        made.of("WorkPool")[f"compras-{env}"]["concurrency_limit"] for env, made in (("dev", dev), ("prod", prod))
    ] == [4, 8]
    assert [made.of("Deployment")[name]["schedules"][0]["interval"] for made in (dev, prod)] == [7200, 3600]
    assert [made.of("Deployment")[name]["schedules"][0]["active"] for made in (dev, prod)] == [False, True]
    assert "control-de-latidos" in dev.of("Deployment")
    assert "control-de-latidos" not in prod.of("Deployment")


def test_a_fault_in_an_areas_file_is_told_by_its_place_there(program: Callable[..., Any], tmp_path: Path) -> None:
    file = tmp_path / "areas" / "compras.yaml"
    file.write_text(file.read_text().replace("concurrency_limit: 8", "concurrency_limit: ocho"))

    with pytest.raises(
        pulumi.RunError, match=r"areas/compras\.yaml:\d+:24 error PI103 prefect-infra:areas\.compras\.in\.prod\.conc"
    ):
        program("prod", fresh=True)


def test_a_broken_stack_file_is_a_run_error_with_all_findings(program: Callable[..., Any]) -> None:
    def broken(config: dict[str, Any]) -> None:
        config["timezone"] = "UTC"
        config["areas"]["compras"]["concurrency_limit"] = "cuatro"

    with pytest.raises(pulumi.RunError) as refused:
        program(change=broken)
    assert "prefect-infra:timezone" in str(refused.value)
    assert "concurrency_limit" in str(refused.value)


def test_the_programs_main_is_short() -> None:
    lines = (Path(__file__).parents[2] / "infra" / "__main__.py").read_text().splitlines()
    assert len(lines) < 60


def test_on_a_server_that_is_there_only_objects_of_prefect_are_made(program: Callable[..., Any]) -> None:
    step = {"prefect.deployments.steps.set_working_directory": {"directory": "/opt/flujos"}}
    here = {"name": "resumen-diario", "entrypoint": "flows/ventas/resumen_diario.py:resumen_diario", "pull": [step]}
    elsewhere = {"name": "importar-stock", "entrypoint": "stock/importar.py:importar", "pull": []}

    def change(config: dict[str, Any]) -> None:
        config["server"] = {"api_url": "http://prefect.example/api", "protect": True}
        config["profiles"] = []
        config.pop("workers", None)
        config.pop("code", None)
        config["rules"] = {"PI219": {"severity": "off", "reason": "pools de antes"}}
        config["areas"] = {"ventas": {"work_pool_name": "pool-de-antes", "deployments": [here, elsewhere]}}
        config["variables"] = {"tasa_iva": {"value": 21, "tags": ["ventas"]}}
        config["global_concurrency_limits"] = {"erp": 5}
        config["tag_concurrency_limits"] = {"erp": 2}

    made = program(change=change)

    kinds = {token.rpartition(":")[2] for token, _ in made.made}
    assert kinds == {
        "ExistingServer", "prefect", "Area", "WorkPool", "Deployment", "Variable", "GlobalConcurrencyLimit",
        "TagConcurrencyLimit",
    }  # fmt: skip
    assert made.of("WorkPool")["pool-de-antes"]["owners"] == {"job_defaults": "ui", "base_job_template": "ui"}
    deployments = made.of("Deployment")
    assert deployments["resumen-diario"]["pull_steps"] == [step]
    assert deployments["resumen-diario"]["owners"] == {"path": "ui"}
    # Nothing is known of its parameters: those that whoever deployed it wrote down stay.
    assert deployments["importar-stock"]["owners"] == {"path": "ui", "parameter_openapi_schema": "ui"}
    assert "parameter_openapi_schema" not in deployments["importar-stock"]
    assert made.of("Variable")["tasa_iva"] == {"name": "tasa_iva", "value": 21, "tags": ["ventas"]}
    assert made.of("GlobalConcurrencyLimit")["erp"]["limit"] == 5
    assert made.of("TagConcurrencyLimit")["erp"] == {"tag": "erp", "concurrency_limit": 2}


def test_a_janitor_is_made_where_one_is_declared_and_runs_beat_as_it_expects(program: Callable[..., Any]) -> None:
    assert not [name for name in program("dev").of("Container") if "janitor" in name]

    def change(config: dict[str, Any]) -> None:
        config["janitor"] = {"heartbeat_seconds": 30, "retention": {"events": "30d", "runs": "90d"}}
        config["janitor"] |= {"finished_containers": "2h", "late_runs": "skip_after", "skip_after": "1h"}
        config["areas"]["ventas"]["workers"] = {"type": "docker"}

    containers = program("dev", change=change).of("Container")

    policies = Policies.model_validate_json(environment(containers["prefect-infra-dev-janitor"])["JANITOR_POLICIES"])
    assert policies.zombie_runs == 90
    assert policies.late_runs == 3600
    assert sorted(policies.pools) == ["compras-dev", "finanzas-dev", "ventas-dev"]
    for area in AREAS:
        worker = environment(containers[f"prefect-infra-dev-{area}-worker-1"])
        assert worker["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] == "30"
    server = environment(containers["prefect-infra-dev-server"])
    # As the server reads them: a number would keep every process from starting.
    period = TypeAdapter(timedelta).validate_python
    assert period(server["PREFECT_SERVER_EVENTS_RETENTION_PERIOD"]) == timedelta(days=30)
    assert server["PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED"] == "events,flow_runs"
    assert period(server["PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD"]) == timedelta(days=90)
    rules = json.loads(environment(containers["prefect-infra-dev-ventas-socket-proxy"])["SOCKET_PROXY_RULES"])
    assert rules["keep_minutes"] == 120


def test_workers_and_runs_try_again_what_a_server_without_its_database_answers(program: Callable[..., Any]) -> None:
    def change(config: dict[str, Any]) -> None:
        config["areas"]["ventas"]["workers"] = {"type": "docker"}

    made = program("dev", change=change)
    of_process_runs = environment(made.of("Container")["prefect-infra-dev-compras-worker-1"])
    of_docker_worker = environment(made.of("Container")["prefect-infra-dev-ventas-worker-1"])
    of_docker_runs = made.of("WorkPool")["ventas-dev"]["job_defaults"]["env"]
    for variables in (of_process_runs, of_docker_worker, of_docker_runs):
        assert variables["PREFECT_CLIENT_RETRY_EXTRA_CODES"] == "500,504"
    # Longer than Prefect's minute for those that have work to lose; a worker asks again by itself.
    for variables in (of_process_runs, of_docker_runs):
        assert int(variables["PREFECT_CLIENT_MAX_RETRIES"]) > 5
    assert "PREFECT_CLIENT_MAX_RETRIES" not in of_docker_worker


def test_a_worker_waits_longer_for_a_busy_engine_than_a_container_takes_to_start(program: Callable[..., Any]) -> None:
    """A run that it gave up on would be told to have crashed, and begin all the same."""
    worker = environment(program("prod").of("Container")["prefect-infra-prod-ventas-worker-1"])
    assert int(worker["DOCKER_CLIENT_TIMEOUT"]) >= 300


@pytest.mark.parametrize("kind", ["process", "docker"])
def test_workers_that_come_and_go_are_made_and_left_to_the_autoscaler(program: Callable[..., Any], kind: str) -> None:
    def change(config: dict[str, Any]) -> None:
        scale = {"min": 1, "max": 3, "cool_down": "2m"}
        config["areas"]["compras"]["workers"] = {"type": kind, "limit": 2, "autoscale": scale}

    made = program("dev", change=change)

    containers = made.of("Container")
    first, *others = [containers[f"prefect-infra-dev-compras-worker-{number}"] for number in (1, 2, 3)]
    assert (first["restart"], first.get("wait"), first.get("mustRun")) == ("always", None, None)
    for other in others:
        # Not always: what the autoscaler stopped would come back along with the engine.
        assert (other["restart"], other["start"], other["mustRun"], other["wait"]) == (
            "unless-stopped",
            *[False] * 3,
        )
        taken = made.of("HandedOver")[f"prefect-infra-dev-compras-worker-{others.index(other) + 2}"]
        assert taken["comes_and_goes"] is True
        assert other["command"] == first["command"]
        assert other["stopTimeout"] == first["stopTimeout"]
    scaler = containers["prefect-infra-dev-autoscaler"]
    policies = ScalingPolicies.model_validate_json(environment(scaler)["AUTOSCALER_POLICIES"])
    (area,) = policies.areas
    assert area.model_dump() == {
        "name": "compras",
        "pool": "compras-dev",
        "type": kind,
        "limit": 2,
        "min": 1,
        "max": 3,
        "cool_down": 120,
    }
    proxy = containers["prefect-infra-dev-autoscaler-socket-proxy"]
    rules = ScalingRules.model_validate_json(environment(proxy)["SOCKET_PROXY_RULES"])
    refused = [
        name
        for name, inputs in containers.items()
        if rules.refusal(name, {label["label"]: label["value"] for label in inputs["labels"]})
    ]
    assert sorted(containers.keys() - set(refused)) == [f"prefect-infra-dev-compras-worker-{n}" for n in (2, 3)]
    (socket,) = [mount["source"] for mount in scaler["mounts"]]
    assert proxy["networkMode"] == "none"
    assert socket in [mount["source"] for mount in proxy["mounts"]]
    sharing = [
        name for name, inputs in containers.items() if any(m["source"] == socket for m in inputs.get("mounts", []))
    ]
    assert sorted(sharing) == ["prefect-infra-dev-autoscaler", "prefect-infra-dev-autoscaler-socket-proxy"]


def test_without_autoscale_there_is_no_autoscaler(program: Callable[..., Any]) -> None:
    for base in ("dev", "prod"):
        assert not [name for name in program(base).of("Container") if "autoscaler" in name]


def test_backups_lie_on_a_volume_that_is_made_or_in_a_folder_that_is_named(program: Callable[..., Any]) -> None:
    def change(config: dict[str, Any]) -> None:
        config["backup"] = backup

    backup: dict[str, Any] = {"every": "6h"}
    made = program("dev", change=change)
    container = made.of("Container")["prefect-infra-dev-backup"]
    plan = Plan.parse(environment(container)["BACKUP_PLAN"])
    assert (plan.every, plan.keep, plan.database) == (21_600, 14, Path("/var/lib/prefect/prefect.db"))
    assert container["networkMode"] == "none"
    assert made.of("Volume")["backups"]["name"] == "prefect-infra-dev-backups"

    backup = {"folder": "/srv/backups"}
    made = program("dev", change=change)
    mounts = made.of("Container")["prefect-infra-dev-backup"]["mounts"]
    assert [mount["source"] for mount in mounts if mount["type"] == "bind"] == ["/srv/backups"]
    assert "backups" not in made.of("Volume")


def test_backups_of_postgres_reach_it_on_the_inner_network_and_find_its_password_in_a_file(
    program: Callable[..., Any],
) -> None:
    made = program("prod", change=lambda config: config.update(backup={"every": "6h"}))
    container, database = (made.of("Container")[f"prefect-infra-prod-{role}"] for role in ("backup", "postgres"))
    plan = Plan.parse(environment(container)["BACKUP_PLAN"])
    assert plan.database is None
    assert plan.prefect == version("prefect")
    assert environment(container)["PGHOST"] == "prefect-infra-prod-postgres"
    assert container["networksAdvanced"] == [{"name": "prefect-infra-prod-backend"}]
    assert container["uploads"] == database["uploads"]
    assert "prefect-infra-prod-postgres-data" not in [mount["source"] for mount in container["mounts"]]


def test_an_areas_alerts_are_automations_that_tell_its_block(program: Callable[..., Any]) -> None:
    def change(config: dict[str, Any]) -> None:
        config["alerts"] = {"to": {"type": "slack", "secret": "slack_sistemas"}, "on": ["crashed"]}
        email = {"type": "email", "secret": "sendgrid", "sender": "a@example.com", "recipients": ["b@example.com"]}
        config["areas"]["compras"]["alerts"] = {"to": email}

    made = program("dev", change=change, secrets={"slack_sistemas": "s3cr3t-url", "sendgrid": "s3cr3t-key"})

    automations = made.of("Automation")
    assert sorted(automations) == [
        *(f"compras-dev-{kind}" for kind in ("crashed", "failed", "late", "offline")),
        "finanzas-dev-crashed",
        "ventas-dev-crashed",
    ]
    assert automations["ventas-dev-crashed"]["actions"][0]["block_document_id"] == "block-uuid"
    as_html = {name for name, made in automations.items() if "escape" in made["actions"][0]["body"]}
    assert as_html == {name for name in automations if name.startswith("compras-")}
    assert automations["ventas-dev-crashed"]["trigger"]["match_related"]["prefect.resource.name"] == "ventas-dev"
    blocks = made.of("Block")
    assert {name: block["type_slug"] for name, block in blocks.items()} == {
        "compras-dev-alerts": "sendgrid-email",
        "finanzas-dev-alerts": "slack-webhook",
        "ventas-dev-alerts": "slack-webhook",
    }
    assert blocks["compras-dev-alerts"]["data"]["value"]["api_key"] == "s3cr3t-key"


def environment(container: dict[str, Any]) -> dict[str, str]:
    return dict(variable.split("=", 1) for variable in container["envs"])
