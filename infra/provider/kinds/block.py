"""`prefect:index:Block`: a block document of any type that the server knows, its data a secret as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from infra.provider.api import Api
from infra.provider.errors import Conflict, NotFound, NotOurs
from infra.provider.kinds.kind import AdoptableShared, Failure, Kind, Live, Outputs, Session
from infra.provider.listing import Listing

NAME: Final = re.compile(r"[a-z0-9-]+")


class BlockInputs(AdoptableShared):
    name: str = Field(min_length=1, description="Unique for its type: lower case, digits and dashes.")
    type_slug: str = Field(description="The block type, such as `secret`.")
    data: dict[str, Any] = Field(description="The block's fields, by the type's schema.")


class BlockOutputs(Outputs):
    block_document_id: str = Field(description="The server's UUID.")


class Block(Kind[BlockInputs]):
    token = "prefect:index:Block"  # noqa: S105  # a type token
    inputs = BlockInputs
    outputs = BlockOutputs
    identity = ("type_slug", "name")
    replaced_by: ClassVar[Mapping[str, str]] = {
        "name": "the API has no renaming of blocks",
        "type_slug": "a block can't change its type",
    }
    secrets = frozenset({"data"})

    def check(self, old: BlockInputs | None, new: BlockInputs) -> Iterator[Failure]:
        del old
        if not NAME.fullmatch(new.name):
            yield Failure(("name",), f"only lower case letters, digits and dashes, got {new.name!r}")

    async def create(self, session: Session, new: BlockInputs) -> Live[BlockInputs]:
        api = session.api
        try:
            kind = await api.remembered(f"block_types/slug/{new.type_slug}")
        except NotFound as error:
            raise NotFound(f"block {new.name!r}: the server knows no block type {new.type_slug!r}") from error
        schemas = await api.find("block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [kind["id"]]}}})
        body = {
            "name": new.name,
            "data": new.data,
            "block_type_id": kind["id"],
            "block_schema_id": max(schemas, key=lambda schema: str(schema["created"]))["id"],
        }
        try:
            return self._live(await api.post("block_documents/", body), new)
        except Conflict:
            row = await self._row(api, f"block_types/slug/{new.type_slug}/block_documents/name/{new.name}")
            # Blocks have no room for an owner's mark. One that is already as declared is either what a killed `up`
            # made or nothing lost; any other is somebody's.
            if row is None or not (row["data"] == new.data or new.adopt):
                import_id = row["id"] if row else "ID"
                raise NotOurs(f"block {new.type_slug}/{new.name}", self.token, import_id) from None
            if row["data"] != new.data and new.ours("data"):
                await self._replace_data(api, row["id"], new)
            return self._live(row, new)

    async def read(
        self, session: Session, id_: str, known: BlockInputs | None, state: Mapping[str, Any]
    ) -> Live[BlockInputs] | None:
        api, path = session.api, f"block_documents/{id_}"
        if known is None:
            row = await self._row(api, path)
        else:
            row = await of_type(api, known.type_slug).found(known.name, lambda: self._row(api, path))
            if row is not None and row["id"] != id_:
                row = await self._row(api, path)
        if row is None:
            return None
        inputs = BlockInputs(name=row["name"], type_slug=row["block_type"]["slug"], data=row["data"])
        return self._live(row, inputs)

    async def update(
        self, session: Session, id_: str, old: BlockInputs, new: BlockInputs, state: Mapping[str, Any]
    ) -> Live[BlockInputs]:
        if "data" in new.changed_from(old):
            await self._replace_data(session.api, id_, new)
        return Live(id=id_, inputs=new, outputs=BlockOutputs(block_document_id=id_))

    async def delete(self, session: Session, id_: str, old: BlockInputs, state: Mapping[str, Any]) -> None:
        await session.api.delete(f"block_documents/{id_}")

    @staticmethod
    async def _replace_data(api: Api, id_: str, new: BlockInputs) -> None:
        await api.patch(f"block_documents/{id_}", {"data": new.data, "merge_existing_data": False})

    @staticmethod
    async def _row(api: Api, path: str) -> dict[str, Any] | None:
        try:
            row: dict[str, Any] = await api.get(path, include_secrets="true")
        except NotFound:
            return None
        return row

    @staticmethod
    def _live(row: Mapping[str, Any], inputs: BlockInputs) -> Live[BlockInputs]:
        return Live(id=row["id"], inputs=inputs, outputs=BlockOutputs(block_document_id=row["id"]))


def of_type(api: Api, type_slug: str) -> Listing:
    """By name, with their secrets. Of one type alone: no more secrets are read than there is a reason to."""
    body = {"block_types": {"slug": {"any_": [type_slug]}}, "include_secrets": True}
    return api.listing("block_documents/filter", "name", body=body)
