"""References from one block to another: how they are declared, and how the server has them.

A field that is `{"$ref": {"block_document_id": ID}}` refers to another block, where it stands directly in the data; the
server keeps it apart from the data, and answers with the other block's own data in its place, secrets and all. Nothing
of that is this block's: what is compared, and kept in a state, is the reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from infra.provider.api import Api
from infra.provider.errors import NotFound
from infra.provider.kinds.kind import Failure
from infra.provider.wire import UNKNOWN

MARK: Final = "$ref"
ID: Final = "block_document_id"
EXAMPLE: Final = f"`{MARK}: {{{ID}: ...}}`"


def declared(data: Mapping[str, Any]) -> dict[str, Any]:
    """Data with the ids in its references as the server writes them."""
    return {key: _reference(id_) if (id_ := _id_in(value)) else value for key, value in data.items()}


def found(row: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a block as it could have been written."""
    references = row.get("block_document_references") or {}
    return {**row["data"], **{key: _reference(item["block_document"]["id"]) for key, item in references.items()}}


def is_one(value: Any) -> bool:
    return isinstance(value, Mapping) and MARK in value


def mistakes(data: Mapping[str, Any]) -> Iterator[Failure]:
    """References of a form that the server fails over, or takes less of than was said."""
    for key, value in data.items():
        if not is_one(value):
            continue
        if len(value) > 1:
            others = ", ".join(sorted(value.keys() - {MARK}))
            yield Failure(("data", key), f"a reference to a block is {EXAMPLE} alone, got {others} beside it")
        target = value[MARK]
        if target is UNKNOWN:
            continue
        if not isinstance(target, Mapping) or [*target] != [ID]:
            yield Failure(("data", key, MARK), f"a reference to a block is {EXAMPLE}, with the id of its resource")
        elif target[ID] is not UNKNOWN and _id_in({MARK: target}) is None:
            yield Failure(("data", key, MARK, ID), "expected the UUID of a block, which is the id of its resource")


async def refuse_dangling(api: Api, what: str, data: Mapping[str, Any]) -> None:
    """Raises: NotFound: something that the data refers to is not there. The server calls that a conflict."""
    for key, value in data.items():
        id_ = _id_in(value)
        if id_ is not None and await api.get_or_none(f"block_documents/{id_}") is None:
            raise NotFound(f"{what}: data.{key} refers to a block that isn't there")


def _id_in(value: Any) -> str | None:
    """What a value refers to, as the server writes it; None where it is no reference, a wrong one, or not known yet."""
    match value:
        case {"$ref": {"block_document_id": str(id_), **more}, **beside} if not more and not beside:
            try:
                return str(UUID(id_))
            except ValueError:
                return None
    return None


def _reference(id_: str) -> dict[str, Any]:
    return {MARK: {ID: id_}}
