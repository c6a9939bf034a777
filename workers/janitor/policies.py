"""What is to be done with runs and workers: decided from what is known, without a clock, a server or a side effect."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

NO_RERUN_TAG: Final = "no-rerun"
SETTLING: Final = timedelta(seconds=20)
"""A worker reports a crash twice (3.8.8), on a busy machine more than ten seconds later: a run that is scheduled, and
taken, between the two would seem to crash at once."""
LATE_GRACE: Final = timedelta(seconds=15)  # as the server counts a run late


class Policies(BaseModel):
    """What a stack file says of its janitor, in seconds; null turns a policy off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pools: tuple[str, ...]
    """Whose runs and workers it looks at: somebody else's on the same server are none of its business."""
    every: int = Field(gt=0)
    zombie_runs: int | None
    """How long without a sign of life: three heartbeats."""
    pending_timeout: int | None
    late_runs: Literal["run_all", "keep_latest"] | int
    """A number: those that are later than this are skipped."""
    dead_workers: int | None
    rerun_crashed: int
    """How often a run that crashed is run again."""


@dataclass(frozen=True, kw_only=True)
class Run:
    id: str
    name: str
    state: str
    """The state's type."""
    state_name: str = ""
    since: datetime
    expected: datetime | None = None
    pool: str | None = None
    deployment: str | None = None
    schedule: str | None = None
    """What made it; none if a person did."""
    tags: frozenset[str] = frozenset()
    is_child: bool = False


@dataclass(frozen=True, kw_only=True)
class Worker:
    name: str
    pool: str
    heard: datetime | None


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A run's next state, and why."""

    run: Run
    state: Literal["CRASHED", "CANCELLED", "SCHEDULED"]
    reason: str


def zombies(runs: Iterable[Run], beats: Mapping[str, datetime], now: datetime, window: timedelta) -> list[Verdict]:
    """Runs that gave no sign of life for a window, those that never gave one included.

    A run of no pool may be somebody's script on a machine of their own, that sends no heartbeats: it is judged only
    if it has sent one.
    """
    found = []
    for run in runs:
        beat = beats.get(run.id)
        if run.state not in {"RUNNING", "CANCELLING"} or (run.pool is None and beat is None):
            continue
        heard = max(run.since, beat) if beat else run.since
        if now - heard > window:
            ends: Literal["CANCELLED", "CRASHED"] = "CANCELLED" if run.state == "CANCELLING" else "CRASHED"
            since = "since its last heartbeat" if beat and beat >= run.since else "and never a heartbeat"
            found.append(Verdict(run=run, state=ends, reason=f"No sign of life for {_words(now - heard)}, {since}."))
    return found


def overdue(runs: Iterable[Run], now: datetime, timeout: timedelta, resumed: datetime | None = None) -> list[Verdict]:
    """Runs that a worker took and never started. `resumed`: before that, nobody could."""
    waited = [(run, now - (max(waited_from(run), resumed) if resumed else waited_from(run))) for run in runs]
    return [
        Verdict(run=run, state="CRASHED", reason=f"Pending for {_words(span)}: nobody started it.")
        for run, span in waited
        if run.state == "PENDING" and run.pool and span > timeout
    ]


def waited_from(run: Run) -> datetime:
    """A worker takes a run some seconds before its time, and the run then waits for that."""
    return max(run.since, run.expected) if run.expected else run.since


def too_late(runs: Iterable[Run], now: datetime, policy: str | int) -> list[Verdict]:
    """Runs of schedules that missed their time and shall not be made up for. What a person asked for always runs."""
    late = [
        (run, run.expected)
        for run in runs
        if run.state_name in {"Scheduled", "Late"} and run.schedule and run.expected
        if now - run.expected > LATE_GRACE
    ]
    if isinstance(policy, int):
        return [
            Verdict(run=run, state="CANCELLED", reason=f"Skipped: {_words(now - expected)} late.")
            for run, expected in late
            if now - expected > timedelta(seconds=policy)
        ]
    if policy != "keep_latest":
        return []
    of_schedule: dict[tuple[str | None, str | None], list[tuple[datetime, Run]]] = defaultdict(list)
    for run, expected in late:
        of_schedule[run.deployment, run.schedule].append((expected, run))
    return [
        Verdict(run=run, state="CANCELLED", reason="Skipped: a later run of its schedule is waiting, too.")
        for group in of_schedule.values()
        for _, run in sorted(group, key=lambda each: each[0])[:-1]
    ]


def to_rerun(runs: Iterable[Run], crashes: Mapping[str, int], limit: int) -> list[Verdict]:
    """Of runs that may, those that didn't crash too often: whatever it is that ends them, they end for good."""
    return [
        Verdict(run=run, state="SCHEDULED", reason=f"Run again after crash {crashes[run.id]} of at most {limit + 1}.")
        for run in runs
        if crashes[run.id] <= limit
    ]


def crashes(states: Sequence[str]) -> int:
    """In the types of a run's states, the oldest first. One that nobody had taken is a late second report."""
    return sum(now == "CRASHED" and before not in {"SCHEDULED", "CRASHED"} for before, now in pairwise(states))


def may_rerun(run: Run, now: datetime) -> bool:
    """A run that another one waits for would be a surprise to it; who isn't idempotent says so by a tag."""
    settled = now - run.since > SETTLING
    is_ours = bool(run.deployment) and not run.is_child and NO_RERUN_TAG not in run.tags
    return run.state == "CRASHED" and settled and is_ours


def dead(workers: Iterable[Worker], now: datetime, after: timedelta) -> list[Worker]:
    return [worker for worker in workers if worker.heard and now - worker.heard > after]


def _words(span: timedelta) -> str:
    return str(timedelta(seconds=int(span.total_seconds())))
