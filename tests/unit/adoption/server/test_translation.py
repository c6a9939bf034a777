"""Each row of a server in a stack file's words, or the reason why there are none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from infra.adoption.server import NoEqual, Surroundings, area, deployment, global_concurrency_limit, queues, schedule
from infra.adoption.server.objects import area_name, is_shared_limit, variable
from tests.unit.adoption.server import rows

AROUND = Surroundings(
    timezone=rows.ZONE,
    active=True,
    is_here=lambda path: path.startswith("flows/"),
    now=datetime(2026, 11, 25, tzinfo=UTC),
)
PULL = {"pull": [{"prefect.deployments.steps.set_working_directory": {"directory": "/opt/flujos"}}]}


def translated(*automations: dict[str, Any], around: Surroundings = AROUND, **other: Any) -> dict[str, Any]:
    return deployment(rows.deployment(**other), "importar-stock", automations, around)[0]


def told(*automations: dict[str, Any], around: Surroundings = AROUND, **other: Any) -> list[str]:
    return [str(each) for each in deployment(rows.deployment(**other), "importar-stock", automations, around)[1]]


class TestPools:
    def test_a_pool_of_the_usual_name_needs_no_other(self) -> None:
        assert area(rows.pool(), [rows.queue()], "compras", "prod") == {"workers": {"type": "process"}}

    def test_all_else_is_said(self) -> None:
        row = rows.pool("Pool viejo", description="De antes", concurrency_limit=0, is_paused=True, type="docker")
        assert area(row, [], "pool_viejo", "prod") == {
            "work_pool_name": "Pool viejo",
            "description": "De antes",
            "concurrency_limit": 0,
            "paused": True,
            "workers": {"type": "docker"},
        }

    def test_other_types_have_no_equal(self) -> None:
        with pytest.raises(NoEqual, match="'kubernetes'"):
            area(rows.pool(type="kubernetes"), [], "k", "prod")

    @pytest.mark.parametrize(
        ("pool", "area"),
        [
            ("compras-prod", "compras"), ("compras-dev", "compras_dev"), ("Ventas Online", "ventas_online"),
            ("default-agent-pool", "default_agent_pool"), ("2024", "tarea_2024"),
        ],
    )  # fmt: skip
    def test_an_area_is_called_as_its_pool(self, pool: str, area: str) -> None:
        assert area_name(pool, "prod") == area

    def test_queues_stand_by_priority_and_the_default_one_only_where_it_was_changed(self) -> None:
        made = queues([rows.queue(), rows.queue("tarde", priority=9, is_paused=True), rows.queue("ya", priority=2)])
        assert list(made.items()) == [("ya", {"priority": 2}), ("tarde", {"priority": 9, "paused": True})]
        assert queues([rows.queue(priority=3, concurrency_limit=0)]) == {
            "default": {"priority": 3, "concurrency_limit": 0}
        }


class TestSchedules:
    @pytest.mark.parametrize(
        ("rule", "made"),
        [
            ({"cron": "0 8 * * 1-5"}, {"cron": "0 8 * * 1-5"}),
            ({"cron": "0 8 13 * 5", "day_or": False}, {"cron": "0 8 13 * 5", "day_or": False}),
            ({"cron": "@daily", "timezone": "America/Santiago"}, {"cron": "@daily", "timezone": "America/Santiago"}),
            (
                {"interval": 3600.0, "anchor_date": "2026-01-01T11:30:00Z"},
                {"interval": 3600, "anchor_date": "2026-01-01T08:30:00"},
            ),
            ({"interval": 60.0, "anchor_date": "2020-01-01T03:00:00+00:00"}, {"interval": 60}),
            ({"rrule": "DTSTART:20200101T000000\nFREQ=DAILY"}, {"rrule": "FREQ=DAILY"}),
            (
                {"rrule": "DTSTART:20260101T070000\nRRULE:FREQ=DAILY"},
                {"rrule": "DTSTART:20260101T070000\nRRULE:FREQ=DAILY"},
            ),
        ],
    )
    def test_each_kind_has_its_equal(self, rule: dict[str, Any], made: dict[str, Any]) -> None:
        assert schedule(rows.schedule(**rule), rows.ZONE, active=True) == {**made, "slug": "diario"}

    def test_what_is_as_by_default_is_not_said(self) -> None:
        row = rows.schedule(None, active=False, parameters={"a": 1})
        made = {"cron": "0 8 * * *", "slug": "unnamed-5c0f2a7e", "parameters": {"a": 1}}
        assert schedule(row, rows.ZONE, active=False) == made
        assert schedule(row, rows.ZONE, active=True) == {**made, "active": False}

    @pytest.mark.parametrize(
        ("rule", "reason"),
        [
            ({"timezone": "UTC"}, "UTC"), ({"timezone": None}, "UTC"), ({"timezone": "Etc/GMT+3"}, "offset"),
            ({"timezone": "America/Buenos_Aires"}, "change"), ({"interval": 0.5}, "no whole number"),
        ],
    )  # fmt: skip
    def test_what_no_stack_has_is_told(self, rule: dict[str, Any], reason: str) -> None:
        with pytest.raises(NoEqual, match=reason):
            schedule(rows.schedule(**rule), rows.ZONE, active=True)


class TestDeployments:
    def test_the_least_there_is(self) -> None:
        assert translated() == {"name": "importar-stock", "entrypoint": "stock/importar.py:importar_stock", **PULL}

    def test_everything_there_is(self) -> None:
        made = translated(
            rows.automation("importar-stock__automation_1", "id-importar-stock"),
            description="Trae el stock",
            version="7",
            tags=["stock"],
            parameters={"deposito": 3},
            parameter_openapi_schema={"type": "object"},
            enforce_parameter_schema=False,
            paused=True,
            global_concurrency_limit={"limit": 2, "name": "deployment:id-importar-stock"},
            concurrency_options={"collision_strategy": "CANCEL_NEW", "grace_period_seconds": 120},
            work_queue_name="urgente",
            job_variables={"env": {"A": "1"}, "command": "python -m x", "stream_output": True},
            schedules=[rows.schedule()],
            pull_steps=None,
        )
        assert made == {
            "name": "importar-stock",
            "entrypoint": "stock/importar.py:importar_stock",
            "description": "Trae el stock",
            "version": "7",
            "tags": ["stock"],
            "parameters": {"deposito": 3},
            "enforce_parameter_schema": False,
            "paused": True,
            "concurrency_limit": {"limit": 2, "collision_strategy": "CANCEL_NEW", "grace_period_seconds": 120},
            "work_pool": {"work_queue_name": "urgente", "job_variables": {"stream_output": True}},
            "command": "python -m x",
            "env": {"A": "1"},
            "schedules": [{"cron": "0 8 * * *", "slug": "diario"}],
            "triggers": [{"name": "importar-stock__automation_1", "expect": ["lista.recibida"]}],
            "pull": [],
        }

    def test_a_flow_elsewhere_is_named_where_its_function_does_not_tell(self) -> None:
        made, _ = deployment(rows.deployment(), "Stock", (), AROUND)
        assert made["flow_name"] == "Stock"
        here, _ = deployment(rows.deployment(entrypoint="flows/x.py:y"), "Stock", (), AROUND)
        assert "flow_name" not in here
        assert here["description"] == ""

    def test_an_env_that_is_not_all_text_stays_whole(self) -> None:
        variables = {"env": {"A": None, "B": "1"}}
        assert translated(job_variables=variables)["work_pool"] == {"job_variables": variables}

    @pytest.mark.parametrize("entrypoint", [None, "paquete.modulo.flujo", ""])
    def test_a_module_is_no_entrypoint_here(self, entrypoint: str | None) -> None:
        with pytest.raises(NoEqual, match="entrypoint"):
            translated(entrypoint=entrypoint)

    def test_one_that_shares_a_limit_with_others_is_left_out(self) -> None:
        with pytest.raises(NoEqual, match="shares the global concurrency limit 'base'"):
            translated(global_concurrency_limit={"limit": 2, "name": "base"})

    def test_a_schedule_in_utc_leaves_it_out_or_is_moved(self) -> None:
        given = {"schedules": [rows.schedule(cron="0 11 * * *", timezone="UTC")]}
        with pytest.raises(NoEqual, match=r"schedule diario: .*UTC"):
            translated(**given)
        moving = Surroundings(**{**vars(AROUND), "with_changes": True})
        assert translated(around=moving, **given)["schedules"] == [
            {"cron": "0 8 * * *", "slug": "diario", "active": True}
        ]
        (remark,) = told(around=moving, **given)
        assert remark.endswith("differs: schedule diario: UTC, moved: the same times, and a change")

    def test_automations_of_others_stay_theirs(self) -> None:
        (remark,) = told(rows.automation("avisar", "id-importar-stock"))
        assert remark.startswith("deployment importar-stock/importar-stock: left out: the automation 'avisar'")
        more = rows.automation("importar-stock__automation_1", "id-importar-stock", actions_on_resolve=[{"type": "x"}])
        with pytest.raises(NoEqual, match="more than running"):
            translated(more)

    def test_triggers_lose_what_the_server_filled_in(self) -> None:
        inner = rows.automation("x", "y")["trigger"]
        compound = {"type": "compound", "id": "z", "triggers": [inner, inner], "require": "all", "within": 60.0}
        row = rows.automation("importar-stock__automation_2", "id-importar-stock", trigger=compound, enabled=False)
        assert translated(row)["triggers"] == [
            {
                "name": "importar-stock__automation_2",
                "enabled": False,
                "type": "compound",
                "triggers": [{"expect": ["lista.recibida"]}, {"expect": ["lista.recibida"]}],
                "require": "all",
                "within": 60.0,
            }
        ]


def test_variables_and_limits() -> None:
    assert variable({"name": "a", "value": {"x": [1]}, "tags": []}) == {"value": {"x": [1]}}
    assert variable({"name": "a", "value": None, "tags": ["t"]}) == {"value": None, "tags": ["t"]}
    assert global_concurrency_limit({"name": "erp", "limit": 5, "active": True, "slot_decay_per_second": 0.0}) == 5
    assert global_concurrency_limit({"name": "erp", "limit": 5, "active": False, "slot_decay_per_second": 2.0}) == {
        "limit": 5,
        "active": False,
        "slot_decay_per_second": 2.0,
    }
    names = ["erp", "tag:erp", "deployment:1"]
    assert [is_shared_limit({"name": name}) for name in names] == [True, False, False]
