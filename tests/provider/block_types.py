"""Block types of the tests' own, registered as `prefect block register` does it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


async def registered(client: Any, slug: str, *schemas: Mapping[str, Any]) -> str:
    """The id of a type with these schemas, the newest last; of one that is there already, they are added."""
    there = await client.get_or_none(f"block_types/slug/{slug}")
    type_id: str = (there or await client.post("block_types/", {"name": slug, "slug": slug}))["id"]
    for fields in schemas:
        await client.post("block_schemas/", {"fields": {**fields, "block_type_slug": slug}, "block_type_id": type_id})
    return type_id


def model(properties: Mapping[str, Any], *required: str, **more: Any) -> dict[str, Any]:
    """A schema with these fields."""
    return {"title": "Proveedor", "type": "object", "properties": properties, "required": [*required], **more}


TEXT: dict[str, Any] = {"type": "string"}
SECRET: dict[str, Any] = {"type": "string", "writeOnly": True, "format": "password"}
