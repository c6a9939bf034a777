"""What the janitor asks of the Prefect server, and what it tells it; by Prefect's client, which knows how to get in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final

from workers.janitor.policies import Run, Verdict, Worker, crashes

if TYPE_CHECKING:  # importing it takes a second
    from prefect.client.orchestration import PrefectClient

PAGE: Final = 200
BEAT: Final = "prefect.flow-run.heartbeat"
BEATS_PAGE: Final = 50  # the most that the server gives
RUNS_A_QUESTION: Final = 10  # of which a window's heartbeats fit a page
EVER: Final = timedelta(days=30)


class Server:
    def __init__(self, client: PrefectClient, pools: Sequence[str]) -> None:
        self._client = client
        self._pools = frozenset(pools)

    async def skew(self) -> timedelta:
        """How far the server's clock is ahead of this one's; what the answer took on its way doesn't count."""
        sent = datetime.now(UTC)
        answer = await self._client.request("GET", "/health")
        return apart(answer.headers.get("date"), sent, datetime.now(UTC))

    async def runs(self, states: Sequence[str], **conditions: Any) -> list[Run]:
        """Runs of the pools in states of these types; and those of no pool, which are children or somebody's own."""
        body = {"flow_runs": {"state": {"type": {"any_": list(states)}}, **conditions}, "sort": "ID_DESC"}
        rows = await self._all("/flow_runs/filter", body)
        return [_run(row) for row in rows if row["work_pool_name"] is None or row["work_pool_name"] in self._pools]

    async def beats(self, runs: Iterable[Run], window: timedelta) -> dict[str, datetime]:
        """The last heartbeat of each run that has one; for those without a pool, however long ago."""
        given = list(runs)
        found: dict[str, datetime] = {}
        for start in range(0, len(given), RUNS_A_QUESTION):
            found |= await self._last_beats([run.id for run in given[start : start + RUNS_A_QUESTION]], window)
        for run in given:
            if run.id not in found:
                found |= await self._last_beats([run.id], EVER)
        return found

    async def _last_beats(self, runs: list[str], back: timedelta) -> dict[str, datetime]:
        condition = {
            "event": {"name": [BEAT]},
            "resource": {"id": [f"prefect.flow-run.{run}" for run in runs]},
            "occurred": {"since": (datetime.now(UTC) - back).isoformat()},
            "order": "DESC",
        }
        answer = await self._post("/events/filter", {"filter": condition, "limit": BEATS_PAGE})
        found: dict[str, datetime] = {}
        for event in answer["events"]:
            found.setdefault(event["resource"]["prefect.resource.id"].rpartition(".")[2], _moment(event["occurred"]))
        return found

    async def crashes(self, run: Run) -> int:
        answer = await self._client.request("GET", "/flow_run_states/", params={"flow_run_id": run.id})
        rows = sorted(answer.json(), key=lambda row: _moment(row["timestamp"]))
        return crashes([row["type"] for row in rows])

    async def workers(self) -> list[Worker]:
        found = []
        for pool in sorted(self._pools):
            for row in await self._all(f"/work_pools/{pool}/workers/filter", {}):
                heard = row["last_heartbeat_time"]
                found.append(Worker(name=row["name"], pool=pool, heard=_moment(heard) if heard else None))
        return found

    async def forget(self, worker: Worker) -> None:
        await self._client.request("DELETE", f"/work_pools/{worker.pool}/workers/{worker.name}")  # type: ignore[arg-type]

    async def apply(self, verdict: Verdict) -> bool:
        """Whether the server took it: what has changed meanwhile is left as it is."""
        answer = await self._client.request("GET", f"/flow_runs/{verdict.run.id}")  # type: ignore[arg-type]
        if not _as_it_was(_run(answer.json()), verdict.run):
            return False
        proposed: dict[str, Any] = {"type": verdict.state, "message": verdict.reason}
        if verdict.state == "SCHEDULED":
            proposed |= {"name": "AwaitingRetry", "state_details": {"scheduled_time": datetime.now(UTC).isoformat()}}
        elif verdict.run.state == "SCHEDULED":
            proposed["name"] = "Skipped"
        # Forced where a run is ended: rules that would hold a living one back, for a retry say, don't hold a dead one.
        body = {"state": proposed, "force": verdict.state != "SCHEDULED"}
        done = await self._post(f"/flow_runs/{verdict.run.id}/set_state", body)
        return bool(done["status"] == "ACCEPT")

    async def _all(self, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        while True:
            page = await self._post(path, {**body, "limit": PAGE, "offset": len(rows)})
            rows += page
            if len(page) < PAGE:
                return rows

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = await self._client.request("POST", path, json=body)  # type: ignore[arg-type]
        return answer.json()


def apart(told: str | None, sent: datetime, received: datetime) -> timedelta:
    """From a Date, which has whole seconds, of an answer between those moments. Zero, where there is none."""
    if told is None:
        return timedelta(0)
    date = parsedate_to_datetime(told)
    return max(date - received, timedelta(0)) or min(date + timedelta(seconds=1) - sent, timedelta(0))


def _run(row: dict[str, Any]) -> Run:
    made_by = row["created_by"] or {}
    expected = row["next_scheduled_start_time"] or row["expected_start_time"]
    return Run(
        id=row["id"],
        name=row["name"],
        state=row["state_type"],
        state_name=row["state_name"],
        since=_moment(row["state"]["timestamp"]),
        expected=_moment(expected) if expected else None,
        pool=row["work_pool_name"],
        deployment=row["deployment_id"],
        schedule=made_by.get("id") if made_by.get("type") == "SCHEDULE" else None,
        tags=frozenset(row["tags"]),
        is_child=row["parent_task_run_id"] is not None,
    )


def _as_it_was(now: Run, then: Run) -> bool:
    """The server itself makes Late of Scheduled, which changes nothing for the run."""
    waits = {"Scheduled", "Late"}
    return (now.state, now.since) == (then.state, then.since) or {now.state_name, then.state_name} <= waits


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
