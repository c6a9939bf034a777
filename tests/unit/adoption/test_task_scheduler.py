# ruff: noqa: DTZ001  # wall clocks
from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.adoption import Imported, SourceFaults
from infra.adoption.task_scheduler import Task, parse, translate
from infra.adoption.task_scheduler.firing import firings
from infra.adoption.task_scheduler.model import (
    LAST,
    Daily,
    Exec,
    Monthly,
    MonthlyByWeekday,
    Once,
    Repetition,
    Settings,
    Trigger,
    Weekly,
)
from infra.adoption.task_scheduler.translate import next_of

SAMPLES = sorted((Path(__file__).parents[2] / "data" / "task_scheduler").glob("*.xml"))
BUENOS_AIRES = ZoneInfo("America/Argentina/Buenos_Aires")
SANTIAGO = ZoneInfo("America/Santiago")
NOW = datetime(2026, 2, 15, 12, 0, 7)
TIMES = 1000
LAST_YEAR = 2037
"""Later the server's clock library for recurrence rules knows no summer time."""
_MONTHS = frozenset(range(1, 13))


@cache
def sample(name: str) -> Task:
    (path,) = [each for each in SAMPLES if each.stem == name]
    (task,) = parse(path.read_bytes(), path.stem)
    return task


def translated(task: Task, zone: ZoneInfo = BUENOS_AIRES, now: datetime = NOW) -> Imported:
    return translate([task], "compras", str(zone), now.replace(tzinfo=zone))


def deployment(task: Task) -> dict[str, Any]:
    (draft,) = translated(task).drafts
    return draft.deployment


def by_the_xml(task: Task, zone: ZoneInfo, after: datetime, *, enabled: bool) -> list[datetime]:
    times: set[datetime] = set()
    for trigger in task.triggers:
        if trigger.enabled is enabled:
            times.update(islice(firings(trigger, zone, after), TIMES))
    return sorted(times)[:TIMES]


def changes_the_clock(moment: datetime, zone: ZoneInfo) -> bool:
    around = (moment + timedelta(hours=hours) for hours in (-26, 26))
    return len({each.astimezone(zone).utcoffset() for each in around}) > 1


def test_there_are_samples_of_all_kinds() -> None:
    kinds = {type(trigger.when) for path in SAMPLES for trigger in sample(path.stem).triggers}

    assert len(SAMPLES) >= 12
    assert {kind.__name__ for kind in kinds} == {"Once", "Daily", "Weekly", "Monthly", "MonthlyByWeekday", "NoTime"}


@pytest.mark.parametrize("name", [path.stem for path in SAMPLES])
@pytest.mark.parametrize("zone", [BUENOS_AIRES, SANTIAGO], ids=["buenos_aires", "santiago"])
def test_the_next_thousand_firings_are_the_same_both_ways(name: str, zone: ZoneInfo) -> None:
    """In a zone that changes its clock they may differ around a change, and then the report says so."""
    task = sample(name)
    found = translated(task, zone)
    if not found.drafts[0].deployment.get("schedules"):
        assert zone is SANTIAGO
        assert any(each.weight == "left out" for each in found.remarks)
        return
    told = any("when the clock changes" in each.text for each in found.remarks)
    made = [each for each in found.drafts[0].deployment["schedules"] if each.get("active", True)]
    after = NOW.replace(tzinfo=zone)

    ours, theirs = (
        [each for each in times if each.year <= LAST_YEAR]
        for times in (next_of(made, TIMES, after), by_the_xml(task, zone, after, enabled=True))
    )

    assert ours
    if not told:
        assert ours == theirs
    else:
        assert zone is SANTIAGO
        until = min(ours[-1], theirs[-1])
        differing = {each for each in ours if each <= until} ^ {each for each in theirs if each <= until}
        assert all(changes_the_clock(each, zone) for each in differing)
        assert len(differing) < TIMES / 10


def test_by_the_wall_clock_most_samples_are_the_same_over_changes_of_the_clock_too() -> None:
    alike = [
        path.stem
        for path in SAMPLES
        if not any(
            "clock" in each.text or "no schedule" in each.text
            for each in translated(sample(path.stem), SANTIAGO).remarks
        )
    ]

    assert len(alike) >= len(SAMPLES) // 2
    assert {"fin_de_mes", "dias_29_30_31", "importar_precios"} <= set(alike)


@pytest.mark.parametrize(
    ("name", "schedules"),
    [
        ("importar_precios", ["30 13 * * *"]),
        ("dias_habiles", ["0 7 * * 1-5"]),
        ("fin_de_mes", ["0 20 L * *"]),
        ("cada_15_minutos_en_horario", ["*/15 8-17 * * 1-5"]),
        ("diario_cada_hora", ["10 * * * *"]),
        ("segundo_martes_y_ultimo_viernes", ["0 3 * * L2,L5,2#2,5#2"]),
    ],
)
def test_what_a_cron_can_say_is_said_by_a_cron(name: str, schedules: list[str]) -> None:
    assert [each["cron"] for each in deployment(sample(name))["schedules"]] == schedules


