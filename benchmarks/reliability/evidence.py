"""What became of each run: by the states that the server recorded, and by what the run itself left on a volume."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from benchmarks.reliability.load import Burst
from infra.provider.api import Api


@dataclass(frozen=True)
class State:
    type: str
    name: str
    at: datetime
    message: str = ""


@dataclass(frozen=True)
class Traces:
    """One run: its states in their order, and how often it began and ended by its own account."""

    run: str
    states: tuple[State, ...]
    begun: int
    ended: int
    now: str = ""
    """The type of the state that it is in, by the server. Empty: the last of its states."""

    @property
    def state(self) -> str:
        """By type. States have the server's time, which may jump: the last of them need not be the present one."""
        return self.now or (self.states[-1].type if self.states else "SCHEDULED")

    @property
    def crashes(self) -> int:
        """Each told once: a worker reports the same crash twice."""
        types = [state.type for state in self.states]
        return sum(
            type_ == "CRASHED" and former != "CRASHED" for former, type_ in zip(["", *types], types, strict=False)
        )

    @property
    def is_lost(self) -> bool:
        """Not Completed, or Completed without having done anything."""
        return self.state != "COMPLETED" or self.ended == 0

    @property
    def is_doubled(self) -> bool:
        """Its work was done to the end more than once, or begun oftener than the server knows a reason for."""
        return self.ended > 1 or self.begun > 1 + self.crashes

    def latency(self, due: datetime) -> float | None:
        """Seconds from when it was due until it first was Running. None: it never was."""
        first = next((state.at for state in self.states if state.type == "RUNNING"), None)
        return (first - due).total_seconds() if first else None


def percentile(values: Iterable[float], share: float) -> float | None:
    """The smallest value that at least that share of them don't exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else None


def own_account(notes: str) -> dict[str, tuple[int, int]]:
    """By run: how often it began and ended. `notes`: lines `<run> empieza|termina <moment>`."""
    found: dict[str, tuple[int, int]] = {}
    for line in notes.splitlines():
        run, word, _ = line.split()
        begun, ended = found.get(run, (0, 0))
        found[run] = (begun + (word == "empieza"), ended + (word == "termina"))
    return found


async def traces(api: Api, burst: Burst, notes: Callable[[], str]) -> list[Traces]:
    """`notes` are read last: a run that ends meanwhile has told so itself before the server knows it Completed."""
    states: list[Any] = await asyncio.gather(*(api.get("flow_run_states/", flow_run_id=run) for run in burst.runs))
    tagged = await api.find("flow_runs/filter", {"flow_runs": {"tags": {"all_": [burst.tag]}}, "sort": "ID_DESC"})
    now = {row["id"]: row["state_type"] for row in tagged}
    account = own_account(await asyncio.to_thread(notes))
    return [
        Traces(run, _states(rows), *account.get(run, (0, 0)), now[run])
        for run, rows in zip(burst.runs, states, strict=True)
    ]


def _states(rows: Sequence[Mapping[str, Any]]) -> tuple[State, ...]:
    found = (
        State(row["type"], row["name"], datetime.fromisoformat(row["timestamp"]), row["message"] or "") for row in rows
    )
    return tuple(sorted(found, key=lambda state: state.at))


def summary(found: Sequence[Traces], due: datetime) -> dict[str, Any]:
    latencies = [seconds for each in found if (seconds := each.latency(due)) is not None]

    def rounded(share: float) -> float | None:
        value = percentile(latencies, share)
        return None if value is None else round(value, 2)

    return {
        "runs": len(found),
        "lost": sum(each.is_lost for each in found),
        "doubled": sum(each.is_doubled for each in found),
        "run_again": sum(each.crashes > 0 and not each.is_lost for each in found),
        "latency_p50": rounded(0.5),
        "latency_p99": rounded(0.99),
        "odd": [told(each) for each in found if each.is_lost or each.is_doubled or each.crashes][:20],
    }


def told(each: Traces) -> dict[str, Any]:
    return {
        "run": each.run,
        "lost": each.is_lost,
        "doubled": each.is_doubled,
        "begun": each.begun,
        "ended": each.ended,
        "states": [f"{state.at:%H:%M:%S} {state.name}" for state in each.states],
        "crashes": [state.message[:200] for state in each.states if state.type == "CRASHED"],
    }
