"""`prefect:index:HandedOver`: a container has taken over from the one before it, and is healthy.

Pulumi makes the new container before it removes the old one; both want one name. Whoever makes the new one has the old
one renamed to `<name>-former-<id>` before. If the new one doesn't become healthy, the old one has its name back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from infra.provider import handover
from infra.provider.errors import NotFound
from infra.provider.kinds.kind import Inputs, Kind, Live, Outputs, Session


class HandedOverInputs(Inputs):
    name: str = Field(min_length=1, description="What the container at work is called.")
    container_id: str = Field(min_length=1, description="The engine's id of the container.")
    labels: dict[str, str] = Field(min_length=1, description="What containers must have to be taken for its former.")
    ends_former: bool = Field(
        default=True,
        description="Whether the one before is told to stop now, and waited for; else whoever removes it does so.",
    )
    comes_and_goes: bool = Field(
        default=False,
        description="Whether others start and stop it: then it is started only where the one before it is at work.",
    )
    timeout_seconds: int = Field(default=120, ge=1, description="How long it may take to be healthy.")


class HandedOver(Kind[HandedOverInputs]):
    token = "prefect:index:HandedOver"  # noqa: S105  # a type token
    inputs = HandedOverInputs
    outputs = Outputs
    identity = ("name",)
    replaced_by: ClassVar[Mapping[str, str]] = {"name": "of another name is another one"}

    async def create(self, session: Session, new: HandedOverInputs) -> Live[HandedOverInputs]:
        await handover.take_over(
            new.container_id,
            new.name,
            new.labels,
            new.timeout_seconds,
            ends_former=new.ends_former,
            comes_and_goes=new.comes_and_goes,
        )
        return Live(id=new.name, inputs=new, outputs=Outputs())

    async def read(
        self, session: Session, id_: str, known: HandedOverInputs | None, state: Mapping[str, Any]
    ) -> Live[HandedOverInputs] | None:
        """Gone with its container."""
        if known is None:
            return None
        try:
            await handover.one(known.container_id)
        except NotFound:
            return None
        return Live(id=id_, inputs=known, outputs=Outputs())

    async def update(
        self, session: Session, id_: str, old: HandedOverInputs, new: HandedOverInputs, state: Mapping[str, Any]
    ) -> Live[HandedOverInputs]:
        if new.container_id == old.container_id:
            return Live(id=id_, inputs=new, outputs=Outputs())
        return await self.create(session, new)

    async def delete(self, session: Session, id_: str, old: HandedOverInputs, state: Mapping[str, Any]) -> None:
        """The container itself is another resource; what an interrupted `up` left of its name is nobody's."""
        there = await handover.family(old.name, old.labels)
        others = [each for each in there if each.id != old.container_id]
        if not any(each.id == old.container_id and each.name != old.name for each in there):
            # Whoever has the name has it by right: another resource's, where the program now has another for it.
            others = [each for each in others if each.name != old.name]
        await handover.end(others)
