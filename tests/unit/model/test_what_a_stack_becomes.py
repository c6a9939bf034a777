"""A valid stack file becomes a complete stack: defaults filled in, what is inherited in its place."""

# ruff: noqa: E501  # a case reads best as one line

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from infra.model import (
    CheckoutCode,
    Deployment,
    GitCode,
    ImageCode,
    SecretRef,
    Stack,
    StackErrors,
    load_stack,
    load_stack_file,
)

Load = Callable[..., Stack]
REPOSITORY = Path(__file__).parents[3]


def only(stack: Stack) -> Deployment:
    (deployment,) = (deployment for area in stack.areas for deployment in area.deployments)
    return deployment


def with_deployment(rest: str = "", area: str = "", top: str = "", environment: str = "dev") -> str:
    return (
        f"config:\n  prefect-infra:environment: {environment}\n{top}  prefect-infra:areas:\n    compras:\n{area}"
        f"      deployments:\n        - name: importar-precios\n          entrypoint: flows/precios.py:importar_precios\n"
        f"          parameters: {{archivo: x.csv}}\n{rest}"
    )


def test_an_environment_is_all_that_a_stack_must_say(load: Load) -> None:
    stack = load("config: {prefect-infra:environment: dev}")

    assert stack.model_dump(exclude={"root"}) == {
        "project": "prefect-infra",
        "stack": "dev",
        "environment": "dev",
        "timezone": "America/Argentina/Buenos_Aires",
        "host": None,
        "swarm": None,
        "server": {
            "api_url": None,
            "port": "auto",
            "bind": "127.0.0.1",
            "address": "127.0.0.1",
            "auth": "none",
            "log_level": "WARNING",
            "memory_mb": 2048,
            "cpus": 2.0,
            "pids": 512,
            "protect": False,
            "csrf": False,
            "metrics": False,
            "scaled": None,
        },
        "logging": {"level": "INFO", "print": False, "extra_loggers": ()},
        "profiles": ({"name": "prefect-infra-dev", "activate": False, "settings": {}},),
        "janitor": None,
        "backup": None,
        "areas": (),
        "variables": (),
        "global_concurrency_limits": (),
        "tag_concurrency_limits": (),
    }


def test_a_deployment_is_complete(load: Load) -> None:
    deployment = only(load(with_deployment()))

    assert deployment.model_dump(exclude={"parameter_schema"}) == {
        "name": "importar-precios",
        "area": "compras",
        "pool_name": "compras-dev",
        "flow_name": "importar-precios",
        "entrypoint": "flows/precios.py:importar_precios",
        "description": "Importa la lista de precios.",
        "tags": (),
        "parameters": {"archivo": "x.csv"},
        "enforce_parameter_schema": True,
        "paused": False,
        "concurrency_limit": None,
        "collision_strategy": None,
        "grace_period_seconds": None,
        "work_queue_name": "default",
        "job_variables": {},
        "schedules": (),
        "triggers": (),
        "version": None,
        "code": {"location": "checkout"},
        "pull": None,
        "on_trust": False,
    }
    assert list(deployment.parameter_schema["properties"]) == ["archivo", "tolerancia", "monedas", "fecha"]


def test_name_and_description_of_a_flow_come_from_its_decorator(load: Load) -> None:
    text = with_deployment().replace("importar_precios", "resumir")
    deployment = only(load(text))

    assert (deployment.flow_name, deployment.description) == ("Resumen del día", "Resume el día. Nada más.")


def test_a_stack_cannot_be_changed(load: Load) -> None:
    stack = load(with_deployment())

    with pytest.raises(ValidationError):
        stack.timezone = "UTC"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("environment", "top", "schedule", "active"),
    [
        ("dev", "", "", False),
        ("dev", "", ", active: true", True),
        ("dev", "  prefect-infra:schedules_active: true\n", "", True),
        ("dev", "  prefect-infra:schedules_active: 'true'\n", "", True),
        ("prod", "", "", True),
        ("prod", "", ", active: false", False),
        ("prod", "  prefect-infra:schedules_active: false\n", "", False),
    ],
)
def test_schedules_are_active_where_they_should_run(
    load: Load, environment: str, top: str, schedule: str, active: bool
) -> None:
    rest = f"          schedules: [{{cron: '0 1 * * *'{schedule}}}]\n"

    assert [s.active for s in only(load(with_deployment(rest, "", top, environment))).schedules] == [active]


