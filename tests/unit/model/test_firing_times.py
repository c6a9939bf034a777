"""Schedules fire here when the server would fire them: compared with its own computation, over changes of the clock."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from infra.model import Schedule, next_runs, recurrence, rrules
from infra.model.cron import CronError, parse

BUENOS_AIRES = "America/Argentina/Buenos_Aires"
SANTIAGO = "America/Santiago"  # its clocks change at midnight
ZONES = [BUENOS_AIRES, SANTIAGO, "Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]
COUNT = 5


def of_server(schedule: Schedule, start: datetime) -> list[datetime]:
    from prefect.server.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

    if schedule.cron is not None:
        theirs = CronSchedule(cron=schedule.cron, day_or=schedule.day_or, timezone=schedule.timezone)
    elif schedule.interval is not None:
        theirs = IntervalSchedule(
            interval=timedelta(seconds=schedule.interval),
            anchor_date=schedule.anchor_date,
            timezone=schedule.timezone,
        )
    else:
        theirs = RRuleSchedule(rrule=schedule.rrule, timezone=schedule.timezone)
    return [time.astimezone(UTC) for time in asyncio.run(theirs.get_dates(COUNT, start))]


def agrees(schedule: Schedule, start: datetime) -> None:
    ours = next_runs(schedule, COUNT, start)

    assert [time.astimezone(UTC) for time in ours] == of_server(schedule, start)
    assert all(time.tzinfo == ZoneInfo(schedule.timezone) for time in ours)


@cache
def change_of_clock(zone: str, year: int) -> datetime:
    """A day in which the zone's clock changes, or the year's first where it never does."""
    place = ZoneInfo(zone)
    days = [datetime(year, 1, 1, 12, tzinfo=UTC) + timedelta(days=day) for day in range(366)]
    changes = [
        day for day in days if day.astimezone(place).utcoffset() != (day + timedelta(1)).astimezone(place).utcoffset()
    ]
    return changes[year % len(changes)] if changes else days[0]


@st.composite
def starts(draw: st.DrawFn, zone: str) -> datetime:
    near = change_of_clock(zone, draw(st.integers(2019, 2028)))
    return near + timedelta(seconds=draw(st.integers(-86_400, 2 * 86_400)), microseconds=draw(st.sampled_from([0, 1])))


def cron_field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    pair = st.tuples(number, number).map(sorted)
    return st.one_of(
        st.just("*"),
        number.map(str),
        st.lists(number, min_size=2, max_size=4).map(lambda values: ",".join(map(str, values))),
        st.integers(1, high - low).map("*/{}".format),
        pair.map(lambda ends: f"{ends[0]}-{ends[1]}"),
        st.tuples(pair, st.integers(1, 5)).map(lambda got: f"{got[0][0]}-{got[0][1]}/{got[1]}"),
        st.tuples(number, st.integers(1, 5)).map(lambda got: f"{got[0]}/{got[1]}"),
    )


CRONS = st.tuples(
    cron_field(0, 59),
    cron_field(0, 23),
    st.one_of(cron_field(1, 31), st.sampled_from(["L", "1,L", "*/1", "1-31", "?"])),
    st.one_of(cron_field(1, 12), st.sampled_from(["jan", "mar-may", "oct-feb"])),
    st.one_of(
        cron_field(0, 6), st.sampled_from(["7", "5-7", "mon-fri", "fri-mon", "sat,sun", "L5", "5#2", "1#1,3#3", "0-6"])
    ),
).map(" ".join)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), zone=st.sampled_from(ZONES), expression=CRONS, day_or=st.booleans())
def test_cron_fires_as_on_the_server(data: st.DataObject, zone: str, expression: str, day_or: bool) -> None:
    try:
        parse(expression, day_or=day_or)
    except CronError:
        assume(False)
    schedule = Schedule(slug="s", cron=expression, day_or=day_or, timezone=zone, active=True, parameters={})

    agrees(schedule, data.draw(starts(zone)))


@settings(max_examples=40, deadline=None)
@given(
    data=st.data(),
    zone=st.sampled_from(ZONES),
    seconds=st.one_of(
        st.sampled_from([60, 900, 3600, 7200, 43_200, 86_400, 90_000, 172_800, 604_800]), st.integers(60, 900_000)
    ),
    anchor=st.sampled_from([None, "2020-01-01T03:30:00", "2026-06-01T08:00:00", "2030-01-01T00:00:00-03:00"]),
)
def test_interval_fires_as_on_the_server(data: st.DataObject, zone: str, seconds: int, anchor: str | None) -> None:
    schedule = Schedule(
        slug="s",
        interval=seconds,
        anchor_date=recurrence.anchor(anchor, zone),
        timezone=zone,
        active=True,
        parameters={},
    )

    agrees(schedule, data.draw(starts(zone)))


@settings(max_examples=40, deadline=None)
@given(
    data=st.data(),
    zone=st.sampled_from(ZONES),
    rule=st.sampled_from(
        [
            "FREQ=DAILY;BYHOUR=0;BYMINUTE=30",
            "FREQ=DAILY;BYHOUR=2;BYMINUTE=30",
            "RRULE:FREQ=WEEKLY;BYDAY=MO,SU;BYHOUR=2,3;BYMINUTE=30",
            "FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=9",
            "FREQ=HOURLY;INTERVAL=5",
            "FREQ=DAILY;COUNT=2500",
            "FREQ=DAILY;UNTIL=20280101T000000",
            "DTSTART:20210101T003000\nRRULE:FREQ=DAILY\nEXDATE:20260406T003000\nRDATE:20260406T013000",
        ]
    ),
)
def test_rrule_fires_as_on_the_server(data: st.DataObject, zone: str, rule: str) -> None:
    schedule = Schedule(slug="s", rrule=rrules.normal(rule), timezone=zone, active=True, parameters={})

    agrees(schedule, data.draw(starts(zone)))


@pytest.mark.parametrize(
    ("written", "first"),
    [
        ({"cron": "30 1,13,17 * * *"}, ["2026-03-02T13:30", "2026-03-02T17:30", "2026-03-03T01:30"]),
        ({"cron": "0 0 13 * 5"}, ["2026-03-06T00:00", "2026-03-13T00:00", "2026-03-20T00:00"]),
        ({"cron": "0 0 13 * 5", "day_or": False}, ["2026-03-13T00:00", "2026-11-13T00:00", "2027-08-13T00:00"]),
        ({"cron": "0 9 */2 * 1"}, ["2026-03-03T09:00", "2026-03-05T09:00", "2026-03-07T09:00"]),
        ({"cron": "0 9 L * *"}, ["2026-03-31T09:00", "2026-04-30T09:00", "2026-05-31T09:00"]),
        ({"cron": "0 9 * * L5"}, ["2026-03-27T09:00", "2026-04-24T09:00", "2026-05-29T09:00"]),
        ({"rrule": "FREQ=MONTHLY;BYMONTHDAY=1;BYHOUR=8"}, ["2026-04-01T08:00", "2026-05-01T08:00", "2026-06-01T08:00"]),
    ],
)
def test_the_next_runs_are_told_in_local_time(written: dict[str, object], first: list[str]) -> None:
    if "rrule" in written:
        written = {"rrule": rrules.normal(str(written["rrule"]))}
    schedule = Schedule.model_validate(
        {"slug": "s", "timezone": BUENOS_AIRES, "active": True, "parameters": {}, **written}
    )
    monday = datetime(2026, 3, 2, 13, 0, tzinfo=ZoneInfo(BUENOS_AIRES))

    assert [time.isoformat(timespec="minutes") for time in next_runs(schedule, 3, monday)] == [
        f"{time}-03:00" for time in first
    ]


def test_a_run_that_is_due_now_counts() -> None:
    schedule = Schedule(slug="s", cron="0 9 * * *", timezone=BUENOS_AIRES, active=True, parameters={})
    nine = datetime(2026, 3, 2, 9, 0, tzinfo=ZoneInfo(BUENOS_AIRES))

    assert next_runs(schedule, 1, nine) == [nine]


def test_a_rule_that_is_over_has_no_more_runs() -> None:
    schedule = Schedule(
        slug="s", rrule=rrules.normal("FREQ=DAILY;COUNT=3"), timezone=BUENOS_AIRES, active=True, parameters={}
    )

    assert next_runs(schedule, 3, datetime(2026, 1, 1, tzinfo=UTC)) == []
