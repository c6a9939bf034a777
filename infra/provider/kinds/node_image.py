"""`prefect:index:NodeImage`: an image is on the nodes of a swarm, for containers there that the swarm knows nothing of.

A node gets an image with the first task of it. A flow run's container is started by a worker, on whichever node that
is: it fails where the pool names an image of which that node has had no task yet (docker 20.10, run).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from infra.provider.errors import Rejected
from infra.provider.kinds.kind import Inputs, Kind, Live, Outputs, Session
from infra.provider.on_nodes import NodeProgram

NOBODY: Final = "65534:65534"
SECONDS: Final = 600
"""An area's own image may be large, and a node far from the registry."""


class NodeImageInputs(Inputs):
    name: str = Field(min_length=1, description="What the service is called by which nodes get it.")
    image: str = Field(min_length=1, description="An image with Python that nodes can get.")
    constraint: str | None = Field(default=None, description="Of the nodes that need it; nothing: all.")


class NodeImage(Kind[NodeImageInputs]):
    token = "prefect:index:NodeImage"  # noqa: S105  # a type token
    inputs = NodeImageInputs
    outputs = Outputs
    identity = ("name",)
    replaced_by: ClassVar[Mapping[str, str]] = {"name": "another one asks anew"}

    async def create(self, session: Session, new: NodeImageInputs) -> Live[NodeImageInputs]:
        options = ("--constraint", new.constraint) if new.constraint else ()
        # Nothing to do there but to be started.
        await NodeProgram(text="", image=new.image, user=NOBODY, options=options, seconds=SECONDS).run(new.name)
        return Live(id=new.name, inputs=new, outputs=Outputs())

    async def read(
        self, session: Session, id_: str, known: NodeImageInputs | None, state: Mapping[str, Any]
    ) -> Live[NodeImageInputs] | None:
        """A node that came later gets it with its first worker."""
        if known is None:
            raise Rejected("an image of the nodes need not be imported: the next `up` has them get it")
        return Live(id=id_, inputs=known, outputs=Outputs())

    async def update(
        self, session: Session, id_: str, old: NodeImageInputs, new: NodeImageInputs, state: Mapping[str, Any]
    ) -> Live[NodeImageInputs]:
        return await self.create(session, new)

    async def delete(self, session: Session, id_: str, old: NodeImageInputs, state: Mapping[str, Any]) -> None:
        """Stays, as those do that nodes got with a task."""
