"""Edits of the UI in the files that declare what was edited: in the right file, at the right place, or told why not."""

from __future__ import annotations

import copy
import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from infra.adoption.ui_edits import Adoption, adopted, matches
from infra.drift import Observed, differences
from infra.model import Deployment, Schedule, Stack, load_stack_file
from infra.provider.diffing import diff
from infra.provider.kinds.deployment_inputs import DeploymentInputs

FLOWS = '''
from prefect import flow


@flow
def importar(archivo: str = "a.csv", minimo: int = 1) -> None:
    """Importa."""
'''
DEV = """\
config:
  prefect-infra:environment: dev
  prefect-infra:defaults:
    tags: [equipo]
  prefect-infra:areas:
    compras: areas/compras.yaml
    ventas:
      deployments:
        - name: importar-ventas
          entrypoint: flows/todo.py:importar
          concurrency_limit: 1 # one at a time
"""
PROD = """\
config:
  prefect-infra:environment: prod
  prefect-infra:areas:
    compras: areas/compras.yaml
"""
COMPRAS = """\
title: Compras
concurrency_limit: 4 # for the ERP
env: {SUCURSAL: Centro}
queues:
  urgente:
    priority: 1
deployments:
  - name: importar-precios
    entrypoint: flows/todo.py:importar
    parameters:
      minimo: 5 # by contract
    env:
      CLAVE: valor
    schedules:
      - cron: "0 7 * * *" # early
      - interval: 2h
        slug: cada-dos-horas
    in:
      dev:
        parameters:
          archivo: prueba.csv # a small one
  - name: importar-todo
    entrypoint: flows/todo.py:importar
in:
  dev:
    description: De prueba
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "flows").mkdir()
    (tmp_path / "areas").mkdir()
    (tmp_path / "flows" / "todo.py").write_text(FLOWS)
    for name, text in (("Pulumi.dev.yaml", DEV), ("Pulumi.prod.yaml", PROD), ("areas/compras.yaml", COMPRAS)):
        (tmp_path / name).write_text(text)
    return tmp_path


def schedule(declared: Schedule) -> dict[str, Any]:
    keys = ("slug", "cron", "interval", "rrule", "timezone", "day_or", "anchor_date", "active", "parameters")
    return {key: value for key in keys if (value := getattr(declared, key)) is not None}


def deployment(declared: Deployment) -> dict[str, Any]:
    """As the provider has it in the state: the component's words, in canonical form."""
    canonical = DeploymentInputs(
        name=declared.name,
        flow_name=declared.flow_name,
        entrypoint=declared.entrypoint,
        work_pool_name=declared.pool_name,
        work_queue_name=declared.work_queue_name,
        description=declared.description,
        tags=declared.tags,
        parameters=declared.parameters,
        job_variables=declared.job_variables,
        paused=declared.paused,
        concurrency_limit=declared.concurrency_limit,
        collision_strategy=declared.collision_strategy or "ENQUEUE",
        grace_period_seconds=declared.grace_period_seconds,
        schedules=[schedule(each) for each in declared.schedules],
    ).canonical()
    plain: dict[str, Any] = json.loads(json.dumps(canonical))
    return plain


def found(stack: Stack, name: str) -> dict[str, Any]:
    return next(deployment(each) for area in stack.areas for each in area.deployments if each.name == name)


def edited(area: str, kind: str, name: str, state: dict[str, Any], server: dict[str, Any]) -> Observed:
    return Observed(
        urn=f"urn:pulumi:dev::p::prefect:index:{kind}::{name}",
        type=f"prefect:index:{kind}",
        name=name,
        area=area,
        what="edited",
        declared=state,
        state=state,
        server=server,
        paths=tuple(change.path for change in diff(server, state)),
        outputs={},
    )


def adopt(checkout: Path, name: str, only_here: bool = False, **changes: Any) -> Adoption:
    """Of a deployment: keys with None go."""
    stack = load_stack_file(checkout, "dev")
    state = found(stack, name)
    server = {key: value for key, value in {**copy.deepcopy(state), **changes}.items() if value is not None}
    area = next(each.name for each in stack.areas for inner in each.deployments if inner.name == name)
    seen = edited(area, "Deployment", name, state, server)
    made = adopted(checkout, "dev", differences([seen]), only_here=only_here)
    if made.change is not None:
        made.change.write()
        assert made.left or found(load_stack_file(checkout, "dev"), name) == server  # the next preview is empty
    return made


def lines(made: Adoption) -> list[str]:
    assert made.change is not None
    told = made.change.difference().splitlines()
    return [line for line in told if line[0] in "+-" and line[:3] not in ("+++", "---")]


def test_a_value_goes_where_it_was_written_and_its_comment_stays(checkout: Path) -> None:
    made = adopt(checkout, "importar-precios", parameters={"minimo": 7, "archivo": "otra.csv"})

    assert lines(made) == [
        "-      minimo: 5 # by contract",
        "+      minimo: 7 # by contract",
        "-          archivo: prueba.csv # a small one",
        "+          archivo: otra.csv # a small one",
    ]
    assert made.others == ("prod",)


