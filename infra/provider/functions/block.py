"""Looking up blocks."""

from __future__ import annotations

from typing import Any, Self
from uuid import UUID

from pydantic import Field, model_validator

from infra.provider.api import Api
from infra.provider.errors import NotFound
from infra.provider.functions.absent import not_there
from infra.provider.functions.function import Arguments, Function, Result
from infra.provider.kinds.block import of_type
from infra.provider.listing import Row, first


class BlockArguments(Arguments):
    type_slug: str | None = Field(default=None, description="The block type, such as `secret`; goes with `name`.")
    name: str | None = Field(default=None, description="The block's name.")
    block_document_id: UUID | None = Field(
        default=None, description="The server's UUID, in place of type and name: a block resource's id."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.block_document_id) == bool(self.type_slug or self.name):
            raise ValueError("give either type_slug and name, or block_document_id")
        for key in ("type_slug", "name"):
            if not self.block_document_id and not getattr(self, key):
                raise ValueError(f"{key} is required, unless block_document_id is given")
        return self


class BlockResult(Result):
    name: str = Field(description="Unique for its type.")
    type_slug: str = Field(description="The block type.")
    data: dict[str, Any] = Field(description="The block's fields, by the type's schema. A secret as a whole.")
    block_document_id: str = Field(description="The server's UUID.")


class GetBlock(Function[BlockArguments]):
    """Looks up a block by its type and name, or by its UUID.

    Its data comes back as a secret, with the values that the UI hides.
    """

    token = "prefect:index:getBlock"  # noqa: S105  # a function's token
    arguments = BlockArguments
    result = BlockResult
    secrets = frozenset({"data"})  # as a whole, like the resource's: types are free to forget to mark a field

    async def call(self, api: Api, given: BlockArguments) -> BlockResult:
        if given.block_document_id:
            row = await _told(api, f"block_documents/{given.block_document_id}")
            if row is None:
                raise NotFound(f"there is no block of the id {given.block_document_id}")
        else:
            row = await _named(api, given.type_slug or "", given.name or "")
        return BlockResult(
            name=row["name"], type_slug=row["block_type"]["slug"], data=row["data"], block_document_id=row["id"]
        )


async def _named(api: Api, type_slug: str, name: str) -> Row:
    blocks = of_type(api, type_slug)
    path = f"block_types/slug/{type_slug}/block_documents/name/{name}"
    row = await blocks.search(first(lambda block: block["name"] == name), lambda: _told(api, path))
    if row is None:
        slugs = {str(type_["slug"]) for type_ in await api.find("block_types/filter", {})}
        if type_slug not in slugs:
            raise not_there("block type", type_slug, slugs)
        raise not_there(f"block of type {type_slug!r} called", name, await blocks.rows())
    return row


async def _told(api: Api, path: str) -> Row | None:
    """The block with its secrets, or None where there is none."""
    try:
        row: Row = await api.get(path, include_secrets="true")
    except NotFound:
        return None
    return row
