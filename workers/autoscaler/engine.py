"""The workers' containers, by the few calls that the socket proxy lets through."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import httpx

AREA_LABEL: Final = "prefect-infra.area"
RUNNING: Final = ("running", "restarting")
NOT_ITSELF: Final = re.compile(r"-(former|leaving|failed)-[0-9a-f]{12}$")
"""What an `up` calls a container that another one follows: it has one worker under two names, and ends one of them."""
QUICK_SECONDS: Final = 30


@dataclass(frozen=True, kw_only=True)
class Container:
    id: str
    name: str
    running: bool


class Engine:
    """Raises: httpx.HTTPError: the proxy or the engine doesn't answer, or refuses."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def containers(self) -> dict[str, list[Container]]:
        """Those that may be started and stopped, by area, in the order of their numbers."""
        answer = await self._client.get("/containers/json", timeout=QUICK_SECONDS)
        found: dict[str, list[Container]] = defaultdict(list)
        for row in answer.raise_for_status().json():
            container = _container(row)
            if not NOT_ITSELF.search(container.name):
                found[row["Labels"].get(AREA_LABEL, "")].append(container)
        return {area: sorted(each, key=_number) for area, each in found.items()}

    async def start(self, container: Container) -> None:
        await self._tell(container, "start", QUICK_SECONDS)

    async def stop(self, container: Container) -> None:
        """Returns once it ended: after as long as the worker waits for its runs. The engine knows how long that is."""
        await self._tell(container, "stop", None)

    async def _tell(self, container: Container, what: str, seconds: float | None) -> None:
        answer = await self._client.post(f"/containers/{container.id}/{what}", timeout=seconds)
        # Not modified: it is so already. Not found: an `up` has just replaced it.
        if answer.status_code not in (HTTPStatus.NOT_MODIFIED, HTTPStatus.NOT_FOUND):
            answer.raise_for_status()


def _container(row: dict[str, Any]) -> Container:
    return Container(id=row["Id"], name=row["Names"][0].removeprefix("/"), running=row["State"] in RUNNING)


def _number(container: Container) -> tuple[int, str]:
    last = re.search(r"(\d+)$", container.name)
    return int(last[1]) if last else 0, container.name
