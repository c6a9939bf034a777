"""`prefect:index:CompletedRun`: a container that was made to run once has done so, and ended well.

Pulumi's Docker provider takes a container that failed for one that ran. This one starts it, waits for its end, and
fails with its last words; the next `up` starts it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from infra.provider.docker_command import docker, last_words
from infra.provider.errors import NotFound, ProviderError
from infra.provider.kinds.kind import Inputs, Kind, Live, Outputs, Session

LAST_LINES: Final = 15


class CompletedRunInputs(Inputs):
    container_id: str = Field(min_length=1, description="The engine's id of the container.")
    timeout_seconds: int = Field(default=1800, ge=1, description="How long it may take; it is stopped after that.")


class CompletedRun(Kind[CompletedRunInputs]):
    token = "prefect:index:CompletedRun"  # noqa: S105  # a type token
    inputs = CompletedRunInputs
    outputs = Outputs
    identity = ("container_id",)
    replaced_by: ClassVar[Mapping[str, str]] = {"container_id": "another container is another run"}

    async def create(self, session: Session, new: CompletedRunInputs) -> Live[CompletedRunInputs]:
        await docker("start", new.container_id)
        try:
            async with asyncio.timeout(new.timeout_seconds):
                code = await docker("wait", new.container_id)
        except TimeoutError as late:
            await docker("stop", new.container_id)
            what = f"not at its end after {new.timeout_seconds} s"
            raise ProviderError(await _told(new.container_id, what)) from late
        if code != "0":
            raise ProviderError(await _told(new.container_id, f"ended with exit code {code}"))
        return Live(id=new.container_id, inputs=new, outputs=Outputs())

    async def read(
        self, session: Session, id_: str, known: CompletedRunInputs | None, state: Mapping[str, Any]
    ) -> Live[CompletedRunInputs] | None:
        """Gone with its container, and where that has not ended well: the next `up` runs it again."""
        try:
            ended = await docker(
                "inspect", "--type", "container", "--format", "{{.State.Status}} {{.State.ExitCode}}", id_
            )
        except NotFound:
            return None
        if ended != "exited 0":
            return None
        return Live(id=id_, inputs=known or CompletedRunInputs(container_id=id_), outputs=Outputs())

    async def update(
        self, session: Session, id_: str, old: CompletedRunInputs, new: CompletedRunInputs, state: Mapping[str, Any]
    ) -> Live[CompletedRunInputs]:
        return Live(id=id_, inputs=new, outputs=Outputs())

    async def delete(self, session: Session, id_: str, old: CompletedRunInputs, state: Mapping[str, Any]) -> None:
        """Goes with its container."""


async def _told(container: str, what: str) -> str:
    name = (await docker("inspect", "--type", "container", "--format", "{{.Name}}", container)).removeprefix("/")
    said = await docker("logs", "--tail", str(LAST_LINES), container, errors_too=True)
    return f"{name}: {what}. Its last words:\n{last_words(said)}"
