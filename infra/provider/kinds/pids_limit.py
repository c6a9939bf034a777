"""`prefect:index:PidsLimit`: the most processes that a container may have, which Pulumi's Docker provider can't set.

It is set on the container, moments after it is made, and stays over its restarts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from infra.provider.docker_command import docker
from infra.provider.errors import NotFound
from infra.provider.kinds.kind import Inputs, Kind, Live, Outputs, Session


class PidsLimitInputs(Inputs):
    container_id: str = Field(min_length=1, description="The engine's id of the container.")
    limit: int = Field(ge=16, description="Processes and threads at once.")


class PidsLimit(Kind[PidsLimitInputs]):
    token = "prefect:index:PidsLimit"  # noqa: S105  # a type token
    inputs = PidsLimitInputs
    outputs = Outputs
    identity = ("container_id",)
    replaced_by: ClassVar[Mapping[str, str]] = {"container_id": "it is a property of that container"}

    async def create(self, session: Session, new: PidsLimitInputs) -> Live[PidsLimitInputs]:
        await docker("update", "--pids-limit", str(new.limit), new.container_id)
        return Live(id=new.container_id, inputs=new, outputs=Outputs())

    async def read(
        self, session: Session, id_: str, known: PidsLimitInputs | None, state: Mapping[str, Any]
    ) -> Live[PidsLimitInputs] | None:
        try:
            limit = await docker("inspect", "--type", "container", "--format", "{{.HostConfig.PidsLimit}}", id_)
        except NotFound:
            return None
        # An engine that has none tells 0, -1 or nothing: as good as the most that there is.
        number = int(limit) if limit.isdecimal() and int(limit) > 0 else 2**22
        return Live(id=id_, inputs=PidsLimitInputs(container_id=id_, limit=number), outputs=Outputs())

    async def update(
        self, session: Session, id_: str, old: PidsLimitInputs, new: PidsLimitInputs, state: Mapping[str, Any]
    ) -> Live[PidsLimitInputs]:
        return await self.create(session, new)

    async def delete(self, session: Session, id_: str, old: PidsLimitInputs, state: Mapping[str, Any]) -> None:
        """Goes with its container."""
