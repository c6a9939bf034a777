"""Removes what flow runs leave behind: their ended containers, after a while in which one may still look at them.

Docker's own AutoRemove is no substitute. It races with the worker, which reads the exit code after the end: a container
already gone counts as exit code 0, and a flow run that was killed would stay Running for ever.
"""

import asyncio
import json
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx

from workers.socket_proxy.rules import OWNER_LABEL, Rules

logger = logging.getLogger("socket_proxy")

EVERY_SECONDS = 300
LAST_SECONDS = 5  # Docker gives a stopped container ten
ENDED = ["created", "exited", "dead"]


async def sweep_at_the_end(engine: httpx.AsyncClient, rules: Rules) -> None:
    """Remove all that ended, and wait a little for what is about to: a flow run is Completed before its process ends.

    A stack that is being destroyed can take its volumes away only if no container refers to them.
    """
    with suppress(httpx.HTTPError):
        for _ in range(LAST_SECONDS):
            await sweep(engine, rules, keep=timedelta())
            if not await _listed(engine, rules, ["running"]):
                return
            await asyncio.sleep(1)


async def sweep(engine: httpx.AsyncClient, rules: Rules, keep: timedelta) -> int:
    """Remove the flow runs' containers that ended, or were made and never started, longer ago than `keep`."""
    removed = 0
    for container in await _listed(engine, rules, ENDED):
        inspected = await engine.get(f"/containers/{container['Id']}/json")
        if inspected.status_code == HTTPStatus.NOT_FOUND:
            continue
        found = inspected.raise_for_status().json()
        # The engine writes the year 1 for a container that never ran.
        last = max(_moment(found["Created"]), _moment(found["State"]["FinishedAt"]))
        if datetime.now(UTC) - last >= keep:
            gone = await engine.delete(f"/containers/{container['Id']}", params={"v": "true"})
            removed += gone.is_success
            logger.info("Removed %s, ended %s: %d", found["Name"], last.isoformat(timespec="seconds"), gone.status_code)
    return removed


async def _listed(engine: httpx.AsyncClient, rules: Rules, statuses: list[str]) -> list[dict[str, Any]]:
    filters = json.dumps({"label": [f"{OWNER_LABEL}={rules.owner}"], "status": statuses})
    answer = await engine.get("/containers/json", params={"all": "true", "filters": filters})
    found: list[dict[str, Any]] = answer.raise_for_status().json()
    return found


async def sweep_for_ever(engine: httpx.AsyncClient, rules: Rules) -> None:
    while True:
        try:
            await sweep(engine, rules, timedelta(minutes=rules.keep_minutes))
        except httpx.HTTPError as error:
            logger.warning("Could not sweep, the next try is in %d s: %s", EVERY_SECONDS, error)
        await asyncio.sleep(EVERY_SECONDS)


def _moment(text: str) -> datetime:
    """The engine gives nanoseconds, which Python's datetime does not read."""
    return datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
