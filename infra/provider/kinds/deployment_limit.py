"""How many runs of a deployment go at once: by a limit of its own, or by a global one that it shares with others.

The server keeps a deployment's own limit among the global ones, as `deployment:<id>`. A shared one it takes for the
deployment's own: another number is written to it, and clearing the number, or deleting the deployment, deletes it
(`prefect.server.models.deployments._create_or_update_deployment_concurrency_limit`). So it is let go of first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

FIELDS: Final = frozenset(
    {"concurrency_limit", "global_concurrency_limit_id", "collision_strategy", "grace_period_seconds"}
)
KEYS: Final = ("concurrency_limit", "global_concurrency_limit_id", "concurrency_options")
"""As the API has them."""
OWN: Final = "deployment:"
LET_GO: Final[Mapping[str, Any]] = {"global_concurrency_limit_id": None}


class Limited(Protocol):
    @property
    def concurrency_limit(self) -> int | None: ...
    @property
    def global_concurrency_limit_id(self) -> str | None: ...
    @property
    def collision_strategy(self) -> str: ...
    @property
    def grace_period_seconds(self) -> int | None: ...


def inputs(row: Mapping[str, Any]) -> dict[str, Any]:
    """What a deployment's row says of its limit, by the inputs' names."""
    limit = row["global_concurrency_limit"]
    if not limit:
        return {}
    number = {"global_concurrency_limit_id": limit["id"]} if shared(row) else {"concurrency_limit": limit["limit"]}
    options = row["concurrency_options"] or {}
    return number | {key: options[key] for key in ("collision_strategy", "grace_period_seconds") if key in options}


def shared(row: Mapping[str, Any]) -> str | None:
    """The UUID of the global limit that the deployment shares with others."""
    limit = row["global_concurrency_limit"]
    return str(limit["id"]) if limit and not limit["name"].startswith(OWN) else None


def body(new: Limited) -> dict[str, Any]:
    """As the API has it. A null that is sent clears, even the limit that is named beside it: it is left out."""
    if new.global_concurrency_limit_id is not None:
        return {"global_concurrency_limit_id": new.global_concurrency_limit_id, "concurrency_options": _options(new)}
    limited = new.concurrency_limit is not None
    return {"concurrency_limit": new.concurrency_limit, "concurrency_options": _options(new) if limited else None}


def first(row: Mapping[str, Any], new: Limited) -> Iterator[dict[str, Any]]:
    """What must be sent, by itself, before the `body` of a deployment that has the limit of `row`."""
    if shared(row) is not None and new.global_concurrency_limit_id is None:
        yield dict(LET_GO)
    elif row["global_concurrency_limit"] and shared(row) is None and new.global_concurrency_limit_id is not None:
        yield {"concurrency_limit": None}


def _options(new: Limited) -> dict[str, Any]:
    grace = new.grace_period_seconds
    return {"collision_strategy": new.collision_strategy} | ({} if grace is None else {"grace_period_seconds": grace})