def test_a_start_to_come_and_an_end_are_kept() -> None:
    (later,) = deployment(sample("empieza_despues"))["schedules"]
    (ending,) = deployment(sample("con_fin"))["schedules"]

    assert "DTSTART:20270630T184500" in later["rrule"]
    assert "UNTIL=20280331T235959" in ending["rrule"]
    assert next_of([ending], 10_000, NOW.replace(tzinfo=BUENOS_AIRES))[-1].date().isoformat() == "2028-03-31"


def test_triggers_that_are_no_times_are_told_each() -> None:
    told = [
        each.text.split()[0] for each in translated(sample("varios_disparadores")).remarks if "at a time" in each.text
    ]

    assert told == [
        *("BootTrigger", "LogonTrigger", "IdleTrigger", "RegistrationTrigger"),
        *("EventTrigger", "SessionStateChangeTrigger"),
    ]


def test_a_disabled_trigger_is_an_inactive_schedule() -> None:
    assert [each.get("active", True) for each in deployment(sample("varios_disparadores"))["schedules"]] == [
        *(True, True, False)
    ]


def test_programs_run_one_after_the_other_with_arguments_and_folder() -> None:
    flows = [str(translated(sample(name)).drafts[0].flow_file) for name in ("varios_disparadores", "importar_precios")]
    modules: list[dict[str, Any]] = []
    for name in ("varios_disparadores", "importar_precios"):
        flow_file = translated(sample(name)).drafts[0].flow_file
        assert flow_file is not None
        modules.append({})
        exec(compile(flow_file.text, flow_file.path, "exec"), modules[-1])

    assert [each.texto for each in modules[0]["COMANDOS"]] == [r"C:\Tareas\uno.exe", r"C:\Tareas\dos.exe /q"]
    (command,) = modules[1]["COMANDOS"]
    assert command.texto == r'"C:\Program Files\Python311\python.exe" importar.py --modo "completo" %TEMP%\x'
    assert command.carpeta == r"D:\Tareas\compras"
    assert modules[1]["LIMITE"] == 3600
    assert "retries=3, retry_delay_seconds=300" in flows[1]


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("cada_hora_siempre", None),
        ("segundo_martes_y_ultimo_viernes", {"limit": 1, "collision_strategy": "ENQUEUE"}),
        ("dias_habiles", {"limit": 1, "collision_strategy": "CANCEL_NEW"}),
    ],
)
def test_what_happens_to_a_second_instance_is_kept(name: str, limit: dict[str, Any] | None) -> None:
    assert deployment(sample(name)).get("concurrency_limit") == limit


def xml(triggers: str = "", *, root: str = "Task", head: str = "") -> str:
    return (
        f'<?xml version="1.0" encoding="UTF-16"?>{head}\n'
        f'<{root} xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task"><Triggers>{triggers}</Triggers>'
        f"<Settings><Enabled>false</Enabled></Settings>"
        f"<Actions><Exec><Command>año.exe</Command></Exec></Actions></{root}>"
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8", "utf-8-sig", "cp1252"])
def test_the_encoding_is_seen_whatever_the_file_says_of_it(encoding: str) -> None:
    (task,) = parse(xml().encode(encoding), "x")

    assert task.actions == (Exec("año.exe", None, None),)
    assert deployment(task)["paused"] is True


def test_a_listing_of_several_tasks_is_read_whole() -> None:
    one = xml().partition("?>")[2]

    assert [task.name for task in parse(f"<Tasks>{one}{one}</Tasks>".encode(), "x")] == ["x-1", "x-2"]


def test_what_a_deployment_has_no_key_for_is_told() -> None:
    text = xml(
        "<TimeTrigger><StartBoundary>2026-03-01T08:00:00</StartBoundary><ExecutionTimeLimit>PT5M</ExecutionTimeLimit>"
        "<Repetition><Interval>PT10M</Interval><Duration>PT1H</Duration><StopAtDurationEnd>true</StopAtDurationEnd>"
        "</Repetition></TimeTrigger>"
    ).replace(
        "<Actions>", "<Principals><Principal><RunLevel>HighestAvailable</RunLevel></Principal></Principals><Actions>"
    )
    (task,) = parse(text.encode("utf-16"), "x")
    told = {(each.where, each.weight): each.text for each in translated(task).remarks if each.where != "x"}

    assert "skipped" in told["all", "differs"]
    texts = [each.text for each in translated(task).remarks]
    for word in ("StopAtDurationEnd", "ExecutionTimeLimit (0:05:00)", "HighestAvailable"):
        assert any(word in each for each in texts)
    available = text.replace("<Enabled>false", "<StartWhenAvailable>true</StartWhenAvailable><Enabled>false")
    (task,) = parse(available.encode("utf-16"), "x")
    assert not any("skipped" in each.text for each in translated(task).remarks)


CALENDAR = "<CalendarTrigger><StartBoundary>{}</StartBoundary>{}</CalendarTrigger>"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no XML"),
        ("<Task", "no XML"),
        ("<html/>", "no exported task"),
        (xml(head='<!DOCTYPE x [<!ENTITY a "b">]>'), "document type"),
        (xml(CALENDAR.format("2026-01-01T00:00:00", "")), "ScheduleByDay"),
        (xml(CALENDAR.format("yesterday", "<ScheduleByDay/>")), "no date"),
        (
            xml(
                CALENDAR.format("2026-01-01T00:00:00", "<ScheduleByDay><DaysInterval>0</DaysInterval></ScheduleByDay>")
            ),
            "0",
        ),
        (xml(CALENDAR.format("2026-01-01T00:00:00", "<ScheduleByWeek/>")), "DaysOfWeek"),
        (
            xml("<TimeTrigger><Repetition><Interval>P1M</Interval></Repetition></TimeTrigger>"),
            "P1M",
        ),
        (
            xml(
                "<CalendarTrigger><ScheduleByMonth><DaysOfMonth><Day>32</Day></DaysOfMonth></ScheduleByMonth></CalendarTrigger>"
            ),
            "32",
        ),
    ],
)
def test_what_is_no_task_is_refused_with_the_reason(text: str, told: str) -> None:
    with pytest.raises(SourceFaults, match=told):
        parse(text.encode("utf-16"), "x")