def test_what_nobody_wrote_goes_to_this_environment_where_the_file_is_of_others_too(checkout: Path) -> None:
    before = load_stack_file(checkout, "prod")

    made = adopt(checkout, "importar-todo", paused=True)

    assert lines(made) == ["+    in:", "+      dev:", "+        paused: true"]
    assert load_stack_file(checkout, "prod").areas == before.areas


def test_and_to_the_deployment_itself_where_it_is_of_this_one_alone(checkout: Path) -> None:
    made = adopt(checkout, "importar-ventas", paused=True, concurrency_limit=3)

    assert lines(made) == [
        "-          concurrency_limit: 1 # one at a time",
        "+          concurrency_limit: 3 # one at a time",
        "+          paused: true",
    ]
    assert made.change is not None
    assert list(made.change.texts) == ["Pulumi.dev.yaml"]


def test_only_here_leaves_what_was_written_for_all(checkout: Path) -> None:
    before = load_stack_file(checkout, "prod")

    made = adopt(checkout, "importar-precios", only_here=True, parameters={"minimo": 7, "archivo": "prueba.csv"})

    assert lines(made) == ["+          minimo: 7"]
    assert load_stack_file(checkout, "prod").areas == before.areas


def test_over_a_default_comes_a_value_of_its_own(checkout: Path) -> None:
    made = adopt(checkout, "importar-ventas", tags=["equipo", "ventas"])

    assert lines(made) == ["+          tags:", "+            - equipo", "+            - ventas"]


def test_a_moved_schedule_keeps_its_slug_and_with_it_its_id(checkout: Path) -> None:
    state = found(load_stack_file(checkout, "dev"), "importar-precios")
    moved = [{**each, "cron": "45 6 * * 1-5"} if each.get("cron") else each for each in state["schedules"]]

    made = adopt(checkout, "importar-precios", schedules=moved)

    assert lines(made) == [
        '-      - cron: "0 7 * * *" # early',
        '+      - cron: "45 6 * * 1-5" # early',
        "+        slug: cron-0-7",
    ]


def test_schedules_come_go_and_are_switched(checkout: Path) -> None:
    state = found(load_stack_file(checkout, "dev"), "importar-precios")
    (interval,) = [each for each in state["schedules"] if "interval" in each]
    assert interval.pop("active") is False  # true goes without saying
    new = {"slug": "unnamed-0a1b2c3d", "cron": "5 9 * * *", "timezone": "America/Santiago"}

    made = adopt(checkout, "importar-precios", schedules=[{**interval, "interval": 5400.0}, new])

    assert lines(made) == [
        '-      - cron: "0 7 * * *" # early',
        "-      - interval: 2h",
        "+      - interval: 90m",
        "+        active: true",
        '+      - cron: "5 9 * * *"',
        "+        timezone: America/Santiago",
        "+        slug: unnamed-0a1b2c3d",
        "+        active: true",
    ]


def test_job_variables_go_to_the_keys_that_they_come_from(checkout: Path) -> None:
    made = adopt(
        checkout,
        "importar-precios",
        job_variables={"env": {"CLAVE": "otro", "SUCURSAL": "Sur"}, "stream_output": False, "command": "python a.py"},
    )

    assert lines(made) == [
        "-      CLAVE: valor",
        "+      CLAVE: otro",
        "+        command: python a.py",
        "+        work_pool:",
        "+          job_variables:",
        "+            stream_output: false",
        "+        env:",
        "+          SUCURSAL: Sur",
    ]


def test_what_was_cleared_is_taken_away_and_what_would_show_through_is_null(checkout: Path) -> None:
    area = checkout / "areas" / "compras.yaml"
    area.write_text(COMPRAS.replace("          archivo: prueba.csv # a small one\n", "          minimo: 9\n"))

    made = adopt(checkout, "importar-precios", parameters=None, job_variables={"env": {"SUCURSAL": "Centro"}})

    assert lines(made) == ["-    env:", "-      CLAVE: valor", "-          minimo: 9", "+          minimo: null"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"schedules": [{"slug": "a", "cron": "0 7 * * *", "timezone": "UTC"}]}, "UTC"),
        ({"description": None}, "docstring"),
        ({"parameters": {"minimo": "mucho"}}, "PI"),
        ({"work_queue_name": "lenta"}, "no queue 'lenta'"),
        ({"job_variables": {"env": {"SUCURSAL": "Centro", "TOKEN": "ghp_" + "A1b2C3d4" * 5}}}, "block"),
        ({"job_variables": None}, "area or the stack"),
        ({"path": "/opt"}, "code"),
        ({"tags": None}, "equipo"),
    ],
)
def test_what_a_file_cannot_say_is_told_and_left(checkout: Path, changes: dict[str, Any], told: str) -> None:
    name = "importar-todo"
    if told == "equipo":
        made = adopt(checkout, name, **changes)
        assert lines(made) == ["+    in:", "+      dev:", "+        tags: []"]
        return
    before = {path: path.read_text() for path in checkout.rglob("*.yaml")}

    made = adopt(checkout, name, **changes)

    assert [each for each in made.left if told in each.reason], made.left
    assert not any("ghp_" in str(each) for each in made.left)
    assert {path: path.read_text() for path in checkout.rglob("*.yaml")} == before


