"""Looking up blocks."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from infra.provider.api import Api
from infra.provider.errors import NotFound
from infra.provider.functions.absent import not_there
from infra.provider.functions.function import Arguments, Function, Result
from infra.provider.listing import first


class BlockArguments(Arguments):
    type_slug: str = Field(min_length=1, description="The block type, such as `secret`.")
    name: str = Field(min_length=1, description="The block's name.")


class BlockResult(Result):
    name: str = Field(description="Unique for its type.")
    type_slug: str = Field(description="The block type.")
    data: dict[str, Any] = Field(description="The block's fields, by the type's schema. A secret as a whole.")
    block_document_id: str = Field(description="The server's UUID.")


class GetBlock(Function[BlockArguments]):
    """Looks up a block by its type and name. Its data comes back as a secret, with what the UI hides of it."""

    token = "prefect:index:getBlock"  # noqa: S105  # a function's token
    arguments = BlockArguments
    result = BlockResult
    secrets = frozenset({"data"})  # as a whole, like the resource's: types are free to forget to mark a field

    async def call(self, api: Api, given: BlockArguments) -> BlockResult:
        type_path = f"block_types/slug/{given.type_slug}"
        # Of this type alone: no more secrets are read than there is a reason to.
        of_type = {"block_types": {"slug": {"any_": [given.type_slug]}}, "include_secrets": True}
        blocks = api.listing("block_documents/filter", "name", body=of_type)

        async def singly() -> dict[str, Any] | None:
            try:
                row: dict[str, Any] = await api.get(
                    f"{type_path}/block_documents/name/{given.name}", include_secrets="true"
                )
            except NotFound:
                return None
            return row

        row = await blocks.search(first(lambda block: block["name"] == given.name), singly)
        if row is None:
            types = await api.find("block_types/filter", {})
            if given.type_slug not in (slugs := {str(type_["slug"]) for type_ in types}):
                raise not_there("block type", given.type_slug, slugs)
            raise not_there(f"block of type {given.type_slug!r} called", given.name, await blocks.rows())
        return BlockResult(
            name=row["name"], type_slug=row["block_type"]["slug"], data=row["data"], block_document_id=row["id"]
        )
