"""Work pools: `<area>-<environment>`, unless there is one already; and their queues."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from infra.model import declared
from infra.model.collecting import Findings
from infra.model.errors import KeyPath
from infra.model.naming import forbidden_characters, repeated
from infra.model.overlays import OVERLAYS
from infra.model.rules import coherence
from infra.model.stack import Area, WorkQueue

DEFAULT_QUEUE = "default"
RESERVED_POOL_PREFIX = "prefect"


def pool_name(area: str, given: declared.Area, of: declared.Stack, found: Findings) -> str:
    coherent, name = f"{area}-{of.environment}", given.work_pool_name
    path: KeyPath = ("areas", area) if name is None else ("areas", area, "work_pool_name")
    if (name or coherent).lower().startswith(RESERVED_POOL_PREFIX):
        found.add(
            coherence.RESERVED_NAME,
            path,
            f"the pool {name or coherent} would begin with 'prefect', which the server keeps for itself",
            of_key=name is None,
        )
    if name is None or name == coherent:
        return coherent
    if wrong := forbidden_characters(name):
        message = f"the name of the pool {name!r} has {wrong!r}, which Prefect refuses"
        found.add(coherence.FORBIDDEN_CHARACTER, path, message)
    elif not found.any_at("environment"):
        message = f"the pool is {name!r}: in this area and environment it should be {coherent!r}"
        hint = "leave work_pool_name out; for a pool that is there already, turn PI219 off with that as the reason"
        found.add(coherence.POOL_NAME, path, message, hint=hint)
    return name


def check_unique(areas: Iterable[Area], found: Findings) -> None:
    for name, paths in repeated((area.pool.name, ("areas", area.name, "work_pool_name")) for area in areas).items():
        for path in paths[1:]:
            message = f"the area {paths[0][1]} has the pool {name!r} already"
            found.add(coherence.REPEATED_NAME, path, message, hint="each area has a pool of its own")


def named_pools(areas: object, environment: object) -> Iterator[tuple[KeyPath, str, object]]:
    """Each pool that an area or one of its overlays names, and the environment that it is for."""
    for area_name, area in areas.items() if isinstance(areas, dict) else ():
        path: KeyPath = ("areas", area_name)
        overlays = area.get(OVERLAYS) if isinstance(area, dict) else None
        said = [(path, area, environment)]
        said += (
            [((*path, OVERLAYS, str(name)), over, name) for name, over in overlays.items()]
            if isinstance(overlays, dict)
            else []
        )
        for at, keys, of in said:
            name = keys.get("work_pool_name") if isinstance(keys, dict) else None
            if isinstance(name, str):
                yield (*at, "work_pool_name"), name, of


def queues(given: declared.Area, path: KeyPath, found: Findings) -> list[WorkQueue]:
    taken = {queue.priority for queue in given.queues.values() if queue.priority is not None}
    made: list[WorkQueue] = []
    for name, queue in given.queues.items():
        if wrong := forbidden_characters(name):
            found.add(
                coherence.FORBIDDEN_CHARACTER,
                (*path, "queues", name),
                f"the name of the queue {name!r} has {wrong!r}, which Prefect refuses",
                of_key=True,
            )
        priority = queue.priority
        if priority is None:
            priority = next(number for number in range(1, len(taken) + 2) if number not in taken)
            taken.add(priority)
        made.append(
            WorkQueue(
                name=name,
                priority=priority,
                concurrency_limit=queue.concurrency_limit,
                description=queue.description,
                paused=queue.paused,
                adopt=queue.adopt,
            )
        )
    for same, names in repeated((str(queue.priority), queue.name) for queue in made).items():
        for name in names[1:]:
            found.add(
                coherence.PRIORITY_TAKEN,
                (*path, "queues", name, "priority"),
                f"the queue {names[0]!r} has priority {same} too",
                hint="each queue of a pool has its own: the server would shift one of them",
            )
    return sorted(made, key=lambda queue: queue.priority)