def test_one_that_is_refused_does_not_keep_the_others_from_being_taken(checkout: Path) -> None:
    made = adopt(checkout, "importar-todo", paused=True, work_queue_name="lenta")

    assert [edit.key for edit in made.taken] == [("paused",)]
    assert [each.field for each in made.left] == ["deployment importar-todo: work_pool.work_queue_name"]


def test_a_pool_and_its_queues_are_the_areas(checkout: Path) -> None:
    pool = edited(
        "compras",
        "WorkPool",
        "compras-dev",
        {"name": "compras-dev", "concurrency_limit": 4, "description": "De prueba"},
        {"name": "compras-dev", "concurrency_limit": 9, "is_paused": True},
    )
    queue = edited(
        "compras", "WorkQueue", "compras-dev/urgente", {"priority": 1}, {"priority": 2, "concurrency_limit": 3}
    )

    made = adopted(checkout, "dev", differences([pool, queue]))

    assert lines(made) == [
        "-concurrency_limit: 4 # for the ERP",
        "+concurrency_limit: 9 # for the ERP",
        "-    priority: 1",
        "+    priority: 2",
        "-    description: De prueba",
        "+    paused: true",
        "+    queues:",
        "+      urgente:",
        "+        concurrency_limit: 3",
    ]
    assert not made.left


def test_where_the_file_has_moved_too_nobody_is_overruled(checkout: Path) -> None:
    seen = edited("compras", "WorkPool", "compras-dev", {"concurrency_limit": 4}, {"concurrency_limit": 9})
    both = Observed(**{**vars(seen), "state": {"concurrency_limit": 2}})

    made = adopted(checkout, "dev", differences([both]))

    assert made.change is None
    assert "settle by hand" in made.left[0].reason


def test_what_was_deleted_is_told(checkout: Path) -> None:
    seen = edited("compras", "Deployment", "importar-todo", {"name": "importar-todo"}, {})

    made = adopted(checkout, "dev", differences([Observed(**{**vars(seen), "what": "deleted", "server": None})]))

    assert made.change is None
    assert "pulumi up" in made.left[0].reason


@pytest.mark.parametrize(
    ("selector", "meant"),
    [
        ("compras", True),
        ("compras/importar-todo", True),
        ("*/importar-*", True),
        ("importar-todo", True),
        ("ventas", False),
        ("compras/otra", False),
        ("importar", False),
    ],
)
def test_selectors_mean_areas_and_objects(selector: str, meant: bool) -> None:
    seen = edited("compras", "Deployment", "importar-todo", {"paused": True}, {})
    (difference,) = differences([seen])

    assert matches(difference, [selector]) is meant
    assert matches(difference, [])


@pytest.mark.parametrize("kind", ["WorkQueue", "Variable", "GlobalConcurrencyLimit"])
def test_a_name_given_in_the_ui_is_told_and_left(checkout: Path, kind: str) -> None:
    name = "compras-dev/urgente" if kind == "WorkQueue" else "erp"
    seen = edited("compras", kind, name, {"name": name.rpartition("/")[2]}, {"name": "otro"})
    if kind != "WorkQueue":
        seen = Observed(**{**vars(seen), "area": None})

    made = adopted(checkout, "dev", differences([seen]))

    assert (made.taken, [each.reason for each in made.left if "gives it back its name" in each.reason]) == (
        (),
        [each.reason for each in made.left],
    )
    assert made.left


def test_variables_and_limits_are_the_stacks_own(checkout: Path) -> None:
    file = checkout / "Pulumi.dev.yaml"
    file.write_text(
        DEV
        + textwrap.indent(
            "prefect-infra:variables: {tasa_iva: {value: 21}}\n"
            "prefect-infra:global_concurrency_limits:\n  erp: 5 # slots\n"
            "prefect-infra:tag_concurrency_limits: {erp: 2}\n",
            "  ",
        )
    )
    variable = edited("", "Variable", "tasa_iva", {"value": 21}, {"value": 10.5})
    limit = edited("", "GlobalConcurrencyLimit", "erp", {"limit": 5}, {"limit": 6})
    tag = edited("", "TagConcurrencyLimit", "erp", {"concurrency_limit": 2}, {"concurrency_limit": 1})
    seen = [Observed(**{**vars(each), "area": None}) for each in (variable, limit, tag)]

    made = adopted(checkout, "dev", differences(seen))

    assert lines(made) == [
        "-  prefect-infra:variables: {tasa_iva: {value: 21}}",
        "+  prefect-infra:variables: {tasa_iva: {value: 10.5}}",
        "-    erp: 5 # slots",
        "-  prefect-infra:tag_concurrency_limits: {erp: 2}",
        "+    erp: 6 # slots",
        "+  prefect-infra:tag_concurrency_limits: {erp: 1}",
    ]