def test_schedules_have_a_slug_and_a_time_zone(load: Load) -> None:
    rest = (
        "          schedules:\n            - {cron: '0  1 * * *'}\n            - {interval: 15m, timezone: America / Santiago, active: false}\n"
        "            - {rrule: FREQ=DAILY, slug: mine}\n"
    )
    schedules = only(load(with_deployment(rest))).schedules

    assert [(s.slug, s.timezone) for s in schedules] == [
        ("cron-0-1", "America/Argentina/Buenos_Aires"),
        ("each-15m", "America/Santiago"),
        ("mine", "America/Argentina/Buenos_Aires"),
    ]
    assert (schedules[0].cron, schedules[1].interval, schedules[2].rrule) == (
        "0 1 * * *",
        900,
        "DTSTART:20200101T000000\nFREQ=DAILY",
    )
    assert schedules[1].anchor_date == "2020-01-01T00:00:00-03:00"


def test_an_area_overrides_the_stack_field_by_field(load: Load) -> None:
    stack = load(
        """
        config:
          prefect-infra:environment: dev
          prefect-infra:workers: {type: docker, replicas: 3, limit: 5}
          prefect-infra:logging: {level: WARNING, extra_loggers: [sqlalchemy]}
          prefect-infra:areas:
            compras: {workers: {replicas: 0, limit: null}, logging: {print: true}}
            ventas: {workers: {type: process}, logging: {level: DEBUG}}
        """
    )
    compras, ventas = stack.areas

    assert (compras.workers.type, compras.workers.replicas, compras.workers.limit) == ("docker", 0, None)
    assert (ventas.workers.type, ventas.workers.replicas, ventas.workers.limit) == ("process", 3, 5)
    assert compras.logging.model_dump() == {"level": "WARNING", "print": True, "extra_loggers": ("sqlalchemy",)}
    assert ventas.logging.model_dump() == {"level": "DEBUG", "print": False, "extra_loggers": ("sqlalchemy",)}
    assert (compras.pool.name, compras.pool.type, compras.title) == ("compras-dev", "docker", "Compras")


@pytest.mark.parametrize(
    ("area", "deployment", "variables"),
    [
        ("", "", {}),
        ("      env: {A: a, B: a}\n", "          env: {B: d}\n", {"env": {"A": "a", "B": "d"}}),
        ("", "          command: python -m x\n", {"command": "python -m x"}),
        ("", "          logging: {level: DEBUG}\n", {"env": {"PREFECT_LOGGING_LEVEL": "DEBUG"}}),
        ("", "          logging: {level: INFO, print: false}\n", {}),
        ("      logging: {level: DEBUG}\n", "          logging: {level: DEBUG}\n", {}),
        ("      logging: {level: DEBUG}\n", "          logging: {level: INFO}\n", {"env": {"PREFECT_LOGGING_LEVEL": "INFO"}}),
        ("", "          logging: {print: true}\n", {"env": {"PREFECT_LOGGING_LOG_PRINTS": "true"}}),
        ("      logging: {print: true}\n", "          logging: {print: false}\n", {"env": {"PREFECT_LOGGING_LOG_PRINTS": "false"}}),
        ("", "          env: {PREFECT_LOGGING_LEVEL: ERROR}\n          logging: {level: DEBUG}\n", {"env": {"PREFECT_LOGGING_LEVEL": "ERROR"}}),
        ("      env: {A: a}\n", "          env: {B: b}\n          work_pool: {job_variables: {env: {A: j}, working_dir: /srv}}\n", {"env": {"A": "j", "B": "b"}, "working_dir": "/srv"}),
        ("", "          command: a\n          work_pool: {job_variables: {command: b}}\n", {"command": "b"}),
    ],
)  # fmt: skip
def test_job_variables_are_merged_and_the_more_particular_wins(
    load: Load, area: str, deployment: str, variables: dict[str, Any]
) -> None:
    assert only(load(with_deployment(deployment, area))).job_variables == variables