@settings(deadline=None)  # a busy machine is no fault of theirs
@given(content=st.binary(max_size=200) | st.text(alphabet="<>/Task =\"'!?-", max_size=80).map(str.encode))
def test_any_bytes_are_tasks_or_a_clear_refusal(content: bytes) -> None:
    try:
        parse(content, "x")
    except SourceFaults as faults:
        if not faults.faults:
            pytest.fail("refused without a reason")


@pytest.mark.parametrize(
    ("trigger", "told"),
    [
        (Trigger(Once(), True, datetime(2026, 1, 1), None, None, None), "past"),
        (Trigger(Daily(1), True, datetime(2025, 1, 1), datetime(2026, 1, 1), None, None), "ended"),
        (Trigger(Daily(1), True, None, None, None, None), "StartBoundary"),
        (
            Trigger(
                Monthly(frozenset({31}), _MONTHS),
                True,
                datetime(2026, 1, 1, 23),
                None,
                Repetition(timedelta(hours=1), timedelta(hours=3)),
                None,
            ),
            "past midnight",
        ),
        (
            Trigger(Daily(1), True, datetime(2026, 1, 1), None, Repetition(timedelta(minutes=7), None), None),
            "no part of a day",
        ),
    ],
)
def test_a_trigger_without_an_equal_is_left_out_with_the_reason(trigger: Trigger, told: str) -> None:
    found = translated(with_trigger(trigger))

    assert "schedules" not in found.drafts[0].deployment
    assert any(each.weight == "left out" and told in each.text for each in found.remarks)


def with_trigger(trigger: Trigger) -> Task:
    return Task(
        "Tarea", None, None, (trigger,), (Exec("a", None, None),), Settings(True, "Parallel", None, 0, timedelta(), ())
    )


days_of_week = st.frozensets(st.integers(0, 6), min_size=1)
months = st.just(_MONTHS) | st.frozensets(st.integers(1, 12), min_size=1)
whens = st.one_of(
    st.builds(Daily, st.integers(1, 9)),
    st.builds(Weekly, st.integers(1, 4), days_of_week),
    st.builds(Monthly, st.frozensets(st.sampled_from([LAST, *range(1, 32)]), min_size=1, max_size=4), months),
    st.builds(MonthlyByWeekday, st.frozensets(st.sampled_from([1, 2, 3, 4, LAST]), min_size=1), days_of_week, months),
)
starts = st.datetimes(datetime(2025, 6, 1), datetime(2026, 9, 1)).map(lambda each: each.replace(microsecond=0))
repetitions = st.none() | st.builds(
    Repetition,
    st.sampled_from([5, 7, 15, 30, 45, 60, 90, 240]).map(lambda minutes: timedelta(minutes=minutes)),
    st.none() | st.sampled_from([15, 60, 600, 1440]).map(lambda minutes: timedelta(minutes=minutes)),
)
triggers = st.builds(
    Trigger,
    when=whens | st.just(Once()),
    enabled=st.just(True),
    start=starts,
    end=st.none()
    | st.datetimes(datetime(2026, 3, 1), datetime(2028, 1, 1)).map(lambda each: each.replace(microsecond=0)),
    repetition=repetitions,
    random_delay=st.none(),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(trigger=triggers)
def test_any_trigger_fires_alike_or_is_left_out(trigger: Trigger) -> None:
    found = translated(with_trigger(trigger))
    made = found.drafts[0].deployment.get("schedules")
    after = NOW.replace(tzinfo=BUENOS_AIRES)
    expected = list(islice(firings(trigger, BUENOS_AIRES, after), TIMES))

    if made is None:
        assert any(each.weight == "left out" for each in found.remarks)
        assert not any("no schedule was found" in each.text for each in found.remarks), "translated, and wrongly"
    else:
        assert next_of(made, TIMES, after) == expected
