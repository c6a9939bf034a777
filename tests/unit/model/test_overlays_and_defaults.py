"""What differs by environment, and what deployments have unless they say otherwise."""

# ruff: noqa: E501  # a case reads best as one line

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.model import Deployment, Finding, Stack, StackErrors, load_stack_file

AREA = """\
config:
  prefect-infra:environment: {environment}
  prefect-infra:areas:
    compras:
      concurrency_limit: 4
      queues: {{urgente: {{priority: 1, concurrency_limit: 1}}, lenta: {{priority: 2}}}}
      env: {{A: base, B: base}}
      deployments:
        - name: importar-precios
          entrypoint: flows/precios.py:importar_precios
          parameters: {{archivo: base.csv, tolerancia: 1}}
          tags: [a, b]
          schedules: [{{cron: "0 1 * * *"}}, {{cron: "0 2 * * *"}}]
{deployment}
{area}
"""


@pytest.fixture
def of(write: Callable[..., Path]) -> Callable[..., Stack]:
    """The stack of an environment; there are a dev and a prod one with the same area."""

    def _of(environment: str, deployment: str = "", area: str = "") -> Stack:
        def indented(text: str, by: int) -> str:
            return "\n".join(" " * by + line for line in text.splitlines())

        for name in ("dev", "prod"):
            text = AREA.format(environment=name, deployment=indented(deployment, 10), area=indented(area, 6))
            root = write(text, name)
        return load_stack_file(root, environment)

    return _of


def only(stack: Stack) -> Deployment:
    (deployment,) = (deployment for area in stack.areas for deployment in area.deployments)
    return deployment


def findings(load: Callable[[], Any]) -> tuple[Finding, ...]:
    with pytest.raises(StackErrors) as raised:
        load()
    return raised.value.findings


@pytest.mark.parametrize(("environment", "limit"), [("dev", 4), ("prod", 8)])
def test_an_overlay_counts_in_its_environment_alone(of: Callable[..., Stack], environment: str, limit: int) -> None:
    assert of(environment, area="in: {prod: {concurrency_limit: 8}}").areas[0].pool.concurrency_limit == limit


def test_mappings_are_merged_as_deep_as_they_go(of: Callable[..., Stack]) -> None:
    (area,) = of("prod", area="in: {prod: {queues: {urgente: {description: Ya}}, env: {B: prod, C: prod}}}").areas

    assert [(q.name, q.priority, q.concurrency_limit, q.description) for q in area.pool.queues] == [
        ("urgente", 1, 1, "Ya"),
        ("lenta", 2, None, None),
    ]
    assert area.env == {"A": "base", "B": "prod", "C": "prod"}


def test_lists_are_replaced_whole(of: Callable[..., Stack]) -> None:
    made = only(of("prod", 'in: {prod: {tags: [c], schedules: [{cron: "0 9 * * *"}]}}'))

    assert made.tags == ("c",)
    assert [schedule.cron for schedule in made.schedules] == ["0 9 * * *"]


@pytest.mark.parametrize(
    ("deployment", "area", "left"),
    [
        ("in: {prod: {parameters: {tolerancia: null}}}", "", lambda s: only(s).parameters == {"archivo": "base.csv"}),
        ("in: {prod: {tags: null}}", "", lambda s: only(s).tags == ()),
        ("in: {prod: {schedules: }}", "", lambda s: only(s).schedules == ()),
        ("", "in: {prod: {concurrency_limit: null}}", lambda s: s.areas[0].pool.concurrency_limit is None),
        ("", "in: {prod: {queues: {lenta: null}}}", lambda s: [q.name for q in s.areas[0].pool.queues] == ["urgente"]),
        ("", "in: {prod: {env: {A: null, Z: null}}}", lambda s: s.areas[0].env == {"B": "base"}),
        ("", "in: {prod: {env: null}}", lambda s: s.areas[0].env == {}),
        ("in: {prod: }", "in: {prod: {}}", lambda s: only(s).tags == ("a", "b")),
        ("in: ", "in: {}", lambda s: only(s).tags == ("a", "b")),
    ],
)
def test_nothing_takes_away_what_it_lies_over(
    of: Callable[..., Stack], deployment: str, area: str, left: Callable[[Stack], bool]
) -> None:
    assert left(of("prod", deployment, area))


def test_no_limit_is_a_value_of_workers_in_overlays_too(of: Callable[..., Stack]) -> None:
    (area,) = of("prod", area="workers: {limit: 5}\nin: {prod: {workers: {limit: null}}}").areas

    assert area.workers.limit is None


