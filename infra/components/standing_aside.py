"""Start-first on one engine: before a container is made, the one that has its name is called another way, and works on.

What becomes of either is decided by `prefect:index:HandedOver`, once the new one is healthy or isn't.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi

from infra.components.naming import LABEL, SCALED, Naming
from infra.components.orphans import docker
from infra.container_names import FAILED, FORMER, aside, is_of

START_FIRST: Final = f"{LABEL}.start-first"
"""Label of a container that may be at work along with its successor. One without it couldn't, and goes first."""


@dataclass(frozen=True)
class _Found:
    id: str
    name: str
    running: bool
    may_stay: bool
    comes_and_goes: bool


def start_first(naming: Naming, name: str) -> pulumi.ResourceHookBinding:
    """For the options of a container that is made before the one that it replaces is removed."""

    async def stand_aside(about: pulumi.ResourceHookArgs) -> None:
        del about
        there = await _family(naming, name)
        holder = next((each for each in there if each.name == name), None)
        if holder is None:
            return
        if any(each.running and each.name.startswith(name + FORMER) for each in there):
            # It has not taken over. The state has never heard of it, or will remove it when it is gone already.
            pulumi.log.warn(f"{name}: ending the one that an `up` which didn't come to its end left beside the former")
            await docker("stop", holder.id)
            await docker("rm", "--force", holder.id)
            return
        if not holder.may_stay:
            await docker("stop", holder.id)
        await docker("rename", holder.id, aside(name, FORMER, holder.id))

    async def back(about: pulumi.ErrorHookArgs) -> bool:
        if about.failed_operation == "create":
            await _give_back(naming, name)
        return False  # not to be tried again

    return pulumi.ResourceHookBinding(
        before_create=[stand_aside], on_error=[pulumi.ErrorHook(f"former-back-{name}", back)]
    )


async def _give_back(naming: Naming, name: str) -> None:
    """What was made failed before it ran: the former one has its name back."""
    there = await _family(naming, name)
    former = next((each for each in there if each.name.startswith(name + FORMER)), None)
    if former is None:
        return
    for each in there:
        if each.name == name:
            await docker("stop", each.id)
            await docker("rename", each.id, aside(name, FAILED, each.id))
    await docker("rename", former.id, name)
    if not former.running and not former.comes_and_goes:
        await docker("start", former.id)


async def _family(naming: Naming, name: str) -> list[_Found]:
    labels = (f"{LABEL}.project={naming.project}", f"{LABEL}.stack={naming.stack}")
    filters = [word for text in (*(f"label={label}" for label in labels), f"name={name}") for word in ("-f", text)]
    (scaled,) = SCALED
    marks = " ".join(f'[{{{{.Label "{label}"}}}}]' for label in (START_FIRST, scaled))
    template = f"{{{{.ID}}}} {{{{.Names}}}} {{{{.State}}}} {marks}"
    found = []
    for line in (await docker("ps", "--all", "--no-trunc", "--format", template, *filters)).splitlines():
        identifier, called, state, may_stay, comes_and_goes = line.split()
        if is_of(name, called):
            found.append(_Found(identifier, called, state == "running", may_stay != "[]", comes_and_goes != "[]"))
    return found
