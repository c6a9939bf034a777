"""Schedules in words: what each phrase becomes, and that it fires when it says."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.guided.spoken import EXAMPLES, SpokenError, schedules
from infra.model import Schedule, next_runs

MONTHLY = "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS"


@pytest.mark.parametrize(
    ("said", "crons"),
    [
        ("cada día a las 7", "0 7 * * *"),
        ("todos los días a las 7 y media", "30 7 * * *"),
        ("a las 7 de la tarde", "0 19 * * *"),
        ("diariamente al mediodía", "0 12 * * *"),
        ("every day at 7", "0 7 * * *"),
        ("daily at 7:45 pm", "45 19 * * *"),
        ("every day at midnight", "0 0 * * *"),
        ("12 am", "0 0 * * *"),
        ("lunes a viernes 07:30", "30 7 * * 1-5"),
        ("De lunes a viernes, a las 7.30 hs.", "30 7 * * 1-5"),
        ("monday to friday at 7:30", "30 7 * * 1-5"),
        ("mon-fri 07:30", "30 7 * * 1-5"),
        ("los días hábiles a las 8", "0 8 * * 1-5"),
        ("every weekday at 8am", "0 8 * * 1-5"),
        ("fines de semana a las 10", "0 10 * * 0,6"),
        ("sábado a lunes a las 5", "0 5 * * 0,1,6"),
        ("lunes, miércoles y viernes a las 9", "0 9 * * 1,3,5"),
        ("todos los lunes a las siete", "0 7 * * 1"),
        ("a las 1:30, 13:30 y 17:30", "30 1,13,17 * * *"),
        ("el primer día del mes a las 6", "0 6 1 * *"),
        ("el último día del mes a las 18", "0 18 L * *"),
        ("on the first day of the month at 6", "0 6 1 * *"),
        ("el 15 de cada mes a las 10", "0 10 15 * *"),
        ("every month on the 5th at 7", "0 7 5 * *"),
        ("los días 1 y 15 de cada mes a las 7", "0 7 1,15 * *"),
        ("el último viernes del mes a las 18", "0 18 * * L5"),
        ("first monday of the month at 9am", "0 9 * * 1#1"),
        ("el 24 de diciembre a las 8", "0 8 24 12 *"),
        ("cada hora de 8 a 18, de lunes a viernes", "0 8-18 * * 1-5"),
        ("cada 15 minutos de 8 a 18", "*/15 8-17 * * *"),
        ("cada 2 horas los sábados", "0 */2 * * 6"),
        ("30 1,13,17 * * *", "30 1,13,17 * * *"),
        ("0 7 * * MON-FRI", "0 7 * * MON-FRI"),
        ("@daily", "@daily"),
    ],
)
def test_days_and_times_become_one_cron(said: str, crons: str) -> None:
    assert schedules(said) == ({"cron": crons},)


@pytest.mark.parametrize(
    ("said", "interval"),
    [
        ("every 15 minutes", "15m"),
        ("cada 15 minutos", "15m"),
        ("cada dos horas", "2h"),
        ("cada 2 horas", "2h"),
        ("cada hora", "1h"),
        ("cada media hora", "30m"),
        ("every half hour", "30m"),
        ("cada 90 minutos", "90m"),
        ("1h30m", "1h30m"),
    ],
)
def test_so_many_minutes_or_hours_become_an_interval(said: str, interval: str) -> None:
    assert schedules(said) == ({"interval": interval},)


def test_days_apart_begin_at_the_time_said() -> None:
    assert schedules("cada 3 días a las 6") == ({"interval": "3d", "anchor_date": "2020-01-01T06:00:00"},)


def test_what_a_cron_cannot_say_becomes_a_rule() -> None:
    assert schedules("el último día hábil del mes a las 18") == (
        {"rrule": f"{MONTHLY}=-1;BYHOUR=18;BYMINUTE=0;BYSECOND=0"},
    )
    assert schedules("first working day of the month at 9:30")[0]["rrule"].startswith(f"{MONTHLY}=1;BYHOUR=9")


def test_times_of_different_minutes_become_a_schedule_each() -> None:
    assert schedules("lunes a las 8 y a las 17:30") == ({"cron": "0 8 * * 1"}, {"cron": "30 17 * * 1"})


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("", "empty"),
        ("cada lunes", "at what time"),
        ("cada 2 días", "at what time"),
        ("cada día a las 25", "no time of day"),
        ("viernes a las 18 y 30", "no time of day"),
        ("cada día a las 7 UTC", "local"),
        ("cuando haya luna llena a las 7", "'cuando haya luna llena'"),
        ("lunes o martes a las 7", "is not understood"),
        ("el 32 de cada mes a las 5", "is not understood"),
        ("cada 7 minutos de lunes a viernes", "whole part"),
        ("cada hora de 18 a 8", "no hours of one day"),
        ("el 31 de febrero a las 5", "never fires"),
        ("mensual a las 7", "is not understood"),
        ("lunes 7", "at what time|not understood"),
    ],
)
def test_what_is_not_understood_is_refused_rather_than_guessed(said: str, told: str) -> None:
    with pytest.raises(SpokenError, match=told) as raised:
        schedules(said)

    assert raised.value.hint


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_that_an_error_gives_is_understood(example: str) -> None:
    assert schedules(example)


SPANISH = ("domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado")
ENGLISH = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


@pytest.mark.thorough
@settings(deadline=None)
@given(
    days=st.sets(st.integers(0, 6), min_size=1),
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    english=st.booleans(),
    time_first=st.booleans(),
)
def test_it_fires_on_the_days_and_at_the_time_said_and_at_no_other(
    days: set[int], hour: int, minute: int, english: bool, time_first: bool
) -> None:
    names = [(ENGLISH if english else SPANISH)[day] for day in sorted(days)]
    listed = f" {'and' if english else 'y'} ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    time = f"{'at' if english else 'a las'} {hour}:{minute:02}"
    (made,) = schedules(f"{time} {listed}" if time_first else f"{listed} {time}")

    runs = next_runs(_schedule(made), 14, datetime(2026, 1, 1, tzinfo=UTC))

    assert {(run.hour, run.minute) for run in runs} == {(hour, minute)}
    assert {run.isoweekday() % 7 for run in runs} == days


WORDS = "cada lunes a las 7 y de el dia mes 30 : every at 12 pm L habil primer".split()  # noqa: SIM905  # a phrase's


@pytest.mark.thorough
@given(text=st.text(max_size=40) | st.lists(st.sampled_from(WORDS)).map(" ".join))
def test_whatever_is_typed_is_a_schedule_or_an_error_in_words(text: str) -> None:
    with contextlib.suppress(SpokenError):
        assert schedules(text)


def _schedule(made: dict[str, Any]) -> Schedule:
    zone = "America/Argentina/Buenos_Aires"
    return Schedule(slug="s", timezone=zone, active=True, parameters={}, **made)
