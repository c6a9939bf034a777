"""`prefect:index:GlobalConcurrencyLimit` and `prefect:index:TagConcurrencyLimit`: how much at once, beyond one pool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from infra.provider.errors import Conflict, NotFound, NotOurs
from infra.provider.kinds.kind import AdoptableShared, Failure, Kind, Live, Outputs, Session
from infra.provider.kinds.names import Name

RESERVED: Final = ("deployment:", "tag:")
"""The server keeps the limits of deployments and of tags among the global ones, under these."""


class LimitOutputs(Outputs):
    limit_id: str = Field(description="The server's UUID.")


class GlobalConcurrencyLimitInputs(AdoptableShared):
    name: Name = Field(description="Unique; what `concurrency(...)` and `rate_limit(...)` are given.")
    limit: int = Field(ge=0, description="Slots.")
    active: bool = Field(default=True, description="An inactive limit limits nothing.")
    slot_decay_per_second: float = Field(default=0.0, ge=0, description="Slots freed per second: for rate limits.")


class GlobalConcurrencyLimit(Kind[GlobalConcurrencyLimitInputs]):
    token = "prefect:index:GlobalConcurrencyLimit"  # noqa: S105  # a type token
    inputs = GlobalConcurrencyLimitInputs
    outputs = LimitOutputs
    identity = ("name",)
    replaced_by: ClassVar[Mapping[str, str]] = {"name": "flows hold on to a limit by its name"}

    def check(self, old: GlobalConcurrencyLimitInputs | None, new: GlobalConcurrencyLimitInputs) -> Iterator[Failure]:
        if new.name.startswith(RESERVED):
            yield Failure(("name",), f"the server keeps names that begin with {' or '.join(RESERVED)} for itself")

    async def create(self, session: Session, new: GlobalConcurrencyLimitInputs) -> Live[GlobalConcurrencyLimitInputs]:
        api, body = session.api, new.model_dump(exclude={"adopt", "owners"})
        try:
            row = await api.post("v2/concurrency_limits/", body)
        except Conflict:
            row = await api.get(f"v2/concurrency_limits/{new.name}")
            # No room for an owner's mark here either: as declared is ours, or nothing lost.
            same = all(row[key] == value for key, value in body.items())
            if not (same or new.adopt):
                raise NotOurs(f"global concurrency limit {new.name!r}", self.token, new.name) from None
            if not same:
                patch = {key: value for key, value in body.items() if new.ours(key)}
                await api.patch(f"v2/concurrency_limits/{new.name}", patch)
        return Live(id=new.name, inputs=new, outputs=LimitOutputs(limit_id=row["id"]))

    async def read(
        self, session: Session, id_: str, known: GlobalConcurrencyLimitInputs | None, state: Mapping[str, Any]
    ) -> Live[GlobalConcurrencyLimitInputs] | None:
        try:
            row = await session.api.get(f"v2/concurrency_limits/{id_}")
        except NotFound:
            return None
        keys = ("name", "limit", "active", "slot_decay_per_second")
        inputs = GlobalConcurrencyLimitInputs(**{key: row[key] for key in keys})
        return Live(id=id_, inputs=inputs, outputs=LimitOutputs(limit_id=row["id"]))

    async def update(
        self,
        session: Session,
        id_: str,
        old: GlobalConcurrencyLimitInputs,
        new: GlobalConcurrencyLimitInputs,
        state: Mapping[str, Any],
    ) -> Live[GlobalConcurrencyLimitInputs]:
        if patch := {key: getattr(new, key) for key in new.changed_from(old) - self.incomparable}:
            await session.api.patch(f"v2/concurrency_limits/{id_}", patch)
        return Live(id=id_, inputs=new, outputs=LimitOutputs(limit_id=state["limit_id"]))

    async def delete(
        self, session: Session, id_: str, old: GlobalConcurrencyLimitInputs, state: Mapping[str, Any]
    ) -> None:
        await session.api.delete(f"v2/concurrency_limits/{id_}")


class TagConcurrencyLimitInputs(AdoptableShared):
    tag: Name = Field(description="Task runs with this tag are counted.")
    concurrency_limit: int = Field(ge=0, description="Task runs at once.")


class TagConcurrencyLimit(Kind[TagConcurrencyLimitInputs]):
    token = "prefect:index:TagConcurrencyLimit"  # noqa: S105  # a type token
    inputs = TagConcurrencyLimitInputs
    outputs = LimitOutputs
    identity = ("tag",)
    replaced_by: ClassVar[Mapping[str, str]] = {"tag": "a limit is known by its tag"}

    async def create(self, session: Session, new: TagConcurrencyLimitInputs) -> Live[TagConcurrencyLimitInputs]:
        api = session.api
        try:
            row = await api.get(f"concurrency_limits/tag/{new.tag}")
        except NotFound:
            row = None
        if row is not None and row["concurrency_limit"] != new.concurrency_limit and not new.adopt:
            raise NotOurs(f"concurrency limit of the tag {new.tag!r}", self.token, new.tag)
        if row is not None and not new.ours("concurrency_limit"):
            return Live(id=new.tag, inputs=new, outputs=LimitOutputs(limit_id=row["id"]))
        return await self._put(session, new)

    async def read(
        self, session: Session, id_: str, known: TagConcurrencyLimitInputs | None, state: Mapping[str, Any]
    ) -> Live[TagConcurrencyLimitInputs] | None:
        try:
            row = await session.api.get(f"concurrency_limits/tag/{id_}")
        except NotFound:
            return None
        inputs = TagConcurrencyLimitInputs(tag=row["tag"], concurrency_limit=row["concurrency_limit"])
        return Live(id=id_, inputs=inputs, outputs=LimitOutputs(limit_id=row["id"]))

    async def update(
        self,
        session: Session,
        id_: str,
        old: TagConcurrencyLimitInputs,
        new: TagConcurrencyLimitInputs,
        state: Mapping[str, Any],
    ) -> Live[TagConcurrencyLimitInputs]:
        if "concurrency_limit" in new.changed_from(old):
            return await self._put(session, new)
        return Live(id=id_, inputs=new, outputs=LimitOutputs(limit_id=state["limit_id"]))

    async def delete(
        self, session: Session, id_: str, old: TagConcurrencyLimitInputs, state: Mapping[str, Any]
    ) -> None:
        await session.api.delete(f"concurrency_limits/tag/{id_}")

    @staticmethod
    async def _put(session: Session, new: TagConcurrencyLimitInputs) -> Live[TagConcurrencyLimitInputs]:
        """The server's POST is an upsert: the same id, another limit."""
        row = await session.api.post("concurrency_limits/", new.model_dump(exclude={"adopt", "owners"}))
        return Live(id=new.tag, inputs=new, outputs=LimitOutputs(limit_id=row["id"]))
