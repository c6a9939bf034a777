"""Job variables, held against the template of the pool that they are for.

The server checks the types of those that it knows and stores the others without a word: a misspelt `comand` would be
noticed when the flow runs, by its not being there. All of it is told when inputs are checked, where the pool's template
is known by then; names are looked at once more before they are written, when the same `up` may have changed the pool.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, Final

from infra.provider.api import Api
from infra.provider.errors import NotFound, Rejected
from infra.provider.kinds import job_template
from infra.provider.kinds.kind import OWNER_LABEL, Failure, Sight
from infra.provider.kinds.parameters import Signature
from infra.provider.kinds.work_pool import MARK, WorkPool
from infra.provider.wire import UNKNOWN, Path, holds_unknown

_POOLS: Final = 64


async def wrong(sight: Sight, pool: str, given: Mapping[Path, Mapping[str, Any]]) -> Iterator[Failure]:
    """What of the variables, by their place, the pool won't take once the `up` is through.

    Raises: ProviderError: it isn't known what the pool takes.
    """
    template = await _template(sight, pool)
    if holds_unknown(template):
        return iter(())
    schema = json.dumps(template.get("variables"), sort_keys=True)
    return (
        failure for at, variables in given.items() for failure in _signature(schema, pool).wrong(_plain(variables), at)
    )


async def _template(sight: Sight, pool: str) -> Mapping[str, Any]:
    """Empty: none, or one that this `up` may be about to change."""
    declared = sight.declared.get(WorkPool.known_as(pool))
    if declared is not None and declared.ours("base_job_template"):
        whole: Mapping[str, Any] | None = declared.base_job_template
        by_type = {} if whole else job_template.by_type(await sight.ask(job_template.WORKER_TYPES))
        return whole or by_type.get(declared.type, {})
    there: Mapping[str, Any] = (await sight.ask(f"work_pools/{pool}"))["base_job_template"]
    if declared is None and there.get(MARK) == {OWNER_LABEL: sight.owner}:
        return {}  # of this stack, and named only: it may be checked, and changed, after this
    return there


@lru_cache(maxsize=_POOLS)
def _signature(schema: str, pool: str) -> Signature:
    variables = json.loads(schema)
    known = variables.get("properties") if isinstance(variables, Mapping) else None
    if not isinstance(known, Mapping) or not known:
        variables = None  # made without a template: a worker will fill in its type's
    elif any(Signature.mistakes(variables)):  # somebody's own: the names tell something all the same
        variables = {"properties": {name: {} for name in known}}
    return Signature(variables, whose=f"the job template of the work pool {pool!r}", called="variable")


def _plain(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The server takes null for any of them (prefect/server/api/validation.py, `allow_none_with_default`)."""
    return {name: UNKNOWN if value is None else value for name, value in variables.items()}


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
    variables = row["base_job_template"].get("variables", {})
    known = variables.get("properties", {})
    if not known or variables.get("additionalProperties"):
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
