"""Who has a container's name while one follows another, over the docker command. Names: infra/container_names.py."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from infra.container_names import FAILED, FORMER, LEAVING, aside, is_of
from infra.provider.docker_command import docker, last_words
from infra.provider.errors import NotFound, ProviderError

LAST_LINES: Final = 15
POLL_SECONDS: Final = 0.5
HOPELESS: Final = 4
"""So many times the engine has started it again after it ended by itself: more time won't help."""


@dataclass(frozen=True)
class Found:
    id: str
    name: str
    running: bool
    health: str
    restarts: int


async def one(container: str) -> Found:
    """Raises: NotFound."""
    (about,) = json.loads(await docker("inspect", "--type", "container", container))
    state: Mapping[str, Any] = about["State"]
    return Found(
        id=about["Id"],
        name=about["Name"].removeprefix("/"),
        running=bool(state["Running"]),
        health=str((state.get("Health") or {}).get("Status", "")),
        restarts=int(about.get("RestartCount", 0)),
    )


async def family(name: str, labels: Mapping[str, str]) -> list[Found]:
    """Those that have the name, or had it, of these labels."""
    wanted = [f"label={key}={value}" for key, value in sorted(labels.items())]
    filters = [word for text in (*wanted, f"name={name}") for word in ("--filter", text)]
    ids = (await docker("ps", "--all", "--quiet", "--no-trunc", *filters)).split()
    found = []
    for each in ids:
        try:
            found.append(await one(each))
        except NotFound:  # just now
            continue
    return [each for each in found if is_of(name, each.name)]


async def take_over(
    container: str,
    name: str,
    labels: Mapping[str, str],
    seconds: int,
    *,
    ends_former: bool,
    comes_and_goes: bool = False,
) -> None:
    """Let the container be at work under the name, or the one before go on under it.

    Args:
        container: its id.
        name: what both are, or are to be, called.
        labels: what others must have to count as the one before.
        seconds: how long it may take to be healthy.
        ends_former: once it is healthy, the one before is told to stop, given its time, and removed.
        comes_and_goes: whether it runs is for others to say. It is started if the one before it is at work, else not.

    Raises:
        ProviderError: it did not become healthy; the text has its last words, and tells who works now.

    """
    mine = await one(container)
    if mine.name != name:  # the `up` before this one gave the name back
        for other in await family(name, labels):
            if other.name == name:
                await docker("rename", other.id, aside(name, FORMER, other.id))
        await docker("rename", mine.id, name)
    formers = [each for each in await family(name, labels) if each.name.startswith((name + FORMER, name + LEAVING))]
    try:
        if not comes_and_goes or any(each.running for each in formers):
            if not mine.running:
                await docker("start", mine.id)
            await _healthy(mine.id, name, seconds)
    except ProviderError as error:
        words = last_words(await docker("logs", "--tail", str(LAST_LINES), mine.id, errors_too=True))
        told = f"{error} Its last words:\n{words}" if words else str(error)
        former = await give_back(name, labels, starts=not comes_and_goes)
        ending = f"\n{name}: the former container goes on." if former else ""
        raise ProviderError(told + ending) from error
    for former in formers:
        if not former.name.startswith(name + LEAVING):
            await docker("rename", former.id, aside(name, LEAVING, former.id))
    if ends_former:
        await end(formers)


async def give_back(name: str, labels: Mapping[str, str], *, starts: bool) -> Found | None:
    """The former one has its name again, and works; whoever has the name now is stopped. None: there is no former.

    `starts`: the former one is started if it has been stopped meanwhile.
    """
    there = await family(name, labels)
    formers = [each for each in there if each.name.startswith(name + FORMER)]
    if not formers:
        return None
    former = max(formers, key=lambda each: (each.running, each.health == "healthy"))
    for each in there:
        if each.name == name:
            await docker("stop", each.id)  # as long as it was made to be given: it may have taken runs
            await docker("rename", each.id, aside(name, FAILED, each.id))
    await docker("rename", former.id, name)
    if starts and not former.running:
        await docker("start", former.id)
    return former


async def _healthy(container: str, name: str, seconds: int) -> None:
    deadline = time.monotonic() + seconds
    while True:
        now = await one(container)
        if now.running and now.health == "healthy":
            return
        if now.restarts >= HOPELESS:
            raise ProviderError(f"{name}: it ended by itself {now.restarts} times.")
        if time.monotonic() > deadline:
            raise ProviderError(f"{name}: not healthy after {seconds} s.")
        await asyncio.sleep(POLL_SECONDS)


async def end(containers: list[Found]) -> None:
    """Each is told to stop, given its time, and removed."""

    async def end_one(container: Found) -> None:
        try:
            await docker("stop", container.id)
            await docker("rm", "--force", container.id)
        except NotFound:
            return

    await asyncio.gather(*map(end_one, containers))
