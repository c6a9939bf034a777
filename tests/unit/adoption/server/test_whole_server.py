"""A whole server's rows as the files of a stack: valid whatever the server has, and the same each time."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.adoption.server import ServerRows, Surroundings, Target, drafted
from infra.model import load_stack_file
from tests.unit.adoption.server import rows

GOLDEN = Path(__file__).with_name("golden")
FLOW = '''
from prefect import flow


@flow
def importar_stock(deposito: int = 1):
    """Trae el stock."""
'''
URL = "https://prefect.example.com/api"


@pytest.fixture
def target(tmp_path: Path) -> Target:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "stock.py").write_text(FLOW, encoding="utf-8")
    return targeted(tmp_path)


def targeted(root: Path, **other: Any) -> Target:
    around = Surroundings(
        timezone=rows.ZONE,
        active=True,
        is_here=lambda path: (root / path).is_file(),
        now=datetime(2026, 11, 25, tzinfo=UTC),
    )
    given = {"environment": "prod", "auth": False, "areas": {}, "area_files": False, "around": around}
    return Target(root=root, stack="prod", **{**given, **other})


def server(*deployments: dict[str, Any], **other: Any) -> ServerRows:
    given: dict[str, Any] = {
        "pools": (rows.pool(), rows.pool("Pool viejo", type="docker")),
        "queues": {"compras-prod": (rows.queue(priority=2), rows.queue("urgente"))},
        "flow_names": {"flow": "importar-stock"},
    }
    return ServerRows(api_url=URL, deployments=deployments, **{**given, **other})


def told(rows_: ServerRows, target: Target) -> dict[str, str]:
    draft, _ = drafted(rows_, target)
    return {each.where: each.text for each in draft.remarks if each.weight == "left out"}


def test_the_files_are_as_they_were(target: Target) -> None:
    """Rewritten by GOLDEN=1 pytest tests/unit/adoption/server/test_whole_server.py."""
    whole = server(
        rows.deployment(
            schedules=[
                rows.schedule(),
                rows.schedule("cada-hora", interval=3600.0, anchor_date="2026-01-01T03:30:00Z"),
            ],
            work_queue_name="urgente",
        ),
        rows.deployment("test", work_pool_name="Pool viejo", job_variables={"image": "flujos:1", "env": {"A": "b"}}),
        rows.deployment("en-utc", schedules=[rows.schedule(timezone="UTC")]),
        variables=({"name": "tasa_iva", "value": 21, "tags": ["compras"]},),
        global_limits=({"name": "erp", "limit": 5}, {"name": "tag:erp", "limit": 3}),
        tag_limits=({"tag": "erp", "concurrency_limit": 3},),
    )
    for name, given_target in {
        "inline": replace(target, auth=True), "area-files": replace(target, area_files=True)
    }.items():  # fmt: skip
        draft, stack = drafted(whole, given_target)
        text = "".join(f"==> {path}\n{text}" for path, text in draft.texts().items())
        text += "".join(f"==> {each}\n" for each in draft.remarks)
        text += "".join(f"==> {each['type']} {each['name']} {each['id']}\n" for each in draft.resources(stack))
        if os.environ.get("GOLDEN"):
            GOLDEN.mkdir(exist_ok=True)
            (GOLDEN / f"{name}.txt").write_text(text, encoding="utf-8")
        assert text == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_a_flow_that_is_here_must_be_the_deployed_one(target: Target) -> None:
    here = {"entrypoint": "flows/stock.py:importar_stock"}
    _, stack = drafted(server(), target)
    assert told(server(rows.deployment(**here)), target) == {
        "deployment importar-stock/importar-stock": "its flow's parameters would change"
    }
    changing = replace(target, around=replace(target.around, with_changes=True))
    draft, stack = drafted(server(rows.deployment(**here)), changing)
    (deployment,) = stack.areas[0].deployments
    assert [str(each) for each in draft.remarks if each.weight == "differs"] == [
        "deployment importar-stock/importar-stock: differs: its flow's parameters would change"
    ]
    same = rows.deployment(**here, parameter_openapi_schema=deployment.parameter_schema)
    assert told(server(same), target) == {}


def test_what_a_rule_refuses_goes_and_what_hangs_on_it_too(target: Target) -> None:
    whole = server(
        rows.deployment(job_variables={"nonsense": 1}),
        rows.deployment("a-la-cola", work_queue_name="alta%"),
        rows.deployment("sigue-aqui"),
        queues={"compras-prod": (rows.queue(), rows.queue("alta%", priority=2))},
    )
    reasons = told(whole, target)
    assert reasons.keys() == {
        "deployment importar-stock/importar-stock", "work queue alta% of the area compras",
        "deployment importar-stock/a-la-cola",
    }  # fmt: skip
    assert reasons["deployment importar-stock/importar-stock"].startswith("PI212")
    _, stack = drafted(whole, target)
    assert [each.name for each in stack.areas[0].deployments] == ["sigue-aqui"]


def test_two_pools_of_one_area_need_another_name(target: Target) -> None:
    whole = server(pools=(rows.pool("a b"), rows.pool("a-b")))
    assert "--area 'a-b=…'" in told(whole, target)["work pool a-b"]
    assert told(whole, replace(target, areas={"a-b": "otra"})) == {}


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=9)
ODD_RULES = st.one_of(
    st.builds(lambda cron: {"cron": cron}, st.one_of(TEXTS, st.just("0 8 31 2 *"), st.just("@daily"))),
    st.builds(lambda seconds: {"interval": seconds}, st.floats(0.1, 1e9)),
    st.builds(lambda rule: {"rrule": rule}, st.one_of(TEXTS, st.just("DTSTART:20260101T000000\nFREQ=DAILY"))),
)
ODD_SCHEDULES = st.builds(
    lambda rule, zone, slug: rows.schedule(slug, timezone=zone, **rule),
    ODD_RULES, st.sampled_from([rows.ZONE, "UTC", None, "America/Buenos_Aires", "Narnia"]), st.one_of(st.none(), TEXTS),
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(TEXTS, inner, max_size=2)),
    max_leaves=3,
)
ODD_DEPLOYMENTS = st.builds(
    lambda name, more: rows.deployment(name or "x", **more),
    TEXTS,
    st.fixed_dictionaries({}, optional={
        "entrypoint": st.one_of(TEXTS, st.just("flows/stock.py:importar_stock"), st.just("x.py:")),
        "work_pool_name": st.one_of(TEXTS, st.none()),
        "work_queue_name": TEXTS,
        "description": TEXTS,
        "tags": st.lists(TEXTS, max_size=2),
        "version": TEXTS,
        "parameters": st.dictionaries(TEXTS, VALUES, max_size=2),
        "job_variables": st.dictionaries(TEXTS, VALUES, max_size=2),
        "schedules": st.lists(ODD_SCHEDULES, max_size=2),
    }),
)  # fmt: skip


@pytest.mark.thorough
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ODD_DEPLOYMENTS, max_size=3), st.dictionaries(TEXTS, VALUES, max_size=2), TEXTS)
def test_whatever_a_server_has_what_is_written_is_valid(
    target: Target, deployments: list[dict[str, Any]], variables: dict[str, Any], pool: str
) -> None:
    whole = server(
        *({**each, "id": f"id-{n}"} for n, each in enumerate(deployments)),
        pools=(rows.pool(), rows.pool(pool or "otro")),
        variables=tuple({"name": name, "value": value, "tags": []} for name, value in variables.items()),
    )
    draft, stack = drafted(whole, target)

    for path, text in draft.texts().items():
        (target.root / path).write_text(text, encoding="utf-8")
    try:
        assert load_stack_file(target.root, "prod") == stack.model_copy(update={"root": target.root})
    finally:
        (target.root / "Pulumi.prod.yaml").unlink()
    # Nothing gets lost without a word.
    named = {each.where for each in draft.remarks}
    kept = {row["id"] for listed in draft.deployments.values() for row, _ in listed}
    assert all(each["id"] in kept or draft.where(each) in named for each in whole.deployments)
