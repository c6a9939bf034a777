"""Job variables, held against the template of the pool that they are for.

The server checks the types of those that it knows and stores the others without a word: a misspelt `comand` would be
noticed when the flow runs, by its not being there.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from infra.provider.api import Api
from infra.provider.errors import NotFound, Rejected


async def pool_named(api: Api, pool: str) -> dict[str, Any]:
    """Asked for once. Raises: NotFound: there is no such pool."""
    try:
        row: dict[str, Any] = await api.remembered(f"work_pools/{pool}")
    except NotFound as error:
        raise NotFound(f"there is no work pool {pool!r}") from error
    return row


async def refuse_unknown(api: Api, pool: str, names: Iterable[str]) -> None:
    """Raises: Rejected: a variable that the pool's job template doesn't have; NotFound: there is no such pool."""
    wanted = sorted(names)
    if not wanted:
        return
    row = await pool_named(api, pool)
    known = row["base_job_template"].get("variables", {}).get("properties", {})
    if not known:  # made without a template: a worker will fill in its type's
        return
    told = []
    for name in wanted:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            told.append(f"{name}{f' (did you mean {close[0]}?)' if close else ''}")
    if told:
        raise Rejected(
            f"job_variables {', '.join(told)}: the job template of the work pool {pool!r} has no such variable; "
            f"it has: {', '.join(sorted(known))}"
        )
