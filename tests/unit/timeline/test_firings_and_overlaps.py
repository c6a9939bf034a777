"""What a timeline counts, held against counting one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.model import next_runs
from infra.timeline import Cell, Timeline, Window, calculate
from infra.timeline.overlaps import overlaps, peaks, run
from tests.unit.timeline.conftest import Declare, deployment

thorough = pytest.mark.thorough
ZONES = ("America/Argentina/Buenos_Aires", "America/Santiago", "America/New_York", "Australia/Lord_Howe")
# Days around which clocks change in one zone or another, and some on which none does.
DAYS = st.sampled_from([date(2026, 9, 5), date(2026, 4, 3), date(2026, 3, 7), date(2026, 10, 31), date(2026, 11, 25)])
CRONS = st.sampled_from(["30 1,13,17 * * *", "*/20 * * * *", "0 0 * * *", "15 2 * * 6,0", "59 23 * * *", "0 3 L * *"])
SCHEDULES = st.one_of(
    st.builds(lambda cron, zone: {"cron": cron, "timezone": zone, "slug": "c"}, CRONS, st.sampled_from(ZONES)),
    st.builds(lambda n: {"interval": f"{n}m", "slug": "i"}, st.integers(20, 3000)),
    st.just({"rrule": "FREQ=WEEKLY;BYDAY=SA,SU;BYHOUR=1,2;BYMINUTE=30;BYSECOND=0", "slug": "r"}),
)
LIMIT = st.none() | st.integers(1, 3)


@st.composite
def companies(draw: st.DrawFn) -> dict[str, Any]:
    made = [
        deployment(f"d{n}", draw(SCHEDULES), paused=draw(st.booleans()), concurrency_limit=draw(LIMIT))
        for n in range(draw(st.integers(1, 4)))
    ]
    return {"compras": {"concurrency_limit": draw(LIMIT), "deployments": made}}


@thorough
@settings(deadline=None, max_examples=30)
@given(company=companies(), zone=st.sampled_from(ZONES), day=DAYS, minutes=st.sampled_from([15, 30, 180, 360]))
def test_every_firing_is_in_exactly_one_cell(
    declare: Declare, company: dict[str, Any], zone: str, day: date, minutes: int
) -> None:
    made = calculate(declare(company, zone), Window(day, 1 if minutes < 60 else 7, zone), 300)
    cells = made.window.cells(minutes)
    spans = [(cell.start.astimezone(UTC), cell.end.astimezone(UTC)) for cell in cells]

    (pool,) = made.pools
    for lane in (*pool.lanes, *pool.inactive):
        moments = [each.start.astimezone(UTC) for each in lane.runs]
        within = [sum(start <= moment < end for moment in moments) for start, end in spans]
        assert lane.counts(cells) == within
        assert sum(within) == len(lane.runs)
    assert sum(pool.counts(cells)) == sum(len(lane.runs) for lane in pool.lanes)


@thorough
@settings(deadline=None, max_examples=30)
@given(company=companies(), zone=st.sampled_from(ZONES), day=DAYS)
def test_the_firings_are_those_that_the_server_would_make(
    declare: Declare, company: dict[str, Any], zone: str, day: date
) -> None:
    stack = declare(company, zone)
    made = calculate(stack, Window(day, 1, zone), 300)

    shown = {lane.deployment: lane.runs for pool in made.pools for lane in (*pool.lanes, *pool.inactive)}
    first, last = made.window.start.astimezone(UTC), made.window.end.astimezone(UTC)
    for each in stack.areas[0].deployments:
        # What a schedule does next depends on when it is asked around a change of the clock: ask where the window does.
        times = next_runs(each.schedules[0], 400, first - timedelta(seconds=300))
        expected = {time.astimezone(UTC) for time in times if first <= time.astimezone(UTC) < last}
        assert {found.start.astimezone(UTC) for found in shown[each.name]} == expected


@thorough
@settings(deadline=None, max_examples=30)
@given(company=companies(), zone=st.sampled_from(ZONES), day=DAYS, seconds=st.integers(1, 20_000))
def test_overlaps_are_where_counting_at_each_moment_finds_too_many(
    declare: Declare, company: dict[str, Any], zone: str, day: date, seconds: int
) -> None:
    made = calculate(declare(company, zone), Window(day, 1, zone), seconds)
    (pool,) = made.pools

    assert exceeded(made, "pool") == brute(made, pool.going, pool.concurrency_limit)
    for lane in pool.lanes:
        assert exceeded(made, "deployment", lane.deployment) == brute(made, lane.going, lane.concurrency_limit)


def exceeded(made: Timeline, scope: str, name: str | None = None) -> list[tuple[datetime, datetime, int]]:
    return [
        (each.start.astimezone(UTC), each.end.astimezone(UTC), each.peak)
        for each in made.overlaps
        if each.scope == scope and name in (None, each.name)
    ]


def brute(made: Timeline, runs: Any, limit: int | None) -> list[tuple[datetime, datetime, int]]:
    """Between any two moments at which something changes, count all runs."""
    if limit is None:
        return []
    first, last = made.window.start.astimezone(UTC), made.window.end.astimezone(UTC)
    spans = [(r.start.astimezone(UTC), r.end.astimezone(UTC)) for r in runs]
    moments = sorted({first, last, *(m for span in spans for m in span if first <= m <= last)})
    found: list[tuple[datetime, datetime, int]] = []
    for moment, following in pairwise(moments):
        going = sum(start <= moment < end for start, end in spans)
        if going > limit:
            if found and found[-1][1] == moment:
                found[-1] = (found[-1][0], following, max(found[-1][2], going))
            else:
                found.append((moment, following, going))
    return found


START = datetime(2026, 11, 25, tzinfo=UTC)


@thorough
@settings(deadline=None, max_examples=50)
@given(starts=st.lists(st.integers(-300, 1500), max_size=30), seconds=st.integers(1, 7200))
def test_the_peak_of_a_cell_is_the_most_that_go_at_any_moment_of_it(starts: list[int], seconds: int) -> None:
    runs = [run(START + timedelta(minutes=n), seconds, "d", "s") for n in starts]
    cells = [Cell(START + timedelta(hours=n), START + timedelta(hours=n + 1)) for n in range(24)]

    for cell, peak in zip(cells, peaks(runs, cells), strict=True):
        moments = [cell.start, *(each.start for each in runs if cell.start <= each.start < cell.end)]
        assert peak == max(sum(each.start <= moment < each.end for each in runs) for moment in moments)


def test_a_run_that_ends_when_the_next_one_starts_does_not_meet_it() -> None:
    runs = [run(START + timedelta(minutes=n), 60, "d", "s") for n in range(5)]

    assert list(overlaps("pool", "p", 1, runs, Cell(START, START + timedelta(days=1)), "")) == []


def test_a_run_from_before_midnight_still_takes_its_place(declare: Declare) -> None:
    late = deployment("tarde", {"cron": "59 23 * * *"})
    early = deployment("temprano", {"cron": "1 0 * * *"})
    stack = declare({"compras": {"concurrency_limit": 1, "deployments": [late, early]}})

    made = calculate(stack, Window(date(2026, 11, 25), 1, stack.timezone), 600)

    (overlap,) = made.overlaps
    assert (f"{overlap.start:%H:%M}", f"{overlap.end:%H:%M}") == ("00:01", "00:09")
    assert overlap.deployments == ("tarde", "temprano")


def test_measured_durations_replace_the_assumed_one(declare: Declare) -> None:
    stack = declare(
        {"compras": {"deployments": [deployment("a", {"interval": "1h"}), deployment("b", {"cron": "@daily"})]}}
    )

    made = calculate(stack, Window(date(2026, 11, 25), 1, stack.timezone), 300, {"a": 90.0})

    assert [(lane.deployment, lane.seconds, lane.from_history) for lane in made.pools[0].lanes] == [
        ("a", 90.0, True),
        ("b", 300, False),
    ]


def test_changes_of_the_clock_are_named_and_cells_stay_whole(declare: Declare) -> None:
    stack = declare({"compras": {"deployments": [deployment("a", {"interval": "1h"})]}}, "America/Santiago")

    spring = calculate(stack, Window(date(2026, 9, 6), 1, "America/Santiago"), 300)
    autumn = calculate(stack, Window(date(2026, 4, 4), 1, "America/Santiago"), 300)

    assert [str(each) for each in spring.clock_changes] == [
        "Sun 06 Sep 2026, America/Santiago: the clocks go forward, from 00:00 to 01:00: that day has 23 hours"
    ]
    assert [str(each) for each in autumn.clock_changes] == [
        "Sat 04 Apr 2026, America/Santiago: the clocks go back, from 00:00 to 23:00: that day has 25 hours"
    ]
    assert (len(spring.window.cells(60)), len(autumn.window.cells(60))) == (23, 25)


def test_a_schedule_elsewhere_names_the_change_of_its_own_clock(declare: Declare) -> None:
    abroad = deployment("a", {"cron": "0 9 * * *", "timezone": "America/New_York"})

    made = calculate(declare({"compras": {"deployments": [abroad]}}), Window(date(2026, 10, 31), 7, ZONES[0]), 300)

    assert [change.timezone for change in made.clock_changes] == ["America/New_York"]
    assert [f"{each.start.astimezone(made.window.zone):%a %H:%M}" for each in made.pools[0].runs][:3] == [
        "Sat 10:00",
        "Sun 11:00",
        "Mon 11:00",
    ]
