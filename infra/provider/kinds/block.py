"""`prefect:index:Block`: a block document of any type that the server knows, its data a secret as a whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

from pydantic import Field, field_validator

from infra.provider.api import Api
from infra.provider.errors import Conflict, NotFound, NotOurs
from infra.provider.kinds import block_fields
from infra.provider.kinds import block_references as references
from infra.provider.kinds.kind import AdoptableShared, Failure, Kind, Live, Outputs, Session, Sight
from infra.provider.listing import Listing

NAME: Final = re.compile(r"[a-z0-9-]+")
SCHEMAS: Final = "block_schemas/filter"


class BlockInputs(AdoptableShared):
    name: str = Field(min_length=1, description="Unique for its type: lower case, digits and dashes.")
    type_slug: str = Field(description="The block type, such as `secret`.")
    data: dict[str, Any] = Field(
        description="The block's fields, by the type's schema. A field that is another block is "
        "`$ref: {block_document_id: ...}`, with that block's id."
    )

    @field_validator("data")
    @classmethod
    def _as_the_server_writes_it(cls, given: dict[str, Any]) -> dict[str, Any]:
        return references.declared(given)


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

    @property
    def rules(self) -> tuple[Callable[[BlockInputs | None, BlockInputs], Iterator[Failure]], ...]:
        return (self.check, self._references)

    def check(self, old: BlockInputs | None, new: BlockInputs) -> Iterator[Failure]:
        del old
        if not NAME.fullmatch(new.name):
            yield Failure(("name",), f"only lower case letters, digits and dashes, got {new.name!r}")

    def _references(self, old: BlockInputs | None, new: BlockInputs) -> Iterator[Failure]:
        yield from references.mistakes(new.data)

    async def check_on_server(self, sight: Sight, old: BlockInputs | None, new: BlockInputs) -> Iterable[Failure]:
        """The fields that the type has, if the server knows it already: the same `up` may be about to register it."""
        if old is not None and (old.type_slug, old.data) == (new.type_slug, new.data):
            return ()
        slug, data = new.type_slug, new.data
        kind = await sight.ask(_path(slug))
        schemas = await sight.ask(SCHEMAS, _newest_of(kind["id"]))
        return block_fields.wrong(data, slug, schemas[0]["fields"]) if schemas else ()

    async def create(self, session: Session, new: BlockInputs) -> Live[BlockInputs]:
        api = session.api
        kind = await _type(api, new)
        body = {
            "name": new.name,
            "data": new.data,
            "block_type_id": kind["id"],
            "block_schema_id": await _newest_schema(api, kind, new),
        }
        try:
            return self._live(await api.post("block_documents/", body), new)
        except Conflict:
            row = await self._row(api, f"{_path(new.type_slug)}/block_documents/name/{new.name}")
            if row is None:
                await references.refuse_dangling(api, f"block {new.name!r}", new.data)
                raise
            data = references.found(row)
            # Blocks have no room for an owner's mark. One that is already as declared is either what a killed `up`
            # made or nothing lost; any other is somebody's.
            if not (data == new.data or new.adopt):
                raise NotOurs(f"block {new.type_slug}/{new.name}", self.token, row["id"]) from None
            if data != new.data and new.ours("data"):
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
        inputs = BlockInputs(name=row["name"], type_slug=row["block_type"]["slug"], data=references.found(row))
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
        """Together with the type's newest schema: it says which fields the UI hides, be they as new as itself."""
        schema = await _newest_schema(api, await _type(api, new), new)
        body = {"data": new.data, "block_schema_id": schema, "merge_existing_data": False}
        try:
            await api.patch(f"block_documents/{id_}", body)
        except Conflict:
            await references.refuse_dangling(api, f"block {new.name!r}", new.data)
            raise

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


async def _type(api: Api, new: BlockInputs) -> Any:
    """Raises: NotFound: the server doesn't know it."""
    try:
        return await api.remembered(_path(new.type_slug))
    except NotFound as error:
        raise NotFound(f"block {new.name!r}: the server knows no block type {new.type_slug!r}") from error


async def _newest_schema(api: Api, kind: Mapping[str, Any], new: BlockInputs) -> str:
    """Raises: NotFound: the type has none."""
    rows = await api.remembered(SCHEMAS, _newest_of(kind["id"]))
    if not rows:
        raise NotFound(
            f"block {new.name!r}: the block type {new.type_slug!r} has no schema, and without one the server takes no "
            "block of it: register its class, with `prefect block register`"
        )
    return str(rows[0]["id"])


def _path(type_slug: str) -> str:
    return f"block_types/slug/{type_slug}"


def _newest_of(type_id: str) -> dict[str, Any]:
    """What to ask for the newest schema of a type with: the server answers with the newest first."""
    return {"block_schemas": {"block_type_id": {"any_": [type_id]}}, "limit": 1}


def of_type(api: Api, type_slug: str) -> Listing:
    """By name, with their secrets. Of one type alone: no more secrets are read than there is a reason to."""
    body = {"block_types": {"slug": {"any_": [type_slug]}}, "include_secrets": True}
    return api.listing("block_documents/filter", "name", body=body)
