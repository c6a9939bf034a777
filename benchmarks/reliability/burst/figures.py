"""What came of a burst: of the whole, and near each fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from benchmarks.reliability.burst.course import Course, Strike
from benchmarks.reliability.evidence import Traces, percentile, told

UNDER_WAY: Final = frozenset({"SCHEDULED", "PENDING", "RUNNING", "CANCELLING"})
AFTERWARDS: Final = timedelta(seconds=30)
"""That long after the recovery, a pause of the starts is still the fault's."""


def whole(found: Sequence[Traces], course: Course) -> dict[str, Any]:
    """Of all runs, the urgent ones included; latencies of the two apart, since only the burst's wait for their turn."""
    dues = course.dues()
    burst = [each for each in found if each.run in set(course.runs)]
    urgent = [each for each in found if each.run not in set(course.runs)]
    last = max((each.states[-1].at for each in found if each.states), default=course.due)
    minutes = (last - course.due).total_seconds() / 60
    completed = sum(each.state == "COMPLETED" for each in found)
    # Under way when it was cut off: neither lost nor well.
    unfinished = [each for each in found if each.state in UNDER_WAY]
    lost = [each for each in found if each.is_lost and each not in unfinished]
    return {
        "runs": len(burst),
        "urgent_runs": len(urgent),
        "completed": completed,
        "unfinished": len(unfinished),
        "lost": len(lost),
        "doubled": sum(each.is_doubled for each in found),
        "run_again": sum(each.crashes > 0 and not each.is_lost for each in found),
        "crashes": sum(each.crashes for each in found),
        "seconds": round(minutes * 60, 1),
        "runs_a_minute": round(completed / minutes, 1) if minutes > 0 else None,
        **_both("latency", _latencies(burst, dues)),
        **_both("urgent_latency", _latencies(urgent, dues)),
        **_both("start", [seconds for each in found if (seconds := start(each)) is not None]),
        "odd": [told(each) for each in found if each in lost or each in unfinished or each.is_doubled or each.crashes][
            :40
        ],
    }


def near(strike: Strike, found: Sequence[Traces]) -> dict[str, Any]:
    """Of one fault. Its latencies are those of the urgent runs that were due from the blow on."""
    urgent = [each for each in found if each.run in strike.urgent]
    until = strike.at + timedelta(seconds=strike.took or 0.0) + AFTERWARDS
    struck = [each for each in found if _crashed_within(each, strike.at, until)]
    seconds = _latencies(urgent, strike.urgent)
    return {
        "fault": strike.fault,
        "says": strike.says,
        "at": strike.at.isoformat(timespec="seconds"),
        "completed_before": strike.completed,
        "struck": strike.took is not None and strike.problem is None,
        "problem": strike.problem,
        "recovered_after": strike.recovered_after,
        "urgent_runs": len(urgent),
        "urgent_latency_p50": _rounded(percentile(seconds, 0.5)),
        "urgent_latency_worst": _rounded(max(seconds, default=None)),
        "crashed": len(struck),
        "lost": sum(each.is_lost for each in struck),
        "doubled": sum(each.is_doubled for each in struck),
        "longest_pause": _rounded(longest_pause(found, strike.at, until)),
        **strike.seen,
    }


def start(each: Traces) -> float | None:
    """Seconds from when a worker first took it until it first was Running. None: it never was."""
    taken = next((state.at for state in each.states if state.type == "PENDING"), None)
    running = next((state.at for state in each.states if state.type == "RUNNING"), None)
    return (running - taken).total_seconds() if taken and running else None


def longest_pause(found: Iterable[Traces], since: datetime, until: datetime) -> float | None:
    """The longest time without a run that became Running, of what touches those moments. None: fewer than two did."""
    moments = sorted(state.at for each in found for state in each.states if state.type == "RUNNING")
    pauses = [
        (after - before).total_seconds() for before, after in pairwise(moments) if after > since and before < until
    ]
    return max(pauses, default=None)


def _crashed_within(each: Traces, since: datetime, until: datetime) -> bool:
    return any(state.type == "CRASHED" and since <= state.at <= until for state in each.states)


def _latencies(found: Iterable[Traces], dues: Mapping[str, datetime]) -> list[float]:
    return [seconds for each in found if (seconds := each.latency(dues[each.run])) is not None]


def _both(what: str, values: Sequence[float]) -> dict[str, float | None]:
    return {f"{what}_p{share}": _rounded(percentile(values, share / 100)) for share in (50, 99)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
