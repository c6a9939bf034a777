"""`prefect:index:Variable`: a value that flows look up by name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pydantic import Field

from infra.provider.errors import Conflict, NameTaken, NotOurs
from infra.provider.kinds.kind import AdoptableShared, Failure, Kind, Live, Outputs, Session
from infra.provider.kinds.renaming import where, written_at
from infra.provider.wire import holds_unknown

NAME: Final = re.compile(r"[a-z0-9_-]+")
MOST_CHARACTERS: Final = 5000  # bytes of UTF-8 indeed, of the value as JSON without spaces


class VariableInputs(AdoptableShared):
    name: str = Field(min_length=1, max_length=255, description="Unique: lower case, digits, `_` and `-`.")
    value: Any = Field(description="Anything that JSON has, up to 5,000 characters.")
    tags: tuple[str, ...] = Field(default=(), description="To find it by.")


class VariableOutputs(Outputs):
    variable_id: str = Field(description="The server's UUID.")


class Variable(Kind[VariableInputs]):
    token = "prefect:index:Variable"  # noqa: S105  # a type token
    inputs = VariableInputs
    outputs = VariableOutputs
    identity = ("name",)
    renamed_by = frozenset({"name"})

    def check(self, old: VariableInputs | None, new: VariableInputs) -> Iterator[Failure]:
        if not NAME.fullmatch(new.name):
            yield Failure(("name",), f"only lower case letters, digits, '_' and '-', got {new.name!r}")

    @property
    def rules(self) -> tuple[Callable[[VariableInputs | None, VariableInputs], Iterator[Failure]], ...]:
        return (self.check, self._length)

    def _length(self, old: VariableInputs | None, new: VariableInputs) -> Iterator[Failure]:
        if holds_unknown(new.value):
            return
        length = len(json.dumps(new.value, ensure_ascii=False, separators=(",", ":")).encode())
        if length > MOST_CHARACTERS:
            reason = f"the server takes {MOST_CHARACTERS:,} characters as JSON (an á counts for two), got {length:,}"
            yield Failure(("value",), f"{reason}: keep it in a block, or say it in several variables")

    async def create(self, session: Session, new: VariableInputs) -> Live[VariableInputs]:
        api = session.api
        try:
            row = await api.post("variables/", self._body(new))
        except Conflict:
            row = await api.get(f"variables/name/{new.name}")
            # A variable has no room for an owner's mark: one that is as declared is ours or nothing lost.
            same = row["value"] == new.value and tuple(row["tags"]) == new.tags
            if not (same or new.adopt):
                raise NotOurs(f"variable {new.name!r}", self.token, new.name) from None
            patch = {key: value for key, value in self._body(new).items() if new.ours(key)}
            if not same and patch:
                await api.patch(f"variables/name/{new.name}", patch)
        return self._live(row, new)

    async def read(
        self, session: Session, id_: str, known: VariableInputs | None, state: Mapping[str, Any]
    ) -> Live[VariableInputs] | None:
        api, name = session.api, state.get("name", id_)
        paths = (f"variables/name/{name}", *where(state, "variables", "variable_id"))
        row = await api.listing("variables/filter", "name").found(name, lambda: api.get_or_none(*paths))
        if row is None:
            return None
        return self._live(row, VariableInputs(name=row["name"], value=row["value"], tags=row["tags"]), known)

    async def update(
        self, session: Session, id_: str, old: VariableInputs, new: VariableInputs, state: Mapping[str, Any]
    ) -> Live[VariableInputs]:
        api, body = session.api, self._body(new)
        if patch := {key: body[key] for key in new.changed_from(old) if key in body}:
            taken = NameTaken(f"variable {new.name!r}", old.name, self.token, new.name)
            former, later = f"variables/name/{old.name}", f"variables/name/{new.name}"
            await api.patch(await written_at(api, former, later, state["variable_id"], taken), patch)
        return Live(id=new.name, inputs=new, outputs=VariableOutputs(variable_id=state["variable_id"]))

    async def delete(self, session: Session, id_: str, old: VariableInputs, state: Mapping[str, Any]) -> None:
        await session.api.delete(f"variables/name/{old.name}")

    @staticmethod
    def _body(inputs: VariableInputs) -> dict[str, Any]:
        return {"name": inputs.name, "value": inputs.value, "tags": list(inputs.tags)}

    @staticmethod
    def _live(
        row: Mapping[str, Any], inputs: VariableInputs, known: VariableInputs | None = None
    ) -> Live[VariableInputs]:
        id_ = (known or inputs).name
        return Live(id=id_, inputs=inputs, outputs=VariableOutputs(variable_id=row["id"]))
