"""Two schedules of a deployment in one minute: found exactly, said in local time, looked for in bounded time."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.model import Schedule, next_runs
from infra.model.coincidence import BUDGET, HORIZON, Coincidences
from infra.model.recurrence import anchor
from tests.unit.rules.conftest import NOW, Check, codes

BUENOS_AIRES = "America/Argentina/Buenos_Aires"


def schedule(timezone: str = BUENOS_AIRES, **rule: Any) -> Schedule:
    if "interval" in rule:
        rule.setdefault("anchor_date", anchor(None, timezone))
    return Schedule(slug="x", timezone=timezone, active=True, parameters={}, **rule)


def first(one: Schedule, other: Schedule) -> datetime | None:
    return Coincidences(NOW).first(one, other)


def local(text: str, zone: str = BUENOS_AIRES) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("one", "other", "moment"),
    [
        ({"cron": "0 9 * * *"}, {"cron": "0 9 * * 1"}, "2026-03-09T09:00"),
        ({"cron": "* * * * *"}, {"cron": "* * * * *"}, "2026-03-04T12:31"),
        ({"cron": "0 9 1 1 *"}, {"cron": "* * * * *"}, "2027-01-01T09:00"),
        ({"cron": "0 9 * * *"}, {"cron": "1 9 * * *"}, None),
        ({"cron": "*/2 * * * *"}, {"cron": "1-59/2 * * * *"}, None),
        ({"cron": "0 9 29 2 *"}, {"cron": "0 9 * * *"}, None),  # 2028: beyond a year
        ({"cron": "30 12 * * *"}, {"interval": 7200}, None),
        ({"cron": "0 14 * * *"}, {"interval": 7200}, "2026-03-04T14:00"),
        ({"interval": 120}, {"interval": 180}, "2026-03-04T12:30"),
        ({"rrule": "DTSTART:20260101T090000\nFREQ=MONTHLY;BYMONTHDAY=15"}, {"cron": "0 9 * * 3"}, "2026-04-15T09:00"),
        ({"rrule": "DTSTART:20200101T000000\nFREQ=DAILY"}, {"rrule": "DTSTART:20200101T003000\nFREQ=DAILY"}, None),
    ],
)
def test_the_first_minute_is_said(one: dict[str, Any], other: dict[str, Any], moment: str | None) -> None:
    expected = local(moment) if moment else None

    assert first(schedule(**one), schedule(**other)) == expected
    assert first(schedule(**other), schedule(**one)) == expected


def test_schedules_of_two_time_zones_meet_at_the_same_moment() -> None:
    santiago = schedule("America/Santiago", cron="0 8 * * *")

    assert first(schedule(cron="0 9 * * *"), santiago) == local("2026-04-05T09:00")  # when Chile's summer ends
    assert first(schedule(cron="0 9 1 3 *"), schedule("America/Mexico_City", cron="0 6 * * *")) == local(
        "2027-03-01T09:00"
    )


CRONS = st.builds(
    lambda minute, hour, day, weekday: f"{minute} {hour} {day} * {weekday}",
    st.sampled_from(["*", "*/7", "0", "30", "15,45"]),
    st.sampled_from(["*", "9", "9-11", "*/5"]),
    st.sampled_from(["*", "1", "*/3"]),
    st.sampled_from(["*", "1", "1-5"]),
)
RULES = st.one_of(
    st.builds(lambda text: schedule(cron=text), CRONS),
    st.builds(lambda text: schedule("America/Santiago", cron=text), CRONS),
    st.builds(lambda minutes: schedule(interval=60 * minutes), st.sampled_from([7, 45, 60, 1440, 10080])),
)


@pytest.mark.thorough
@settings(max_examples=60, deadline=None)
@given(one=RULES, other=RULES)
def test_what_is_said_is_what_going_through_all_runs_finds(one: Schedule, other: Schedule) -> None:
    """Over the first 300 runs of each, which is as far as this test looks."""
    runs = [{time.astimezone(NOW.tzinfo) for time in next_runs(each, 300, NOW)} for each in (one, other)]
    seen_to = min(max(each) for each in runs)
    together = min((moment for moment in runs[0] & runs[1] if moment > NOW), default=None)
    found = first(one, other)

    if together is not None and together <= min(seen_to, NOW + timedelta(days=399)):
        assert found is not None
        assert found.astimezone(NOW.tzinfo) in (together, NOW)
    elif found is not None:
        assert found.astimezone(NOW.tzinfo) > seen_to or found.astimezone(NOW.tzinfo) == NOW


@pytest.mark.thorough
def test_all_pairs_of_any_stack_take_bounded_time() -> None:
    """Pairs that never meet, of a kind that has to be gone through: the worst there is."""
    dense = [schedule("America/Santiago", cron="*/2 * * * *"), schedule(cron="1-59/2 * * * *")]
    sparse = [
        schedule("America/Santiago", interval=120 + 60 * n, anchor_date="2020-01-01T00:00:30-03:00") for n in range(40)
    ]
    coincidences = Coincidences(NOW)
    start = time.process_time()
    for one, other in combinations([*dense, *sparse], 2):
        coincidences.first(one, other)

    assert time.process_time() - start < 12
    assert BUDGET <= 3_000_000
    assert timedelta(days=366) <= HORIZON


@pytest.mark.thorough
def test_hundreds_of_schedules_of_one_deployment_take_bounded_time(deployment: Check) -> None:
    lines = "\n".join(f'  - {{cron: "{n % 60} {n // 60} * * *"}}' for n in range(600))
    lines += '\n  - {cron: "59 9 * * 1"}'  # meets the last of them
    start = time.process_time()
    report = deployment(f"schedules:\n{lines}")

    assert codes(report) == ["PI310"]
    assert time.process_time() - start < 10


def test_the_same_parameters_are_an_error_and_others_a_warning(deployment: Check) -> None:
    report = deployment(
        """
        parameters: {sucursal: Centro}
        schedules:
          - cron: "0 9 * * *"
          - {cron: "0 9 * * 1", parameters: {sucursal: Centro}}
          - {cron: "0 9 1 * *", parameters: {sucursal: Norte}}
        """
    )

    assert [(f.rule.code, f.severity) for f in report.findings] == [("PI310", "error"), ("PI311", "warning")]
    assert "schedules[0] (cron-0-9), first on 2026-03-09 at 09:00 (America/Argentina/Buenos_Aires)" in (
        report.findings[0].message
    )


def test_a_schedule_that_is_off_meets_none_and_a_broken_one_is_told_once(deployment: Check) -> None:
    assert codes(deployment('schedules: [{cron: "0 9 * * *"}, {cron: "0 9 * * 1", active: false}]')) == []
    assert codes(deployment('schedules: [{cron: "0 9 * * *"}, {cron: "0 29 * * 1"}]')) == ["PI303"]


def test_schedules_of_two_deployments_may_meet(check: Check) -> None:
    one = '{name: %s, entrypoint: "flows/ventas/resumen_diario.py:resumen_diario", schedules: [{cron: "0 9 * * *"}]}'
    areas = f"[{one % 'resumen-diario'}, {one % 'otro-resumen'}]"

    assert codes(check(f"prefect-infra:areas: {{ventas: {{deployments: {areas}}}}}")) == []
