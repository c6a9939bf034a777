"""`prefect:index:WorkQueue`: a lane of a work pool, with a priority and a limit of its own.

Every pool is made with a queue `default`, which can be changed and not deleted: here it is adopted when it is
declared, and put back as it was when it isn't any more. Of the others, those are taken over that are just as
declared, or that the server made because a deployment named them: a queue has no room for an owner's mark.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from infra.provider.api import Api
from infra.provider.errors import Conflict, NameTaken, NotFound, NotOurs
from infra.provider.kinds import waiting_runs
from infra.provider.kinds.kind import AdoptableShared, Kind, Live, Outputs, Session
from infra.provider.kinds.names import Name
from infra.provider.kinds.renaming import where, written_at
from infra.provider.listing import Listing, Row

DEFAULT = "default"
QUEUES = "work_queues/filter"
AS_MADE: Mapping[str, Any] = {
    "description": "The work pool's default queue.",
    "priority": 1,
    "concurrency_limit": None,
    "is_paused": False,
}


class WorkQueueInputs(AdoptableShared):
    work_pool_name: str = Field(description="The pool that the queue belongs to.")
    work_pool_id: str | None = Field(
        default=None, description="The pool's UUID: a pool that was made anew needs its queues again."
    )
    name: Name = Field(description="Unique in its pool. Another name renames it; `default` stays.")
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
    }
    renamed_by = frozenset({"name"})

    def replacing(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> frozenset[str]:
        """A pool keeps its `default` queue under any name, and could not be rid of it: it is no other queue's name."""
        of_pool = DEFAULT in (old.get("name"), new.get("name"))
        return super().replacing(old, new) | (frozenset({"name"}) if of_pool else frozenset())

    async def create(self, session: Session, new: WorkQueueInputs) -> Live[WorkQueueInputs]:
        api, pool = session.api, new.work_pool_name
        try:
            row = await api.post(f"work_pools/{pool}/queues", {"name": new.name, **self._body(new)})
        except Conflict:
            return await self._take_over(api, new)
        except NotFound as error:
            raise NotFound(f"work queue {new.name!r}: there is no work pool {pool!r}") from error
        return self._live(row, new)

    async def _take_over(self, api: Api, new: WorkQueueInputs) -> Live[WorkQueueInputs]:
        path = _path(new)
        row = await api.get(path)
        there = self._inputs(row, new.work_pool_name, new)
        wanted = new.with_theirs(there)
        body = self._body(wanted)
        differs = {key: value for key, value in self._body(there).items() if value != body[key]}
        if not differs:
            return self._live(row, wanted)
        if not (new.adopt or new.name == DEFAULT or await _made_for_a_deployment(api, row)):
            told = ", ".join(f"{key} {value!r}" for key, value in sorted(differs.items()))
            what = f"work queue {new.name!r} of the pool {new.work_pool_name!r}"
            as_it_is = f": it has {told} (declared so, it is taken over without more ado)"
            raise NotOurs(what, self.token, f"{new.work_pool_name}/{new.name}", as_it_is)
        await api.patch(path, body)
        return self._live(row, wanted)

    async def read(
        self, session: Session, id_: str, known: WorkQueueInputs | None, state: Mapping[str, Any]
    ) -> Live[WorkQueueInputs] | None:
        api = session.api
        pool, _, name = id_.partition("/")
        pool, name = state.get("work_pool_name", pool), state.get("name", name)
        paths = (f"work_pools/{pool}/queues/{name}", *where(state, "work_queues", "work_queue_id"))
        row = await _listing(api).found(f"{pool}/{name}", lambda: api.get_or_none(*paths))
        if row is None:
            return None
        return self._live(row, self._inputs(row, pool, known), known)

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
        patch = {key: value for key, value in {"name": new.name, **self._body(new)}.items() if key in changed}
        if patch:
            api, its_id = session.api, f"{new.work_pool_name}/{new.name}"
            taken = NameTaken(f"work queue {its_id!r}", old.name, self.token, its_id)
            path = await written_at(api, _path(old), _path(new), state["work_queue_id"], taken)
            if "is_paused" not in patch:
                # The server takes one that is left out for false, and somebody may have paused it just now.
                patch["is_paused"] = (await api.get(path))["is_paused"]
            await api.patch(path, patch)
        return self._live({"id": state["work_queue_id"]}, new)

    async def delete(self, session: Session, id_: str, old: WorkQueueInputs, state: Mapping[str, Any]) -> None:
        path = _path(old)
        if old.name != DEFAULT:
            waiting = await waiting_runs.of_queue(session.api, state["work_queue_id"])
            if not await session.api.delete(path):  # an `up` that was killed may have got as far as this
                waiting = await waiting_runs.of_no_queue(session.api, old.name, session.owner)
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
    def _live(
        row: Mapping[str, Any], inputs: WorkQueueInputs, known: WorkQueueInputs | None = None
    ) -> Live[WorkQueueInputs]:
        said = known or inputs
        return Live(
            id=f"{said.work_pool_name}/{said.name}",
            inputs=inputs,
            outputs=WorkQueueOutputs(work_queue_id=row["id"]),
        )


def _path(inputs: WorkQueueInputs) -> str:
    return f"work_pools/{inputs.work_pool_name}/queues/{inputs.name}"


def _listing(api: Api) -> Listing:
    """Of all pools in one go: their number is not to be felt."""

    async def fetch() -> list[Row]:
        return [{**row, "in_pool": f"{row['work_pool_name']}/{row['name']}"} for row in await api.find(QUEUES, {})]

    return api.listing(QUEUES, "in_pool", fetch)


async def _made_for_a_deployment(api: Api, row: Mapping[str, Any]) -> bool:
    """Whether it is as the server makes a queue that a deployment names and nobody has made: nobody's work is in it."""
    if row["description"] or row["is_paused"] or row["concurrency_limit"] is not None:
        return False
    return bool(await api.find("deployments/filter", {"work_pool_queues": {"id": {"any_": [row["id"]]}}}))
