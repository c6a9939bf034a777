"""What a burst with faults tells: of the whole, near each fault, and of one that was cut off."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from benchmarks.reliability.burst import figures, results
from benchmarks.reliability.burst.course import Course, Strike
from benchmarks.reliability.burst.place import Place
from benchmarks.reliability.evidence import State, Traces

DUE = datetime(2026, 1, 5, 12, tzinfo=UTC)
ONCE = {"PENDING": 10, "RUNNING": 13, "COMPLETED": 15}


def after(seconds: float) -> datetime:
    return DUE + timedelta(seconds=seconds)


def traces(run: str, states: dict[str, float], begun: int = 1, ended: int = 1) -> Traces:
    """States by type, each with its seconds from when the burst was due. A number in a name sets two apart."""
    told = tuple(State(name.rstrip("2"), name.title(), after(at)) for name, at in states.items())
    return Traces(run, told, begun, ended)


def course(**strikes: Any) -> Course:
    return Course(
        tag="carga",
        due=DUE,
        runs=["a", "b"],
        faults=["worker", "redis"],
        seconds=1,
        strikes=[Strike(**{"fault": "worker", "says": "a blow", "at": after(20), "completed": 1, **strikes})],
    )


def test_urgent_runs_are_told_apart_from_those_that_wait_for_their_turn() -> None:
    found = [
        traces("a", ONCE),
        traces("b", {"PENDING": 40, "RUNNING": 43, "COMPLETED": 60}),
        traces("u", {"PENDING": 21, "RUNNING": 24, "COMPLETED": 26}),
    ]
    whole = figures.whole(found, course(urgent={"u": after(20)}))
    assert (whole["runs"], whole["urgent_runs"], whole["completed"]) == (2, 1, 3)
    assert (whole["latency_p50"], whole["latency_p99"]) == (13, 43)
    assert whole["urgent_latency_p99"] == 4
    assert whole["start_p99"] == 3
    assert (whole["seconds"], whole["runs_a_minute"]) == (60, 3)


def test_a_run_that_is_under_way_when_it_is_cut_off_is_neither_lost_nor_well() -> None:
    whole = figures.whole(
        [traces("a", {"PENDING": 1, "RUNNING": 2}, ended=0), traces("b", {"PENDING": 1, "CRASHED": 2}, ended=0)],
        course(),
    )
    assert (whole["unfinished"], whole["lost"], whole["completed"]) == (1, 1, 0)
    assert {each["run"] for each in whole["odd"]} == {"a", "b"}


def test_what_crashed_near_a_fault_is_counted_with_it() -> None:
    again = {"PENDING": 10, "RUNNING": 13, "CRASHED": 21, "PENDING2": 40, "RUNNING2": 43, "COMPLETED": 45}
    found = [traces("a", again, begun=2), traces("b", {"PENDING": 1, "CRASHED": 3}, ended=0)]
    near = figures.near(course(took=12.0, recovered_after=12.0).strikes[0], found)
    assert (near["crashed"], near["lost"], near["doubled"]) == (1, 0, 0)
    assert near["struck"]


def test_a_pause_of_the_starts_counts_where_it_touches_the_fault() -> None:
    found = [traces(str(at), {"RUNNING": at}) for at in (0, 50, 55, 85, 300)]
    assert figures.longest_pause(found, after(52), after(60)) == 30
    assert figures.longest_pause(found[:1], after(0), after(60)) is None


def test_a_burst_that_was_cut_off_goes_on_with_the_faults_that_are_left(tmp_path: Path) -> None:
    kept = course(urgent={"u": after(20)})
    kept.keep(tmp_path / "burst.json")
    again = Course.model_validate_json((tmp_path / "burst.json").read_text())
    assert again == kept
    assert again.left == ["redis"]
    assert again.dues() == {"a": DUE, "b": DUE, "u": after(20)}


def test_areas_take_turns_in_a_burst() -> None:
    place = Place(None, [["a1", "a2"], ["b1"], ["c1", "c2"]], lambda _: None, dict)  # type: ignore[arg-type]
    assert place.in_turn() == ["a1", "b1", "c1", "a2", "c2"]


STRUCK = {"says": "a blow", "struck": True, "recovered_after": 4.0, "crashed": 0, "lost": 0, "doubled": 0}
WELL = {"over": True, "lost": 0, "doubled": 0, "unfinished": 0, "faults": [STRUCK], "not_struck": []}


@pytest.mark.parametrize(
    ("change", "well"),
    [
        ({}, True),
        ({"over": False}, False),
        ({"lost": 1}, False),
        ({"doubled": 1}, False),
        ({"unfinished": 1}, False),
        ({"not_struck": ["disk"]}, False),
        ({"database_faults": "heap table broken"}, False),
        ({"faults": [STRUCK | {"recovered_after": None}]}, False),
        ({"faults": [STRUCK | {"struck": False}]}, False),
    ],
)
def test_a_burst_is_well_only_if_every_fault_was_struck_and_got_over(change: dict[str, Any], well: bool) -> None:
    assert results.is_well({**WELL, **change}) is well


def test_a_burst_measured_again_replaces_its_own_figures_alone(tmp_path: Path) -> None:
    file = tmp_path / "burst.json"
    for place, runs in (("faults", 20), ("bare", 20), ("faults", 200)):
        results.keep(file, place, {"runs": runs}, {"cores": 2})
    assert {place: result["runs"] for place, result in results.read(file).items()} == {"faults": 200, "bare": 20}


def test_the_tables_have_a_line_for_each_burst_that_is_over_and_for_each_fault() -> None:
    text = results.tables({"faults": WELL | {"runs": 200}, "quiet": {"over": False}, "bare": WELL | {"runs": 200}})
    assert len([line for line in text.splitlines() if line.startswith("| the stack") or "bare:" in line]) == 2
    assert "| a blow | 4.0 |" in text
