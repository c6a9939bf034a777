"""What the janitor does with which run, and what it leaves alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from workers.janitor import policies
from workers.janitor.policies import NO_RERUN_TAG, Policies, Run, Worker

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
WINDOW = timedelta(minutes=3)


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def run(state: str = "RUNNING", since: float = 60, **more: Any) -> Run:
    given = {"id": "r", "name": "run", "state": state, "since": ago(since), "pool": "compras-dev", "deployment": "d"}
    return Run(**{**given, **more})


@pytest.mark.parametrize(
    ("what", "given", "beat", "ends"),
    [
        ("a run that beats lives", run(), 2, None),
        ("one that stopped beating doesn't", run(), 4, "CRASHED"),
        ("one that died before its first heartbeat neither", run(since=4), None, "CRASHED"),
        ("one that began a moment ago had no time to beat", run(since=2), None, None),
        ("a beat of its former life counts for nothing", run(since=4), 30, "CRASHED"),
        ("one that was to be cancelled is cancelled", run("CANCELLING"), None, "CANCELLED"),
        ("somebody's own script that never beats is nobody's business", run(pool=None), None, None),
        ("but one that did beat is", run(pool=None), 10, "CRASHED"),
        ("what hasn't started isn't judged by heartbeats", run("PENDING"), None, None),
        ("what waits for a person isn't either", run("PAUSED"), None, None),
    ],
)
def test_who_is_a_zombie(what: str, given: Run, beat: float | None, ends: str | None) -> None:
    beats = {} if beat is None else {"r": ago(beat)}

    found = policies.zombies([given], beats, NOW, WINDOW)

    assert [verdict.state for verdict in found] == ([ends] if ends else []), what


@pytest.mark.parametrize(
    ("what", "given", "over"),
    [
        ("taken an hour ago and never started", run("PENDING"), True),
        ("taken just now", run("PENDING", since=5), False),
        ("taken early, and its time is not long past", run("PENDING", since=20, expected=ago(5)), False),
        ("running", run("RUNNING"), False),
        ("of no pool", run("PENDING", pool=None), False),
    ],
)
def test_who_has_been_pending_for_too_long(what: str, given: Run, over: bool) -> None:
    assert bool(policies.overdue([given], NOW, timedelta(minutes=10))) is over, what


def test_a_pause_in_which_nobody_could_start_a_run_is_not_held_against_it() -> None:
    given = run("PENDING", since=60)
    assert not policies.overdue([given], NOW, timedelta(minutes=10), resumed=ago(5))
    assert policies.overdue([given], NOW, timedelta(minutes=10), resumed=ago(15))


def late(*minutes: float, **more: Any) -> list[Run]:
    given = {"schedule": "s", "state_name": "Late", **more}
    return [run("SCHEDULED", id=str(each), expected=ago(each), **given) for each in minutes]


@pytest.mark.parametrize(
    ("what", "runs", "policy", "skipped"),
    [
        ("all run", late(1, 61, 121), "run_all", []),
        ("the latest runs", late(61, 1, 121), "keep_latest", ["61", "121"]),
        ("a single one runs, however late", late(600), "keep_latest", []),
        ("each schedule has its own", [*late(1, 61), *late(2, 62, schedule="t")], "keep_latest", ["61", "62"]),
        ("those less late run", late(1, 61, 121), 3600, ["61", "121"]),
        ("what isn't late yet waits for its time", late(0.1, -5), "keep_latest", []),
        ("what a person asked for runs", late(61, 121, schedule=None), "keep_latest", []),
        ("a retry is part of a run that began in time", late(61, 121, state_name="AwaitingRetry"), 60, []),
        ("so is one that waits for its deployment's limit", late(61, state_name="AwaitingConcurrencySlot"), 60, []),
    ],
)
def test_which_late_runs_are_skipped(what: str, runs: list[Run], policy: str | int, skipped: list[str]) -> None:
    verdicts = policies.too_late(runs, NOW, policy)

    assert sorted(verdict.run.id for verdict in verdicts) == sorted(skipped), what
    assert {verdict.state for verdict in verdicts} <= {"CANCELLED"}


@pytest.mark.parametrize(
    ("what", "given", "crashes", "again"),
    [
        ("the first crash of three that are borne", run("CRASHED"), 1, True),
        ("the second", run("CRASHED"), 2, True),
        ("the third: a flow that always crashes ends for good", run("CRASHED"), 3, False),
        ("not idempotent, says its tag", run("CRASHED", tags=frozenset({NO_RERUN_TAG})), 1, False),
        ("its parent deals with it", run("CRASHED", is_child=True), 1, False),
        ("no deployment, no worker", run("CRASHED", deployment=None), 1, False),
        ("it crashed a moment ago, and its worker may say so again", run("CRASHED", since=0.1), 1, False),
        ("failed is the flow's own word", run("FAILED"), 1, False),
    ],
)
def test_who_is_run_again(what: str, given: Run, crashes: int, again: bool) -> None:
    asked = [run for run in [given] if policies.may_rerun(run, NOW)]

    assert bool(policies.to_rerun(asked, {"r": crashes}, limit=2)) is again, what


def test_only_workers_that_were_long_silent_are_forgotten() -> None:
    workers = [Worker(name=name, pool="p", heard=heard) for name, heard in (("a", ago(90)), ("b", ago(5)), ("c", None))]

    assert [worker.name for worker in policies.dead(workers, NOW, timedelta(hours=1))] == ["a"]


def test_a_policy_that_does_not_exist_is_refused() -> None:
    given = {"pools": [], "every": 60, "zombie_runs": None, "pending_timeout": None, "late_runs": "run_all"}
    given |= {"dead_workers": None, "rerun_crashed": 0}
    assert Policies.model_validate(given).every == 60

    for wrong in ({"late_runs": "some"}, {"every": 0}, {"zombies": 3}):
        with pytest.raises(ValidationError):
            Policies.model_validate(given | wrong)


def test_a_crash_that_is_reported_twice_is_counted_once() -> None:
    once = ["SCHEDULED", "PENDING", "RUNNING", "CRASHED"]

    assert policies.crashes(once) == 1
    assert policies.crashes([*once, "CRASHED"]) == 1
    assert policies.crashes([*once, "SCHEDULED", "CRASHED"]) == 1
    assert policies.crashes([*once, "SCHEDULED", "PENDING", "CRASHED"]) == 2
    assert policies.crashes(["SCHEDULED", "PENDING", "RUNNING", "CANCELLING", "CRASHED"]) == 1
