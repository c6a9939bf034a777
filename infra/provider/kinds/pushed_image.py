"""`prefect:index:PushedImage`: an image of this engine, in a registry, and known by its digest from then on.

By the docker command, so that whoever did `docker login` need not say their credentials a second time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from infra.provider.docker_command import docker
from infra.provider.errors import ProviderError, Rejected
from infra.provider.kinds.kind import Inputs, Kind, Live, Outputs, Session

_DIGEST: Final = re.compile(r"\bdigest: (sha256:[0-9a-f]{64})\b")
_NOT_THERE: Final = re.compile(r"manifest unknown|not found", re.IGNORECASE)


class PushedImageInputs(Inputs):
    name: str = Field(pattern=r"^[^@\s]+/[^@\s]+:[^@\s:/]+$", description="registry/name:tag, which the engine has.")
    image_id: str = Field(min_length=1, description="The engine's id of it: another one is pushed anew.")


class PushedImageOutputs(Outputs):
    reference: str = Field(description="registry/name@sha256:…: one content, for ever.")


class PushedImage(Kind[PushedImageInputs]):
    token = "prefect:index:PushedImage"  # noqa: S105  # a type token
    inputs = PushedImageInputs
    outputs = PushedImageOutputs
    replaced_by: ClassVar[Mapping[str, str]] = {}

    def planned(self, old: Mapping[str, Any], new: PushedImageInputs) -> dict[str, Any]:
        """Another image has another digest, which only the registry tells."""
        del old, new
        return {}

    async def create(self, session: Session, new: PushedImageInputs) -> Live[PushedImageInputs]:
        said = await docker("push", new.name)
        digest = _DIGEST.search(said)
        if digest is None:
            raise ProviderError(f"docker push {new.name}: no digest in what it said: {said[-200:]}")
        reference = f"{new.name.rpartition(':')[0]}@{digest[1]}"
        return Live(id=new.name, inputs=new, outputs=PushedImageOutputs(reference=reference))

    async def read(
        self, session: Session, id_: str, known: PushedImageInputs | None, state: Mapping[str, Any]
    ) -> Live[PushedImageInputs] | None:
        """Gone if the registry has lost it. The engine asks, as it knows how to trust the registry."""
        if known is None or "reference" not in state:
            raise Rejected("an image that was pushed can't be imported: the next `up` pushes it")
        try:
            await docker("pull", "--quiet", state["reference"])
        except ProviderError as error:
            if _NOT_THERE.search(str(error)):
                return None
            raise
        return Live(id=id_, inputs=known, outputs=PushedImageOutputs(reference=state["reference"]))

    async def update(
        self,
        session: Session,
        id_: str,
        old: PushedImageInputs,
        new: PushedImageInputs,
        state: Mapping[str, Any],
    ) -> Live[PushedImageInputs]:
        return await self.create(session, new)

    async def delete(self, session: Session, id_: str, old: PushedImageInputs, state: Mapping[str, Any]) -> None:
        """Stays: it is named by its content, and other stacks may have it, too."""