@pytest.mark.parametrize(
    ("top", "area", "deployment", "code"),
    [
        ("", "", "", CheckoutCode()),
        ("  prefect-infra:code: {location: image}\n", "", "", ImageCode()),
        ("  prefect-infra:code: {location: image}\n", "      code: {location: checkout}\n", "", CheckoutCode()),
        ("", "      code: {location: image}\n", "          code: {location: checkout}\n", CheckoutCode()),
        ("", "", "          code: {location: git, repository: 'https://x/y', branch: main}\n", GitCode(repository="https://x/y", branch="main")),
        ("  prefect-infra:git_token: {secure: v1:x}\n", "", "          code: {location: git, repository: r, commit_sha: 1f0c2d9, access_token: {secret: git_token}}\n", GitCode(repository="r", commit_sha="1f0c2d9", access_token=SecretRef(secret="git_token"))),
    ],
)  # fmt: skip
def test_code_is_where_the_nearest_says(load: Load, top: str, area: str, deployment: str, code: object) -> None:
    assert only(load(with_deployment(deployment, area, top))).code == code


def test_code_of_another_repository_is_taken_on_trust(load: Load) -> None:
    text = with_deployment("          code: {location: git, repository: r}\n").replace("flows/precios", "otra/parte")
    deployment = only(load(text))

    assert deployment.flow_name == "importar-precios"
    assert deployment.parameter_schema["properties"] == {}


@pytest.mark.parametrize(
    ("written", "limit"),
    [
        ("2", (2, "ENQUEUE", None)),
        ("{limit: 1, collision_strategy: CANCEL_NEW}", (1, "CANCEL_NEW", None)),
        ("{limit: 1, grace_period_seconds: 600}", (1, "ENQUEUE", 600)),
        ("", (None, None, None)),
    ],
)
def test_a_concurrency_limit_is_a_number_or_says_what_becomes_of_the_rest(
    load: Load, written: str, limit: tuple[object, object]
) -> None:
    deployment = only(load(with_deployment(f"          concurrency_limit: {written}\n")))

    assert (deployment.concurrency_limit, deployment.collision_strategy, deployment.grace_period_seconds) == limit


def test_queues_come_by_priority_and_those_without_take_what_is_free(load: Load) -> None:
    stack = load(
        "config: {prefect-infra:environment: dev, prefect-infra:areas: {compras: {queues: "
        "{a: {}, b: {priority: 1}, c: {}, default: {priority: 9, paused: true}}}}}"
    )

    assert [(q.name, q.priority, q.paused) for q in stack.areas[0].pool.queues] == [
        ("b", 1, False),
        ("a", 2, False),
        ("c", 3, False),
        ("default", 9, True),
    ]


def test_a_key_with_nothing_after_it_is_left_out(load: Load) -> None:
    stack = load(
        """
        config:
          prefect-infra:environment: dev
          prefect-infra:server:
          prefect-infra:areas:
            compras:
              queues:
              deployments:
            ventas:
        """.replace("            ventas:\n", "")
    )

    assert stack.server.port == "auto"
    assert stack.areas[0].deployments == ()


def test_parameters_that_a_schedule_gives_need_not_be_in_the_deployment(load: Load) -> None:
    rest = "          schedules: [{cron: '0 1 * * *', active: true, parameters: {archivo: y.csv}}]\n"
    text = with_deployment(rest).replace("          parameters: {archivo: x.csv}\n", "")

    assert only(load(text)).schedules[0].parameters == {"archivo": "y.csv"}


def test_an_inactive_schedule_may_lack_parameters(load: Load) -> None:
    text = with_deployment("          schedules: [{cron: '0 1 * * *'}]\n").replace("{archivo: x.csv}", "{}")

    assert not only(load(text)).schedules[0].active


def test_anchors_and_merges_of_yaml_are_followed(load: Load) -> None:
    stack = load(
        """
        config:
          prefect-infra:environment: dev
          prefect-infra:areas:
            compras: &area
              env: {A: b}
              concurrency_limit: 3
            ventas:
              <<: *area
              concurrency_limit: 4
        """
    )

    assert [(a.env, a.pool.concurrency_limit) for a in stack.areas] == [({"A": "b"}, 3), ({"A": "b"}, 4)]


