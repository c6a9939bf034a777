"""`prefect:index:GeneratedSecret`: a random text, made once and kept, encrypted, in the state."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from infra.provider.errors import Rejected
from infra.provider.kinds.kind import Inputs, Kind, Live, Outputs, Session


class GeneratedSecretInputs(Inputs):
    length: int = Field(default=32, ge=16, le=256, description="Random bytes; the text is a third longer.")
    rotation: int = Field(default=1, ge=1, description="Another number makes another secret.")


class GeneratedSecretOutputs(Outputs):
    value: str = Field(description="Letters, digits, - and _.", repr=False)


class GeneratedSecret(Kind[GeneratedSecretInputs]):
    token = "prefect:index:GeneratedSecret"  # noqa: S105  # a type token
    inputs = GeneratedSecretInputs
    outputs = GeneratedSecretOutputs
    identity = ("length", "rotation")
    replaced_by: ClassVar[Mapping[str, str]] = {
        "length": "another secret is made",
        "rotation": "another secret is made",
    }
    secrets = frozenset({"value"})

    async def create(self, session: Session, new: GeneratedSecretInputs) -> Live[GeneratedSecretInputs]:
        outputs = GeneratedSecretOutputs(value=secrets.token_urlsafe(new.length))
        return Live(id=secrets.token_hex(8), inputs=new, outputs=outputs)

    async def read(
        self, session: Session, id_: str, known: GeneratedSecretInputs | None, state: Mapping[str, Any]
    ) -> Live[GeneratedSecretInputs] | None:
        if known is None:
            raise Rejected("a generated secret lives in the state alone: it can't be imported")
        if "value" not in state:
            raise Rejected("the state has lost the value of this secret: another `rotation` makes another one")
        return Live(id=id_, inputs=known, outputs=GeneratedSecretOutputs(value=state["value"]))

    async def update(
        self,
        session: Session,
        id_: str,
        old: GeneratedSecretInputs,
        new: GeneratedSecretInputs,
        state: Mapping[str, Any],
    ) -> Live[GeneratedSecretInputs]:
        return Live(id=id_, inputs=new, outputs=GeneratedSecretOutputs(value=state["value"]))

    async def delete(
        self, session: Session, id_: str, old: GeneratedSecretInputs, state: Mapping[str, Any]
    ) -> None: ...
