"""What became of runs while the server's clock was wrong: by their own account, which has the machine's time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from benchmarks.reliability.evidence import Traces, percentile, told
from infra.provider.api import Api

MARGIN: Final = timedelta(seconds=75)
"""Of a schedule's runs, those that are due so near to the end may not have begun yet."""


def beginnings(notes: str) -> dict[str, list[datetime]]:
    """By run: when it began, each time. `notes`: lines `<run> empieza|termina <seconds since 1970>`."""
    found: dict[str, list[datetime]] = {}
    for line in notes.splitlines():
        run, word, moment = line.split()
        if word == "empieza":
            found.setdefault(run, []).append(datetime.fromtimestamp(float(moment), UTC))
    return found


def asked_for(found: Sequence[Traces], dues: Mapping[str, datetime], notes: str) -> dict[str, Any]:
    """Of the runs that were made by hand."""
    began = beginnings(notes)
    waits = [(began[run][0] - due).total_seconds() for run, due in dues.items() if run in began]
    states = [state for each in found for state in each.states]
    return {
        "runs": len(found),
        "lost": sum(each.is_lost for each in found),
        "doubled": sum(each.is_doubled for each in found),
        "run_again": sum(each.crashes > 0 and not each.is_lost for each in found),
        "crashed_because": dict(Counter(state.message[:120] for state in states if state.type == "CRASHED")),
        "late": sum(state.name == "Late" for state in states),
        **_spread("began_after", waits),
        "odd": [told(each) for each in found if each.is_lost or each.is_doubled or each.crashes],
    }


async def scheduled_runs(
    api: Api, deployments: Sequence[str], since: datetime, until: datetime
) -> list[dict[str, Any]]:
    """The schedules' own runs that were due in that time."""
    body = {
        "flow_runs": {
            "deployment_id": {"any_": list(deployments)},
            "expected_start_time": {"after_": since.isoformat(), "before_": until.isoformat()},
            "tags": {"all_": ["auto-scheduled"]},
        },
        "sort": "EXPECTED_START_TIME_ASC",
    }
    return await api.find("flow_runs/filter", body)


def by_schedule(rows: Iterable[Mapping[str, Any]], notes: str, since: datetime, until: datetime) -> dict[str, Any]:
    """Of a schedule with a run for each minute: those that are missing, there twice, begun twice, late or too early."""
    began = beginnings(notes)
    due = {row["id"]: datetime.fromisoformat(row["expected_start_time"]) for row in rows}
    due = {run: moment for run, moment in due.items() if since <= moment <= until - MARGIN}
    minutes = Counter(f"{moment:%H:%M}" for moment in due.values())
    waits = [(began[run][0] - moment).total_seconds() for run, moment in due.items() if run in began]
    return {
        "minutes": _whole_minutes(since, until - MARGIN),
        "runs": len(due),
        "minutes_twice": sorted(minute for minute, number in minutes.items() if number > 1),
        "never_begun": sum(run not in began for run in due),
        "begun_twice": sum(len(began.get(run, [])) > 1 for run in due),
        "begun_early": sum(seconds < 0 for seconds in waits),
        **_spread("began_after", waits),
    }


def _whole_minutes(since: datetime, until: datetime) -> int:
    """How many begin in that time."""
    return int(until.timestamp() // 60) - int(since.timestamp() // 60)


def _spread(what: str, values: Sequence[float]) -> dict[str, float | None]:
    return {
        f"{what}_p50": None if not values else round(percentile(values, 0.5) or 0.0, 1),
        f"{what}_worst": None if not values else round(max(values), 1),
    }