def test_words_and_times_of_day_stay_the_text_they_are(load: Load) -> None:
    rest = "          env: {A: no, B: 12:30}\n"
    text = with_deployment(rest).replace("{archivo: x.csv}", '{archivo: x.csv, fecha: "2026-01-31", tolerancia: 010}')
    deployment = only(load(text))

    assert deployment.parameters["fecha"] == "2026-01-31"
    assert deployment.parameters["tolerancia"] == 8  # as Pulumi reads it
    assert deployment.job_variables["env"] == {"A": "no", "B": "12:30"}


class TestPersonalStacks:
    BASE = "config: {prefect-infra:environment: dev, prefect-infra:timezone: America/Santiago, prefect-infra:server: {port: 5000, pids: 100}}"

    def test_each_key_comes_from_the_own_file_or_from_the_base(self, write: Callable[..., Path]) -> None:
        root = write(self.BASE)
        write("config: {prefect-infra:server: {port: 6000}}", "dev-ana")
        stack = load_stack_file(root, "dev-ana")

        assert (stack.stack, stack.environment, stack.timezone) == ("dev-ana", "dev", "America/Santiago")
        assert (stack.server.port, stack.server.pids) == (6000, 512)  # a key is replaced whole
        assert stack.profiles[0].name == "prefect-infra-dev-ana"

    def test_a_stack_without_a_file_of_its_own_is_its_base(self, write: Callable[..., Path]) -> None:
        assert load_stack_file(write(self.BASE), "dev-ana-2").server.port == 5000

    def test_the_longest_base_counts(self, write: Callable[..., Path]) -> None:
        root = write(self.BASE)
        write("config: {prefect-infra:environment: dev, prefect-infra:timezone: Europe/Madrid}", "dev-eu")

        assert load_stack_file(root, "dev-eu-ana").timezone == "Europe/Madrid"

    def test_values_that_pulumi_gives_come_first(self, write: Callable[..., Path]) -> None:
        root = write(self.BASE)
        stack = load_stack({"timezone": "Europe/Madrid"}, project="p", stack="dev-ana", root=root)

        assert (stack.timezone, stack.environment, stack.project) == ("Europe/Madrid", "dev", "p")

    def test_a_fault_of_the_base_is_told_in_the_base(self, write: Callable[..., Path]) -> None:
        root = write("config:\n  prefect-infra:environment: dev\n  prefect-infra:timezone: UTC\n")
        with pytest.raises(StackErrors) as raised:
            load_stack_file(root, "dev-ana")

        assert [(f.file, f.line) for f in raised.value.findings] == [("Pulumi.dev.yaml", 3)]

    def test_secrets_of_the_base_stay_with_it(self, write: Callable[..., Path]) -> None:
        root = write(
            "config: {prefect-infra:environment: dev, prefect-infra:git_token: {secure: v1:x}, "
            "prefect-infra:code: {location: git, repository: r, access_token: {secret: git_token}}}"
        )
        assert load_stack_file(root, "dev")
        with pytest.raises(StackErrors, match="no secret 'git_token'"):
            load_stack_file(root, "dev-ana")


def test_secret_values_are_never_looked_at(write: Callable[..., Path]) -> None:
    root = write("config: {prefect-infra:environment: dev, prefect-infra:auth_string: {secure: v1:x}}")
    stack = load_stack(
        {"environment": "dev", "auth_string": "admin:canary"},
        project="p",
        stack="dev",
        root=root,
        secrets={"auth_string"},
    )

    assert "canary" not in repr(stack)


@pytest.mark.parametrize(("name", "schedules"), [("dev", False), ("prod", True)])
def test_the_stacks_of_this_repository_are_valid(name: str, schedules: bool) -> None:
    stack = load_stack_file(REPOSITORY, name)

    assert [area.pool.name for area in stack.areas] == [f"{area}-{name}" for area in ("compras", "ventas", "finanzas")]
    assert {d.name for area in stack.areas for d in area.deployments} >= {
        "importar-lista-de-precios",
        "resumen-diario-de-ventas",
        "actualizar-tipos-de-cambio",
    }
    assert all(
        s.active == (schedules or d.name == "control-de-latidos")
        for area in stack.areas
        for d in area.deployments
        for s in d.schedules
    )


