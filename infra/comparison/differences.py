"""What differs between two stacks as they are once they are complete: nothing of how their files say it.

What must differ is no difference: names of stacks, environments and pools.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, final

from infra.comparison.when import when
from infra.model import Area, Code, Deployment, GitCode, Schedule, Stack


@final
class Missing:
    """There is no such thing in one of them."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()


@dataclass(frozen=True)
class Difference:
    """Of one field. `of`: what it belongs to, such as `deployment cerrar-mes`; empty for the area or the stack."""

    area: str | None
    of: str
    field: str
    """Empty where the whole thing is missing on one side."""
    left: Any
    right: Any


def compared(left: Stack, right: Stack) -> tuple[Difference, ...]:
    """All that differs: of the stack itself, then area by area."""
    return (*_stack(left, right), *_areas(left, right))


def _stack(left: Stack, right: Stack) -> Iterator[Difference]:
    for name in ("timezone", "server", "logging"):
        yield from _fields(None, "", name, _plain(getattr(left, name)), _plain(getattr(right, name)))
    for of, listed in (
        ("variable", "variables"),
        ("global limit", "global_concurrency_limits"),
        ("tag limit", "tag_concurrency_limits"),
    ):
        sides = [{_name(each): _plain(each) for each in getattr(side, listed)} for side in (left, right)]
        yield from _named(None, of, *sides)


def _areas(left: Stack, right: Stack) -> Iterator[Difference]:
    ours, theirs = ({area.name: area for area in side.areas} for side in (left, right))
    for name in _in_order(ours, theirs):
        if name not in ours or name not in theirs:
            yield Difference(name, "", "", _count(ours.get(name)), _count(theirs.get(name)))
            continue
        yield from _area(name, ours[name], theirs[name])


def _area(name: str, left: Area, right: Area) -> Iterator[Difference]:
    yield from _fields(name, "", "title", left.title, right.title)
    pools = [_plain(area.pool) for area in (left, right)]
    for key in ("description", "concurrency_limit", "paused"):
        yield from _fields(name, "", key, pools[0].get(key), pools[1].get(key))
    queues = [{queue.name: _plain(queue) for queue in area.pool.queues} for area in (left, right)]
    yield from _named(name, "queue", *queues)
    for key in ("workers", "logging", "env"):
        yield from _fields(name, "", key, _plain(getattr(left, key)), _plain(getattr(right, key)))
    ours, theirs = ({each.name: each for each in area.deployments} for area in (left, right))
    for deployment in _in_order(ours, theirs):
        of = f"deployment {deployment}"
        if deployment not in ours or deployment not in theirs:
            sides = [each.entrypoint if each else MISSING for each in (ours.get(deployment), theirs.get(deployment))]
            yield Difference(name, of, "", *sides)
            continue
        yield from _deployment(name, of, ours[deployment], theirs[deployment])


def _deployment(area: str, of: str, left: Deployment, right: Deployment) -> Iterator[Difference]:
    apart = {"name", "area", "pool_name", "parameter_schema", "schedules", "code", "job_variables"}
    ours, theirs = _plain(left), _plain(right)
    for key in ours:
        if key not in apart:
            yield from _fields(area, of, key, ours[key], theirs[key])
    yield from _fields(area, of, "job_variables", left.job_variables, right.job_variables)
    yield from _fields(area, of, "code", _code(left.code), _code(right.code))
    yield from _schedules(area, of, left, right)


def _schedules(area: str, of: str, left: Deployment, right: Deployment) -> Iterator[Difference]:
    """By slug; what is left over pairs off in order, since a slug may follow from the rule."""
    ours, theirs = ({each.slug: each for each in side.schedules} for side in (left, right))
    pairs: list[tuple[Schedule | None, Schedule | None]] = [(ours[s], theirs[s]) for s in ours if s in theirs]
    rest = [each for slug, each in ours.items() if slug not in theirs]
    others = [each for slug, each in theirs.items() if slug not in ours]
    common = min(len(rest), len(others))
    pairs += [*zip(rest[:common], others[:common], strict=True)]
    pairs += [(each, None) for each in rest[common:]]
    pairs += [(None, each) for each in others[common:]]
    for one, other in pairs:
        slug = (one or other).slug  # type: ignore[union-attr]  # one of them is there
        sides = [when(each) if each else MISSING for each in (one, other)]
        if sides[0] != sides[1]:
            yield Difference(area, of, f"schedule {slug}", *sides)


def _named(
    area: str | None, kind: str, left: Mapping[str, dict[str, Any]], right: Mapping[str, dict[str, Any]]
) -> Iterator[Difference]:
    for name in _in_order(left, right):
        ours, theirs = left.get(name), right.get(name)
        of = f"{kind} {name}"
        if ours is None or theirs is None:
            yield Difference(area, of, "", *(MISSING if side is None else _said(side) for side in (ours, theirs)))
            continue
        for key in ours:
            yield from _fields(area, of, key, ours[key], theirs.get(key))


def _fields(area: str | None, of: str, field: str, left: Any, right: Any) -> Iterator[Difference]:
    """Mappings key by key."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        for key in _in_order(left, right):
            yield from _fields(area, of, f"{field}.{key}", left.get(key), right.get(key))
    elif left != right:
        yield Difference(area, of, field, left, right)


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value is not None and key not in ("name", "tag")}


def _name(row: Any) -> str:
    return str(getattr(row, "name", None) or row.tag)


def _code(code: Code) -> str:
    if not isinstance(code, GitCode):
        return {"checkout": "mounted from the checkout", "image": "baked into the worker's image"}[code.location]
    at = (
        f"branch {code.branch}" if code.branch else f"commit {code.commit_sha}" if code.commit_sha else "default branch"
    )
    return f"git {code.repository}, {at}"


def _count(area: Area | None) -> Any:
    if area is None:
        return MISSING
    return f"{len(area.deployments)} deployment{'' if len(area.deployments) == 1 else 's'}"


def _in_order(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys((*left, *right)))
