"""When something was changed on the server, as far as the server tells.

Prefect 3.8.8 writes an event when a deployment, a work pool or a queue is updated or deleted, with the names of the
fields (run). Pauses are events of their own. There is none for schedules: their rows have the time of the last write.
Who it was, no event and no row says: this server knows of no users.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

KINDS: Final[Mapping[str, str]] = {
    "deployment_id": "deployment",
    "work_queue_id": "work-queue",
    "work_pool_id": "work-pool",
}
"""Outputs that hold a UUID, the nearest first: a queue knows its pool's as well."""
EVENTS: Final = tuple(
    f"prefect.{kind}.{what}"
    for kind in KINDS.values()
    for what in ("updated", "deleted", "paused", "ready", "not-ready")
)
_CALLED: Final[Mapping[str, str]] = {
    "job_variables": "infra_overrides",
    "concurrency_limit": "concurrency_limit_id",
    "global_concurrency_limit_id": "concurrency_limit_id",
    "collision_strategy": "concurrency_options",
    "grace_period_seconds": "concurrency_options",
    "work_queue_name": "work_queue_id",
    "work_pool_name": "work_queue_id",
    "job_defaults": "base_job_template",
    "job_configuration": "base_job_template",
}
"""What an event calls a property, where it has another name."""
_PAUSES: Final = frozenset({"is_paused"})


class Trace(NamedTuple):
    """`told_by`: an event of just this, or the last write to the row, which may have been a later one."""

    time: str
    told_by: Literal["event", "row"]


@dataclass(frozen=True)
class Traces:
    """What the server remembers. `events`: newest first, as its API gives them; `rows` by UUID."""

    events: tuple[Mapping[str, Any], ...] = ()
    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def of_field(self, outputs: Mapping[str, Any], name: str, slug: str | None = None) -> Trace | None:
        """The last change of a property; of a schedule by its slug."""
        kind, id_ = resource(outputs)
        row = self.rows.get(id_, {})
        if slug is not None:
            found = next((each for each in row.get("schedules") or () if _slug(each) == slug), None)
            return Trace(str(found["updated"]), "row") if found and found.get("updated") else _of_row(row)
        for event in self._of(kind, id_):
            if _tells(event, name):
                return Trace(str(event["occurred"]), "event")
        return _of_row(row)

    def of_deletion(self, outputs: Mapping[str, Any]) -> Trace | None:
        kind, id_ = resource(outputs)
        events = (each for each in self._of(kind, id_) if each["event"] == f"prefect.{kind}.deleted")
        found = next(events, None)
        return Trace(str(found["occurred"]), "event") if found else None

    def _of(self, kind: str, id_: str) -> Iterable[Mapping[str, Any]]:
        wanted = f"prefect.{kind}.{id_}"
        return (each for each in self.events if (each.get("resource") or {}).get("prefect.resource.id") == wanted)


NO_TRACES: Final = Traces()


def resource(outputs: Mapping[str, Any]) -> tuple[str, str]:
    """What the server calls an object: its kind in events, and its UUID; empty where it is none of the server's."""
    for key, kind in KINDS.items():
        if outputs.get(key) and not (key == "work_pool_id" and "entrypoint" in outputs):
            return kind, str(outputs[key])
    return "", ""


def _tells(event: Mapping[str, Any], name: str) -> bool:
    if name in _PAUSES:
        return str(event["event"]).rpartition(".")[2] in {"paused", "ready", "not-ready"}
    fields = (event.get("payload") or {}).get("updated_fields") or ()
    return _CALLED.get(name, name) in fields or name in fields


def _of_row(row: Mapping[str, Any]) -> Trace | None:
    return Trace(str(row["updated"]), "row") if row.get("updated") else None


def _slug(schedule: Mapping[str, Any]) -> str:
    """As the provider calls those that were made in the UI."""
    return str(schedule.get("slug") or f"unnamed-{str(schedule.get('id'))[:8]}")
