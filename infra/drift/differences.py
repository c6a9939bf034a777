"""From resources that differ to fields that differ, in the words of stack files; schedules by slug, lists whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from infra.drift.observation import ABSENT, Observed, Path, What
from infra.drift.traces import NO_TRACES, Trace, Traces

Side: TypeAlias = Literal["server", "declaration", "both"]
"""Who has moved away from what the state remembers: somebody on the server, the stack's files, or both."""

KINDS: Final[Mapping[str, str]] = {
    "prefect:index:WorkPool": "work pool",
    "prefect:index:WorkQueue": "queue",
    "prefect:index:Deployment": "deployment",
    "prefect:index:Block": "block",
    "prefect:index:Variable": "variable",
    "prefect:index:Automation": "automation",
    "prefect:index:GlobalConcurrencyLimit": "global concurrency limit",
    "prefect:index:TagConcurrencyLimit": "tag concurrency limit",
    "prefect:index:Profile": "profile",
    "prefect:index:PidsLimit": "process limit",
    "prefect:index:SwarmService": "service",
    "docker:index/container:Container": "container",
    "docker:index/network:Network": "network",
    "docker:index/volume:Volume": "volume",
    "docker:index/remoteImage:RemoteImage": "image",
}
_HERE: Final = frozenset({"profile", "process limit"})
_WORDS: Final[Mapping[tuple[str, str], Path]] = {
    ("work pool", "is_paused"): ("paused",),
    ("queue", "is_paused"): ("paused",),
    ("deployment", "concurrency_limit"): ("concurrency_limit", "limit"),
    ("deployment", "collision_strategy"): ("concurrency_limit", "collision_strategy"),
    ("deployment", "grace_period_seconds"): ("concurrency_limit", "grace_period_seconds"),
    ("deployment", "work_queue_name"): ("work_pool", "work_queue_name"),
    ("deployment", "work_pool_name"): ("work_pool", "name"),
    ("deployment", "work_pool_id"): ("work_pool", "id"),
    ("deployment", "job_variables"): ("work_pool", "job_variables"),
}
"""What a stack file calls a property, where it has another name."""
_UNSAID: Final[Mapping[str, Any]] = {"paused": False, "is_paused": False, "tags": [], "active": True, "day_or": True}
"""What a property is where nothing is said: defaults are left out of what is compared."""


@dataclass(frozen=True)
class Field:
    """One field that is not as declared."""

    path: Path
    """In the words of stack files; a schedule by its slug."""
    api_name: str
    """As Prefect's API calls what it lies in."""
    declared: Any
    state: Any
    server: Any
    trace: Trace | None = None

    @property
    def side(self) -> Side:
        if self.state == self.server:
            return "declaration"
        return "server" if self.state == self.declared else "both"

    @property
    def name(self) -> str:
        return ".".join(str(step) for step in self.path)


@dataclass(frozen=True)
class Difference:
    """One object that is not as declared."""

    urn: str
    type: str
    kind: str
    name: str
    area: str | None
    what: What
    fields: tuple[Field, ...] = ()
    trace: Trace | None = None
    """Of a deletion."""
    observed: Observed | None = None

    @property
    def place(self) -> str:
        """Where it is found."""
        if self.type.startswith("docker:"):
            return "on the engine"
        return "on the server" if self.kind not in _HERE else "on this machine"

    @property
    def is_drift(self) -> bool:
        """Whether somebody has changed what is there; not that the stack's files are ahead of it."""
        return self.what == "deleted" or any(field.side != "declaration" for field in self.fields)


def differences(found: Iterable[Observed], traces: Traces = NO_TRACES) -> tuple[Difference, ...]:
    """What differs, object by object. One whose differences are all without meaning is left out."""
    made = (_difference(each, traces) for each in found)
    return tuple(each for each in made if each.fields or each.what != "edited")


def _difference(each: Observed, traces: Traces) -> Difference:
    kind = KINDS.get(each.type, each.type)
    fields = tuple(_traced(field, each, kind, traces) for field in _fields(each, kind))
    return Difference(
        urn=each.urn,
        type=each.type,
        kind=kind,
        name=each.name,
        area=each.area,
        what=each.what,
        fields=fields,
        trace=traces.of_deletion(each.outputs) if each.what == "deleted" else None,
        observed=each,
    )


def _traced(field: Field, each: Observed, kind: str, traces: Traces) -> Field:
    if field.side == "declaration":
        return field
    slug = str(field.path[1]) if kind == "deployment" and field.path[0] == "schedules" else None
    return replace(field, trace=traces.of_field(each.outputs, field.api_name, slug))


def _fields(each: Observed, kind: str) -> Iterator[Field]:
    """Each place once. Within lists, places mean nothing to people: these are told as a whole, schedules by slug."""
    told: set[Path] = set()
    for path in each.paths:
        top = str(path[0])
        if top == "schedules" and kind == "deployment":
            if ("schedules",) not in told:
                told.add(("schedules",))
                yield from _schedules(each)
            continue
        whole = _until_list(path)
        if whole in told:
            continue
        told.add(whole)
        words = (*_WORDS.get((kind, top), (top,)), *whole[1:])
        yield Field(
            path=words,
            api_name=top,
            declared=at(each.declared, whole),
            state=at(each.state, whole),
            server=at(each.server, whole),
        )


def _until_list(path: Path) -> Path:
    for index, step in enumerate(path):
        if isinstance(step, int):
            return path[:index]
    return path


def _schedules(each: Observed) -> Iterator[Field]:
    declared, state, server = map(_by_slug, (each.declared, each.state, each.server))
    for slug in sorted({*declared, *server}):
        ours, known, theirs = (side.get(slug) for side in (declared, state, server))
        if ours is None or theirs is None:
            one, two, three = (ABSENT if side is None else side for side in (ours, known, theirs))
            yield Field(("schedules", slug), "schedules", one, two, three)
            continue
        for key in sorted({*ours, *theirs}):
            first, second, third = (at(side, (key,)) for side in (ours, known, theirs))
            if first != third:
                yield Field(("schedules", slug, key), "schedules", first, second, third)


def _by_slug(properties: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    return {str(item.get("slug")): item for item in (properties or {}).get("schedules") or ()}


def at(values: Any, path: Path) -> Any:
    """The value at the path, or ABSENT; what a default says where nothing is said."""
    for step in path:
        if isinstance(values, Mapping) and step in values:
            values = values[step]
        else:
            return _UNSAID.get(str(path[-1]), ABSENT) if values is not None else ABSENT
    return ABSENT if values is None else values


def unsaid(name: str) -> Any:
    return _UNSAID.get(name, ABSENT)
