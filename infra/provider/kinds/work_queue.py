"""`prefect:index:WorkQueue`: a lane of a work pool, with a priority and a limit of its own.

Every pool is made with a queue `default`, which can be changed and not deleted: here it is adopted when it is
declared, and put back as it was when it isn't any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from infra.provider.errors import Conflict, NotFound
from infra.provider.kinds import waiting_runs
from infra.provider.kinds.kind import Kind, Live, Outputs, Session, Shared
from infra.provider.kinds.names import Name

DEFAULT = "default"
AS_MADE: Mapping[str, Any] = {
    "description": "The work pool's default queue.",
    "priority": 1,
    "concurrency_limit": None,
    "is_paused": False,
}


class WorkQueueInputs(Shared):
    work_pool_name: str = Field(description="The pool that the queue belongs to.")
    work_pool_id: str | None = Field(
        default=None, description="The pool's UUID: a pool that was made anew needs its queues again."
    )
    name: Name = Field(description="Unique in its pool.")
    priority: int | None = Field(
        default=None,
        ge=1,
        description="1 goes first; a pool has each priority once. Left out: the server's to choose, and to keep.",
    )
    concurrency_limit: int | None = Field(default=None, ge=0, description="Runs at once; none when left out.")
    is_paused: bool = Field(default=False, description="A paused queue hands out no runs.")
    description: str | None = Field(default=None, description="Shown in the UI.")


class WorkQueueOutputs(Outputs):
    work_queue_id: str = Field(description="The server's UUID.")


class WorkQueue(Kind[WorkQueueInputs]):
    token = "prefect:index:WorkQueue"  # noqa: S105  # a type token
    inputs = WorkQueueInputs
    outputs = WorkQueueOutputs
    identity = ("work_pool_name", "name")
    compared_if_said = frozenset({"work_pool_id"})
    replaced_by: ClassVar[Mapping[str, str]] = {
        "work_pool_name": "a queue can't move to another pool",
        "work_pool_id": "a pool that was made anew has none of its queues",
        "name": "runs and deployments hold on to a queue by its name",
    }

    async def create(self, session: Session, new: WorkQueueInputs) -> Live[WorkQueueInputs]:
        api, pool = session.api, new.work_pool_name
        try:
            row = await api.post(f"work_pools/{pool}/queues", {"name": new.name, **self._body(new)})
        except Conflict:
            # A queue has no room for an owner's mark, and none is needed: the pool is ours, and who else would
            # have put the queue there but its own making, or an `up` that was killed?
            row = await api.get(f"work_pools/{pool}/queues/{new.name}")
            new = new.with_theirs(self._inputs(row, pool, new))
            await api.patch(f"work_pools/{pool}/queues/{new.name}", self._body(new))
        except NotFound as error:
            raise NotFound(f"work queue {new.name!r}: there is no work pool {pool!r}") from error
        return self._live(row, new)

    async def read(
        self, session: Session, id_: str, known: WorkQueueInputs | None, state: Mapping[str, Any]
    ) -> Live[WorkQueueInputs] | None:
        pool, _, name = id_.partition("/")
        try:
            row = await session.api.get(f"work_pools/{pool}/queues/{name}")
        except NotFound:
            return None
        return self._live(row, self._inputs(row, pool, known))

    @classmethod
    def _inputs(cls, row: Mapping[str, Any], pool: str, known: WorkQueueInputs | None) -> WorkQueueInputs:
        # A priority that nobody declared is the server's to choose, and moves when another queue takes it.
        declared = known is None or known.priority is not None
        return WorkQueueInputs(
            work_pool_name=pool,
            work_pool_id=row["work_pool_id"] if known is None or known.work_pool_id else None,
            name=row["name"],
            priority=row["priority"] if declared else None,
            concurrency_limit=row["concurrency_limit"],
            is_paused=row["is_paused"],
            description=cls._description(row, known),
        )

    @staticmethod
    def _description(row: Mapping[str, Any], known: WorkQueueInputs | None) -> str | None:
        made_by_server = row["name"] == DEFAULT and row["description"] == AS_MADE["description"]
        if made_by_server and (known is None or known.description is None):
            return None
        return row["description"] or None

    async def update(
        self, session: Session, id_: str, old: WorkQueueInputs, new: WorkQueueInputs, state: Mapping[str, Any]
    ) -> Live[WorkQueueInputs]:
        changed = new.changed_from(old)
        patch = {key: value for key, value in self._body(new).items() if key in changed}
        if patch:
            if "is_paused" not in patch:
                # The server takes one that is left out for false, and somebody may have paused it just now.
                row = await session.api.get(f"work_pools/{new.work_pool_name}/queues/{new.name}")
                patch["is_paused"] = row["is_paused"]
            await session.api.patch(f"work_pools/{new.work_pool_name}/queues/{new.name}", patch)
        return Live(id=id_, inputs=new, outputs=WorkQueueOutputs(work_queue_id=state["work_queue_id"]))

    async def delete(self, session: Session, id_: str, old: WorkQueueInputs, state: Mapping[str, Any]) -> None:
        path = f"work_pools/{old.work_pool_name}/queues/{old.name}"
        if old.name != DEFAULT:
            waiting = await waiting_runs.of_queue(session.api, state["work_queue_id"])
            await session.api.delete(path)
            await waiting_runs.find_a_queue(session.api, [row["deployment_id"] for row in waiting])
            return
        try:
            await session.api.patch(path, AS_MADE)
        except NotFound:
            return

    @staticmethod
    def _body(inputs: WorkQueueInputs) -> dict[str, Any]:
        body = {
            "concurrency_limit": inputs.concurrency_limit,
            "is_paused": inputs.is_paused,
            "description": inputs.description or "",
        }
        return body if inputs.priority is None else {**body, "priority": inputs.priority}

    @staticmethod
    def _live(row: Mapping[str, Any], inputs: WorkQueueInputs) -> Live[WorkQueueInputs]:
        return Live(
            id=f"{inputs.work_pool_name}/{inputs.name}",
            inputs=inputs,
            outputs=WorkQueueOutputs(work_queue_id=row["id"]),
        )
