"""What a server has in a stack's areas and no file declares: deployments and queues of its pools, and its own pools."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any, Final, Literal, TypeAlias

from infra.model import Area, Stack

Kind: TypeAlias = Literal["deployment", "queue", "work pool"]
OWNER: Final = "prefect-infra.stack"
"""The label of deployments, and the key within a pool's mark, that names who made it: project/stack."""
MARK: Final = "x-prefect-infra"
DEFAULT_QUEUE: Final = "default"


@dataclass(frozen=True)
class Undeclared:
    """One object. `owner`: the stack that made it, where it says so; `in_state`: `pulumi up` takes it away."""

    kind: Kind
    name: str
    """flow/deployment, pool/queue, or the pool."""
    id: str
    area: str | None
    owner: str | None
    created: str | None
    in_state: bool
    last_run: str | None = None

    def with_last_run(self, at: str | None) -> Undeclared:
        return replace(self, last_run=at)

    def is_called(self, pattern: str) -> bool:
        return fnmatchcase(self.name, pattern) or (
            self.kind == "deployment" and fnmatchcase(self.name.partition("/")[2], pattern)
        )


@dataclass(frozen=True)
class Inventory:
    """Rows of the server's API. `queues` by pool; `flows`: names by UUID; `state`: UUIDs that Pulumi's state knows."""

    pools: Collection[Mapping[str, Any]] = ()
    deployments: Collection[Mapping[str, Any]] = ()
    queues: Mapping[str, Collection[Mapping[str, Any]]] = field(default_factory=dict)
    flows: Mapping[str, str] = field(default_factory=dict)
    state: frozenset[str] = frozenset()


def undeclared(stack: Stack, there: Inventory) -> tuple[Undeclared, ...]:
    """In the order of areas and names."""
    owner = f"{stack.project}/{stack.stack}"
    areas = {area.pool.name: area for area in stack.areas}
    found = [
        *_pools(there, areas, owner),
        *_queues(there, areas),
        *_deployments(stack, there, areas, owner),
    ]
    return tuple(sorted(found, key=lambda each: (each.area or "", each.kind, each.name)))


def _pools(there: Inventory, areas: Mapping[str, Area], owner: str) -> Iterator[Undeclared]:
    """Those of the stack's own making: others' pools are others' business."""
    for row in there.pools:
        made_by = _owner((row.get("base_job_template") or {}).get(MARK))
        if row["name"] not in areas and made_by == owner:
            yield _made("work pool", row["name"], row, None, made_by, there)


def _queues(there: Inventory, areas: Mapping[str, Area]) -> Iterator[Undeclared]:
    for pool, area in areas.items():
        declared = {queue.name for queue in area.pool.queues} | {DEFAULT_QUEUE}
        for row in there.queues.get(pool, ()):
            if row["name"] not in declared:
                yield _made("queue", f"{pool}/{row['name']}", row, area.name, None, there)


def _deployments(stack: Stack, there: Inventory, areas: Mapping[str, Area], owner: str) -> Iterator[Undeclared]:
    declared = {(each.flow_name, each.name) for area in stack.areas for each in area.deployments}
    for row in there.deployments:
        area = areas.get(row.get("work_pool_name") or "")
        made_by = _owner(row.get("labels"))
        flow = there.flows.get(str(row["flow_id"]), "")
        if (flow, row["name"]) not in declared and (area is not None or made_by == owner):
            yield _made("deployment", f"{flow}/{row['name']}", row, area.name if area else None, made_by, there)


def _made(
    kind: Kind, name: str, row: Mapping[str, Any], area: str | None, owner: str | None, there: Inventory
) -> Undeclared:
    id_ = str(row["id"])
    return Undeclared(kind, name, id_, area, owner, row.get("created"), in_state=id_ in there.state)


def _owner(marks: Any) -> str | None:
    found = marks.get(OWNER) if isinstance(marks, Mapping) else None
    return None if found is None else str(found)


@dataclass(frozen=True)
class Pruning:
    """What is to be deleted of it, and what of what was named can't be, with the reason."""

    chosen: tuple[Undeclared, ...]
    refused: tuple[str, ...]


def chosen(found: Iterable[Undeclared], names: Collection[str], *, owner: str, owned: bool) -> Pruning:
    """By name, or all that the stack has made itself. Nothing of another stack, and nothing that `up` takes away."""
    taken: list[Undeclared] = []
    listed = tuple(found)
    unknown = [name for name in names if not any(each.is_called(name) for each in listed)]
    refused = [f"{name}: there is nothing undeclared of that name" for name in unknown]
    for each in listed:
        named = any(each.is_called(name) for name in names)
        if not (named or (owned and each.owner == owner)):
            continue
        if each.in_state:
            refused.append(f"{each.name}: it is in Pulumi's state, and goes by `pulumi up`")
        elif each.owner not in (None, owner):
            refused.append(f"{each.name}: it belongs to the stack {each.owner}")
        else:
            taken.append(each)
    return Pruning(tuple(taken), tuple(refused))


def age(time: str | None, now: datetime) -> str:
    """In days, or hours of the first day."""
    if time is None:
        return "never"
    passed = now - datetime.fromisoformat(time)
    return f"{passed.days} d" if passed.days else f"{passed.seconds // 3600} h"
