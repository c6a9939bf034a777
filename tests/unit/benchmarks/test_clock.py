"""What is told of runs while the server's clock was wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from benchmarks.reliability.checkout import ROOT
from benchmarks.reliability.clock import figures, libfaketime
from benchmarks.reliability.clock.__main__ import is_well
from benchmarks.reliability.evidence import State, Traces

SINCE = datetime(2026, 1, 5, 12, 0, 30, tzinfo=UTC)
UNTIL = SINCE + timedelta(minutes=5)


def row(run: str, minute: int) -> dict[str, Any]:
    return {"id": run, "expected_start_time": datetime(2026, 1, 5, 12, minute, tzinfo=UTC).isoformat()}


def note(run: str, minute: int, second: float, word: str = "empieza") -> str:
    return f"{run} {word} {datetime(2026, 1, 5, 12, minute, tzinfo=UTC).timestamp() + second}\n"


def test_a_schedules_runs_are_held_against_the_machines_time() -> None:
    notes = note("a", 1, 4) + note("a", 1, 6, "termina") + note("b", 2, 90) + note("b", 2, 120) + note("d", 2, 58)
    told = figures.by_schedule(
        [row("a", 1), row("b", 2), row("c", 2), row("d", 3), row("soon", 5)], notes, SINCE, UNTIL
    )
    assert (told["minutes"], told["runs"]) == (4, 4)
    assert told["minutes_twice"] == ["12:02"]
    assert (told["never_begun"], told["begun_twice"], told["begun_early"]) == (1, 1, 1)
    assert told["began_after_worst"] == 90


def test_a_run_is_completed_though_its_states_are_told_out_of_order() -> None:
    """A run that was Running with the clock ahead, and Completed with the clock back."""
    states = (State("COMPLETED", "Completed", SINCE), State("RUNNING", "Running", SINCE + timedelta(hours=1)))
    told = figures.asked_for([Traces("a", states, 1, 1, "COMPLETED")], {"a": SINCE}, note("a", 1, 0))
    assert (told["lost"], told["doubled"], told["began_after_worst"]) == (0, 0, 30)


WELL: dict[str, Any] = {
    "phases": {"back": {"new_schedule_after": 5.0, "late_after": 20.0}},
    "scheduled": {"never_begun": 0, "minutes_twice": []},
    "lost": 0,
    "doubled": 0,
    "database_faults": "",
}


@pytest.mark.parametrize(
    ("change", "well"),
    [
        ({}, True),
        ({"lost": 1}, False),
        ({"phases": {"back": {"new_schedule_after": None, "late_after": 20.0}}}, False),
        ({"scheduled": {"never_begun": 1, "minutes_twice": []}}, False),
    ],
)
def test_services_that_stand_still_when_the_clock_is_back_are_no_success(change: dict[str, Any], well: bool) -> None:
    assert is_well({**WELL, **change}) is well


def test_another_clock_finds_its_place_in_a_copy_of_the_checkout(tmp_path: Any) -> None:
    for name in ("Dockerfile", "with_secrets.py", "healthcheck_services.py"):
        (tmp_path / "workers").mkdir(exist_ok=True)
        (tmp_path / "workers" / name).write_text((ROOT / "workers" / name).read_text())
    libfaketime.into(tmp_path)
    for name in ("with_secrets.py", "healthcheck_services.py"):
        text = (tmp_path / "workers" / name).read_text()
        compile(text, name, "exec")
        assert libfaketime.FILE in text
    assert "libfaketime" in (tmp_path / "workers" / "Dockerfile").read_text()
