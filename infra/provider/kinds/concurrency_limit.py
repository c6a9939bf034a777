"""`prefect:index:GlobalConcurrencyLimit` and `prefect:index:TagConcurrencyLimit`: how much at once, beyond one pool."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from infra.provider.api import Api
from infra.provider.errors import Conflict, NameTaken, NotOurs
from infra.provider.kinds.kind import AdoptableShared, Failure, Kind, Live, Outputs, Session
from infra.provider.kinds.names import Name
from infra.provider.kinds.renaming import where, written_at
from infra.provider.listing import Listing, Row

OF_TAG: Final = "tag:"
RESERVED: Final = ("deployment:", OF_TAG)
"""The server keeps the limits of deployments and of tags among the global ones, under these."""


def _listing(api: Api) -> Listing:
    """Of tags' limits too: their own route makes its pages of all limits, and then leaves out those of no tag."""
    return api.listing("v2/concurrency_limits/filter", "name")


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
    renamed_by = frozenset({"name"})

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
        api, name = session.api, state.get("name", id_)
        paths = (f"v2/concurrency_limits/{name}", *where(state, "v2/concurrency_limits", "limit_id"))
        row = await _listing(api).found(name, lambda: api.get_or_none(*paths))
        if row is None:
            return None
        keys = ("name", "limit", "active", "slot_decay_per_second")
        inputs = GlobalConcurrencyLimitInputs(**{key: row[key] for key in keys})
        return Live(id=(known or inputs).name, inputs=inputs, outputs=LimitOutputs(limit_id=row["id"]))

    async def update(
        self,
        session: Session,
        id_: str,
        old: GlobalConcurrencyLimitInputs,
        new: GlobalConcurrencyLimitInputs,
        state: Mapping[str, Any],
    ) -> Live[GlobalConcurrencyLimitInputs]:
        api = session.api
        if patch := {key: getattr(new, key) for key in new.changed_from(old) - self.incomparable}:
            taken = NameTaken(f"global concurrency limit {new.name!r}", old.name, self.token, new.name)
            former, later = f"v2/concurrency_limits/{old.name}", f"v2/concurrency_limits/{new.name}"
            await api.patch(await written_at(api, former, later, state["limit_id"], taken), patch)
        return Live(id=new.name, inputs=new, outputs=LimitOutputs(limit_id=state["limit_id"]))

    async def delete(
        self, session: Session, id_: str, old: GlobalConcurrencyLimitInputs, state: Mapping[str, Any]
    ) -> None:
        await session.api.delete(f"v2/concurrency_limits/{old.name}")


class TagConcurrencyLimitInputs(AdoptableShared):
    tag: Name = Field(description="Task runs with this tag are counted.")
    concurrency_limit: int = Field(ge=0, description="Task runs at once.")


class TagConcurrencyLimit(Kind[TagConcurrencyLimitInputs]):
    token = "prefect:index:TagConcurrencyLimit"  # noqa: S105  # a type token
    inputs = TagConcurrencyLimitInputs
    outputs = LimitOutputs
    identity = ("tag",)
    replaced_by: ClassVar[Mapping[str, str]] = {"tag": "a limit is its tag's: that of another tag is another limit"}

    async def create(self, session: Session, new: TagConcurrencyLimitInputs) -> Live[TagConcurrencyLimitInputs]:
        row = await session.api.get_or_none(f"concurrency_limits/tag/{new.tag}")
        if row is not None and row["concurrency_limit"] != new.concurrency_limit and not new.adopt:
            raise NotOurs(f"concurrency limit of the tag {new.tag!r}", self.token, new.tag)
        if row is not None and not new.ours("concurrency_limit"):
            return Live(id=new.tag, inputs=new, outputs=LimitOutputs(limit_id=row["id"]))
        return await self._put(session, new)

    async def read(
        self, session: Session, id_: str, known: TagConcurrencyLimitInputs | None, state: Mapping[str, Any]
    ) -> Live[TagConcurrencyLimitInputs] | None:
        api = session.api

        async def singly() -> Row | None:
            row = await api.get_or_none(f"concurrency_limits/tag/{id_}")
            return {**row, "limit": row["concurrency_limit"]} if row else None

        row = await _listing(api).found(f"{OF_TAG}{id_}", singly)
        if row is None:
            return None
        inputs = TagConcurrencyLimitInputs(tag=id_, concurrency_limit=row["limit"])
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
