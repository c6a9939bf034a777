"""What a stack's server remembers of changes: its events and rows, in a few calls however many objects there are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from infra.drift import Observed, Traces
from infra.drift.traces import EVENTS, resource
from infra.provider.api import Api
from infra.provider.connection import Connection
from infra.provider.errors import ProviderError

DEADLINE_SECONDS: Final = 10.0
_EVENTS_A_PAGE: Final = 50  # the server's most
_PAGES: Final = 20
_AT_ONCE: Final = 50


def traces(connection: Connection, found: Iterable[Observed]) -> Traces:
    """Of the objects that were found to differ.

    Raises:
        ProviderError: The server can't be reached, or refuses to tell.

    """
    wanted = {resource(each.outputs) for each in found} - {("", "")}
    if not wanted:
        return Traces()
    return asyncio.run(_traces(connection, sorted(wanted)))


async def _traces(connection: Connection, wanted: list[tuple[str, str]]) -> Traces:
    api = Api(connection, deadline=DEADLINE_SECONDS)
    try:
        events, rows = await asyncio.gather(_events(api, wanted), _rows(api, wanted))
    finally:
        await api.close()
    return Traces(tuple(events), rows)


async def _events(api: Api, wanted: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """Newest first. Of very many, the oldest are left out: their rows tell then."""
    found: list[dict[str, Any]] = []
    names = [f"prefect.{kind}.{id_}" for kind, id_ in wanted]
    for start in range(0, len(names), _AT_ONCE):
        some = {"event": {"name": list(EVENTS)}, "resource": {"id": names[start : start + _AT_ONCE]}, "order": "DESC"}
        page = await api.post("events/filter", {"filter": some, "limit": _EVENTS_A_PAGE})
        found += page["events"]
        for _ in range(_PAGES):
            if not page.get("next_page"):
                break
            token = str(page["next_page"]).partition("page-token=")[2]
            page = await api.get("events/filter/next", **{"page-token": token})
            found += page["events"]
    return sorted(found, key=lambda event: str(event["occurred"]), reverse=True)


async def _rows(api: Api, wanted: list[tuple[str, str]]) -> dict[str, dict[str, Any]]:
    ids: dict[str, list[str]] = {}
    for kind, id_ in wanted:
        ids.setdefault(kind, []).append(id_)
    found: list[dict[str, Any]] = []
    if of := ids.get("deployment"):
        found += await api.find("deployments/filter", {"deployments": {"id": {"any_": of}}})
    if of := ids.get("work-pool"):
        found += await api.find("work_pools/filter", {"work_pools": {"id": {"any_": of}}})
    if of := ids.get("work-queue"):
        found += [row for id_ in of if (row := await _queue(api, id_)) is not None]
    return {str(row["id"]): row for row in found}


async def _queue(api: Api, id_: str) -> dict[str, Any] | None:
    try:
        row: dict[str, Any] = await api.get(f"work_queues/{id_}")
    except ProviderError:
        return None
    return row