def test_code_with_a_location_replaces_code_whole_and_one_without_is_merged(of: Callable[..., Stack]) -> None:
    base = "code: {location: git, repository: r, branch: main}\n"
    replaced = only(of("dev", base + "in: {dev: {code: {location: checkout}}}"))
    merged = only(of("prod", base + "in: {prod: {code: {branch: null, commit_sha: 1f0c2d9}}}"))

    assert replaced.code.model_dump() == {"location": "checkout"}
    assert (merged.code.repository, merged.code.branch, merged.code.commit_sha) == ("r", None, "1f0c2d9")  # type: ignore[union-attr]


def test_a_deployment_may_be_in_some_environments_only(of: Callable[..., Stack]) -> None:
    assert [len(of(each, "only_in: [dev]").areas[0].deployments) for each in ("dev", "prod")] == [1, 0]


@pytest.mark.parametrize(("environment", "active"), [("dev", True), ("prod", False)])
def test_schedules_can_be_switched_by_environment_without_repeating_them(
    of: Callable[..., Stack], environment: str, active: bool
) -> None:
    made = only(of(environment, "in: {dev: {schedules_active: true}}", "in: {prod: {schedules_active: false}}"))

    assert [schedule.active for schedule in made.schedules] == [active, active]


@pytest.mark.parametrize("environment", ["dev", "prod"])
@pytest.mark.parametrize(
    ("deployment", "area", "path", "message", "hint"),
    [
        ("in: {prd: {tags: []}}", "", "deployments[0].in.prd", "no stack has the environment 'prd'", "'prod'"),
        ("", "in: {prd: {}}", "in.prd", "no stack has the environment 'prd'", "'prod'"),
        ("only_in: [dve]", "", "deployments[0].only_in[0]", "no stack has the environment 'dve'", "'dev'"),
        ("in: {prod: {tgas: []}}", "", "deployments[0].in.prod.tgas", "there is no key 'tgas'", "'tags'"),
        ("in: {prod: {name: otro}}", "", "deployments[0].in.prod.name", "there is no key 'name'", "only_in"),
        ("", "in: {prod: {deployments: []}}", "in.prod.deployments", "there is no key 'deployments'", "only_in"),
        ("", "in: {prod: {workers: {replicas: dos}}}", "in.prod.workers.replicas", "a whole number", None),
        ("", "in: {prod: {in: {}}}", "in.prod.in", "there is no key 'in'", None),
        ("", "in: [prod]", "in", "must be a mapping", None),
        ("only_in: dev", "", "deployments[0].only_in", "must be a list", "[dev]"),
        ("", "defaults: {env: {A: b}}", "defaults.env", "there is no key 'env'", "beside"),
        ("", "defaults: {parameters: {archivoo: x}}", "defaults.parameters.archivoo", "no flow", "'archivo'"),
        ("", "defaults: {tags: x}", "defaults.tags", "must be a list", "[x]"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_any_overlay_is_told_in_each_stack_by_its_own_place(
    of: Callable[..., Stack], environment: str, deployment: str, area: str, path: str, message: str, hint: str | None
) -> None:
    (finding,) = findings(lambda: of(environment, deployment, area))

    assert finding.path == f"prefect-infra:areas.compras.{path}"
    assert message in finding.message
    assert (hint or "") in (finding.hint or "")
    assert finding.file == f"Pulumi.{environment}.yaml"
    assert finding.line in (14, 15)


@pytest.mark.parametrize(
    ("deployment", "area", "path", "message"),
    [
        ("in: {prod: {work_pool: {name: compras-dev}}}", "", "deployments[0].in.prod.work_pool.name", "'compras-prod'"),
        ("in: {prod: {work_pool: {work_queue_name: x}}}", "", "deployments[0].in.prod.work_pool.work_queue_name", "no queue"),
        ('in: {prod: {schedules: [{cron: "0 1 * * *"}, {cron: "0 25 * * *"}]}}', "", "deployments[0].in.prod.schedules[1].cron", "hour"),
        ("in: {prod: {parameters: {tolerancia: x}}}", "", "deployments[0].in.prod.parameters.tolerancia", "whole number"),
        ("in: {prod: {entrypoint: 'flows/precios.py:leer'}}", "", "deployments[0].in.prod.entrypoint", "no function"),
        ("in: {prod: {entrypoint: null}}", "", "deployments[0].in.prod.entrypoint", "must be text"),
        ("", "in: {prod: {queues: {lenta: {priority: 1}}}}", "in.prod.queues.lenta.priority", "priority 1"),
        ("", "in: {prod: {defaults: {work_pool: {work_queue_name: x}}}}", "in.prod.defaults.work_pool.work_queue_name", "no queue"),
        ("", "defaults: {work_pool: {name: compras-dev}}", "defaults.work_pool.name", "'compras-prod'"),
        ("in: {prod: {concurrency_limit: {collision_strategy: ENQUEUE}}}", "", "deployments[0].in.prod.concurrency_limit.limit", "missing"),
    ],
)  # fmt: skip
def test_what_an_overlay_means_is_checked_where_it_counts_and_told_where_it_stands(
    of: Callable[..., Stack], deployment: str, area: str, path: str, message: str
) -> None:
    (finding,) = findings(lambda: of("prod", deployment, area))

    assert finding.path == f"prefect-infra:areas.compras.{path}"
    assert message in finding.message
    assert finding.line in (14, 15)


def test_faults_behind_a_deployment_that_is_not_here_are_told_by_their_own_place(write: Callable[..., Path]) -> None:
    text = (
        "config:\n  prefect-infra:environment: {0}\n  prefect-infra:areas:\n    compras:\n      deployments:\n"
        "        - {{name: una, entrypoint: 'flows/precios.py:resumir', only_in: [dev]}}\n"
        "        - {{name: dos, entrypoint: 'flows/precios.py:resumi'}}\n"
    )
    write(text.format("dev"), "dev")
    (finding,) = findings(lambda: load_stack_file(write(text.format("prod"), "prod"), "prod"))

    assert (finding.path, finding.line) == ("prefect-infra:areas.compras.deployments[1].entrypoint", 7)


DEFAULTS = """\
config:
  prefect-infra:environment: dev
  prefect-infra:defaults:
    tags: [datos]
    concurrency_limit: {limit: 1, collision_strategy: CANCEL_NEW}
    parameters: {tolerancia: 1, archivo: stack.csv}
  prefect-infra:areas:
    compras:
      queues: {urgente: {}}
      defaults:
        parameters: {archivo: area.csv}
        work_pool: {work_queue_name: urgente, job_variables: {name: uno, command: uno}}
      deployments:
        - {name: sin-nada, entrypoint: 'flows/precios.py:importar_precios'}
        - name: con-todo
          entrypoint: flows/precios.py:importar_precios
          tags: [propio]
          concurrency_limit:
          parameters: {archivo: propio.csv}
          work_pool: {work_queue_name: default, job_variables: {command: dos}}
    ventas:
      deployments:
        - {name: otra, entrypoint: 'flows/precios.py:importar_precios'}
"""


def test_the_nearest_default_counts_and_a_deployment_over_all(write: Callable[..., Path]) -> None:
    stack = load_stack_file(write(DEFAULTS), "dev")
    sin, con, otra = (each for area in stack.areas for each in area.deployments)

    assert (sin.tags, con.tags, otra.tags) == (("datos",), ("propio",), ("datos",))
    assert [each.concurrency_limit for each in (sin, con, otra)] == [1, None, 1]
    assert sin.parameters == {"tolerancia": 1, "archivo": "area.csv"}
    assert con.parameters == {"tolerancia": 1, "archivo": "propio.csv"}
    assert otra.parameters == {"tolerancia": 1, "archivo": "stack.csv"}
    assert [each.work_queue_name for each in (sin, con, otra)] == ["urgente", "default", "default"]
    uno = {"name": "uno", "command": "uno"}
    assert [each.job_variables for each in (sin, con, otra)] == [uno, uno | {"command": "dos"}, {}]


def test_a_default_parameter_goes_to_the_flows_that_take_it(write: Callable[..., Path]) -> None:
    flow = "entrypoint: 'flows/precios.py:importar_precios'"
    root = write(DEFAULTS.replace(f"name: otra, {flow}", "name: otra, entrypoint: 'flows/una.py:una'"))
    (root / "flows" / "una.py").write_text(
        "from prefect import flow\n\n\n@flow\ndef una(tolerancia: int = 0):\n    pass\n"
    )
    *_, otra = (each for area in load_stack_file(root, "dev").areas for each in area.deployments)

    assert otra.parameters == {"tolerancia": 1}


def test_the_environment_variables_of_the_stack_reach_every_area(write: Callable[..., Path]) -> None:
    text = (
        "config:\n  prefect-infra:environment: dev\n  prefect-infra:env: {A: stack, B: stack}\n"
        "  prefect-infra:areas: {compras: {env: {B: area}}, ventas: {}}\n"
    )
    compras, ventas = load_stack_file(write(text), "dev").areas

    assert (compras.env, ventas.env) == ({"A": "stack", "B": "area"}, {"A": "stack", "B": "stack"})