def test_production_asks_who_one_is_and_isolates_runs() -> None:
    stack = load_stack_file(REPOSITORY, "prod")

    assert stack.server.auth == "required"
    assert {(area.workers.type, area.workers.replicas) for area in stack.areas} == {("docker", 2)}
    assert {d.code.location for area in stack.areas for d in area.deployments} == {"image"}


def test_a_server_that_is_there_has_its_pools_and_code_as_they_are(load: Load) -> None:
    stack = load("""
    config:
      prefect-infra:environment: prod
      prefect-infra:server: {api_url: "https://prefect.example.com/api", auth: required}
      prefect-infra:auth_string: {secure: v1:x}
      prefect-infra:rules: {PI219: {severity: "off", reason: el pool existe}}
      prefect-infra:areas:
        compras:
          work_pool_name: pool-de-antes
          paused: true
          deployments:
            - name: importar-stock
              entrypoint: stock/importar.py:importar
              flow_name: Importar stock
              version: "7"
              pull: [{prefect.deployments.steps.set_working_directory: {directory: /opt/flujos}}]
              work_pool: {name: pool-de-antes}
              triggers:
                - {expect: [a], within: PT1H}
                - {require: any, triggers: [{expect: [a]}, {posture: Proactive, expect: [b], within: 60}]}
    """)
    (area,) = stack.areas
    (deployment,) = area.deployments

    assert stack.server.api_url == "https://prefect.example.com/api"
    assert (area.pool.name, area.pool.paused, deployment.pool_name) == ("pool-de-antes", True, "pool-de-antes")
    assert (deployment.flow_name, deployment.version, deployment.on_trust) == ("Importar stock", "7", True)
    assert deployment.pull == ({"prefect.deployments.steps.set_working_directory": {"directory": "/opt/flujos"}},)
    assert deployment.triggers == (
        {"expect": ["a"], "within": "PT1H"},
        {"require": "any", "triggers": [{"expect": ["a"]}, {"posture": "Proactive", "expect": ["b"], "within": 60}]},
    )


def test_variables_and_limits_belong_to_the_stack(load: Load) -> None:
    stack = load("""
    config:
      prefect-infra:environment: dev
      prefect-infra:variables:
        tasa_iva: {value: 21}
        vacia: {value: '', tags: [a, b]}
      prefect-infra:global_concurrency_limits: {erp: 0, api: {limit: 60, slot_decay_per_second: 1, active: false}}
      prefect-infra:tag_concurrency_limits: {base-de-datos: 3}
    """)

    assert [variable.model_dump() for variable in stack.variables] == [
        {"name": "tasa_iva", "value": 21, "tags": ()},
        {"name": "vacia", "value": "", "tags": ("a", "b")},
    ]
    assert [limit.model_dump() for limit in stack.global_concurrency_limits] == [
        {"name": "erp", "limit": 0, "active": True, "slot_decay_per_second": 0.0},
        {"name": "api", "limit": 60, "active": False, "slot_decay_per_second": 1.0},
    ]
    assert [limit.model_dump() for limit in stack.tag_concurrency_limits] == [
        {"tag": "base-de-datos", "concurrency_limit": 3}
    ]


@pytest.mark.parametrize("area", ["{work_pool_name: compras-prod}", "{in: {dev: {work_pool_name: compras-prod}}}"])
def test_dev_cannot_name_a_pool_of_prod(write: Callable[..., Path], area: str) -> None:
    root = write(f"""
    config:
      prefect-infra:environment: dev
      prefect-infra:rules: {{PI219: {{severity: "off", reason: x}}}}
      prefect-infra:areas: {{compras: {area}}}
    """)
    write("config: {prefect-infra:environment: prod}", "prod")
    with pytest.raises(StackErrors, match="'compras-prod' is one of the environment 'prod'"):
        load_stack_file(root, "dev")
