"""What the autoscaler asks of the Prefect server; by Prefect's client, which knows how to get in.

Not by what workers ask (`get_scheduled_flow_runs`): the server takes whoever asks that for a worker, and the pool for
ready.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from workers.autoscaler.policies import Demand, Queue

if TYPE_CHECKING:  # importing it takes a second
    from prefect.client.orchestration import PrefectClient

PAGE: Final = 200
ENOUGH: Final = 1000
"""Of runs that wait: more than that asks for no more workers than that."""
WORKER_LABEL: Final = "prefect.worker.name"
WAITING: Final = ["Scheduled", "Late", "AwaitingRetry"]
"""Not AwaitingConcurrencySlot: those wait for their deployment's limit, and no worker would help."""
TAKEN: Final = ["PENDING", "RUNNING", "CANCELLING"]
IN_PROCESS: Final = ("AwaitingRetry", "Paused")
"""States in which a run's process may go on and wait."""


class Server:
    def __init__(self, client: PrefectClient) -> None:
        self._client = client

    async def demand(self, pool: str) -> Demand:
        answer = await self._client.request("GET", f"/work_pools/{pool}")  # type: ignore[arg-type]
        about = answer.json()
        queues = await self._post(f"/work_pools/{pool}/queues/filter", {"limit": PAGE})
        due = {"state": {"name": {"any_": WAITING}}, "next_scheduled_start_time": {"before_": _now()}}
        waiting = [row for row in await self._runs(pool, due, at_most=ENOUGH) if not _in_process(row)]
        begun = {"operator": "or_", "type": {"any_": TAKEN}, "name": {"any_": [*IN_PROCESS]}}
        taken = [
            row
            for row in await self._runs(pool, {"state": begun})
            if row["state_name"] != "AwaitingRetry" or _in_process(row)
        ]
        limits = await self._limits({row["deployment_id"] for row in waiting if row["deployment_id"]})
        waits = Counter(row["work_queue_name"] for row in _within(limits, waiting, taken))
        busy = Counter(row["work_queue_name"] for row in taken)
        return Demand(
            queues=[
                Queue(
                    waiting=waits[queue["name"]],
                    in_flight=busy[queue["name"]],
                    limit=queue["concurrency_limit"],
                    paused=queue["is_paused"],
                )
                for queue in queues
            ],
            in_flight=Counter((row.get("labels") or {}).get(WORKER_LABEL) for row in taken),
            limit=about["concurrency_limit"],
            paused=about["is_paused"],
        )

    async def _limits(self, deployments: set[str]) -> dict[str, int]:
        """How many runs at once those have that have a limit, by their id."""
        if not deployments:
            return {}
        body = {"deployments": {"id": {"any_": sorted(deployments)}}, "limit": PAGE}
        limits = {row["id"]: row["global_concurrency_limit"] for row in await self._post("/deployments/filter", body)}
        return {id_: limit["limit"] for id_, limit in limits.items() if limit and limit["active"]}

    async def _runs(self, pool: str, condition: dict[str, Any], at_most: int | None = None) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        body = {"flow_runs": condition, "work_pools": {"name": {"any_": [pool]}}, "sort": "ID_DESC"}
        while at_most is None or len(rows) < at_most:
            page = await self._post("/flow_runs/filter", {**body, "limit": PAGE, "offset": len(rows)})
            rows += page
            if len(page) < PAGE:
                break
        return rows

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        answer = await self._client.request("POST", path, json=body)  # type: ignore[arg-type]
        return answer.json()


def _within(
    limits: Mapping[str, int], waiting: Sequence[dict[str, Any]], taken: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Of the runs that wait, those that their deployments' limits leave room for."""
    room = Counter(limits)
    room.subtract(row["deployment_id"] for row in taken if row["deployment_id"] in limits)
    found = []
    for row in waiting:
        deployment = row["deployment_id"]
        if deployment not in limits or room[deployment] > 0:
            found.append(row)
            room[deployment] -= 1
    return found


def _in_process(row: dict[str, Any]) -> bool:
    """Whether a run that is to be tried again waits for that in the process that it has."""
    return (row.get("empirical_policy") or {}).get("retry_type") == "in_process"


def _now() -> str:
    return datetime.now(UTC).isoformat()
