"""What the server has and no file declares: found in the stack's areas alone, and nothing deleted that isn't meant."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.drift.undeclared import Inventory, Undeclared, age, chosen, undeclared
from infra.model import Stack, load_stack_file

STACK = """\
config:
  prefect-infra:environment: dev
  prefect-infra:areas:
    compras:
      queues: {urgente: {priority: 1}}
      deployments:
        - {name: importar-precios, entrypoint: "flows/todo.py:importar"}
    ventas: {}
"""
OURS, THEIRS = "prefect-infra/dev", "prefect-infra/dev-ana"


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "todo.py").write_text("from prefect import flow\n\n\n@flow\ndef importar() -> None: ...\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(STACK)
    return load_stack_file(tmp_path, "dev")


def pool(name: str, owner: str | None = None) -> dict[str, Any]:
    template = {"x-prefect-infra": {"prefect-infra.stack": owner}} if owner else {}
    return {"id": f"pool-{name}", "name": name, "base_job_template": template, "created": "2026-01-01T00:00:00Z"}


def deployment(name: str, of: str | None, owner: str | None = None, flow: str = "importar") -> dict[str, Any]:
    labels = {"prefect-infra.stack": owner} if owner else {}
    return {"id": f"id-{name}", "name": name, "flow_id": flow, "work_pool_name": of, "labels": labels, "created": None}


def inventory(**changes: Any) -> Inventory:
    given: dict[str, Any] = {
        "pools": [pool("compras-dev", OURS), pool("ventas-dev", OURS), pool("otro-dev"), pool("viejo-dev", OURS)],
        "deployments": [
            deployment("importar-precios", "compras-dev", OURS),
            deployment("prueba-de-ana", "compras-dev"),
            deployment("de-otro-stack", "ventas-dev", THEIRS),
            deployment("huerfana", None, OURS),
            deployment("de-otros", "otro-dev"),
        ],
        "queues": {
            "compras-dev": [{"id": f"q-{name}", "name": name} for name in ("default", "urgente", "lenta")],
            "ventas-dev": [{"id": "q2", "name": "default"}],
        },
        "flows": {"importar": "importar"},
    }
    return Inventory(**{**given, **changes})


def test_what_is_declared_and_what_is_others_is_not_listed(stack: Stack) -> None:
    assert [(each.area, each.kind, each.name, each.owner) for each in undeclared(stack, inventory())] == [
        (None, "deployment", "importar/huerfana", OURS),
        (None, "work pool", "viejo-dev", OURS),
        ("compras", "deployment", "importar/prueba-de-ana", None),
        ("compras", "queue", "compras-dev/lenta", None),
        ("ventas", "deployment", "importar/de-otro-stack", THEIRS),
    ]


def names(which: tuple[Undeclared, ...]) -> list[str]:
    return [each.name for each in which]


@pytest.mark.parametrize(
    ("given", "owned", "taken"),
    [
        ([], False, []),
        (["prueba-*"], False, ["importar/prueba-de-ana"]),
        (["importar/prueba-de-ana", "compras-dev/lenta"], False, ["importar/prueba-de-ana", "compras-dev/lenta"]),
        ([], True, ["importar/huerfana", "viejo-dev"]),
    ],
)
def test_only_what_is_named_or_the_stacks_own_is_chosen(
    stack: Stack, given: list[str], owned: bool, taken: list[str]
) -> None:
    made = chosen(undeclared(stack, inventory()), given, owner=OURS, owned=owned)

    assert names(made.chosen) == taken
    assert made.refused == ()


def test_nothing_of_another_stack_and_nothing_that_up_takes_away_is_deleted(stack: Stack) -> None:
    found = undeclared(stack, inventory(state=frozenset({"id-huerfana"})))

    made = chosen(found, ["*"], owner=OURS, owned=True)

    assert names(made.chosen) == ["viejo-dev", "importar/prueba-de-ana", "compras-dev/lenta"]
    assert [each.partition(":")[0] for each in made.refused] == ["importar/huerfana", "importar/de-otro-stack"]


def test_a_name_that_means_nothing_is_told(stack: Stack) -> None:
    made = chosen(undeclared(stack, inventory()), ["importar-precios"], owner=OURS, owned=False)

    assert made.refused == ("importar-precios: there is nothing undeclared of that name",)


@pytest.mark.parametrize(
    ("time", "told"),
    [(None, "never"), ("2026-03-01T00:00:00+00:00", "3 d"), ("2026-03-04T09:30:00Z", "2 h")],
)
def test_ages_are_told_in_days_and_hours(time: str | None, told: str) -> None:
    assert age(time, datetime(2026, 3, 4, 12, tzinfo=UTC)) == told
