"""Objects that the server renames in place: looking before one takes a new name, and finding one that has another.

Pulumi has no way to change a resource's id in an update. Of kinds whose id is a name it stays the former one until a
refresh: so a name is taken from the state, and an id only where there is nothing else, on import.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.provider.api import Api
from infra.provider.errors import NameTaken


async def written_at(api: Api, former: str, later: str, uuid: str, taken: NameTaken) -> str:
    """The path to write an object to whose path is `later` afterwards.

    It may be there already: an `up` was killed after it had renamed it. Asked before the PATCH, since the server
    answers a name that is taken with a 503, or with a 409 that names nothing. Raises: `taken`: another object is there.
    """
    if later == former or (row := await api.get_or_none(later)) is None:
        return former
    if row["id"] != uuid:
        raise taken
    return later


def where(state: Mapping[str, Any], by_id: str, uuid: str) -> tuple[str, ...]:
    """The path of an object by its UUID, where it is known: an object renamed by somebody else is still there."""
    return (f"{by_id}/{state[uuid]}",) if state.get(uuid) else ()
