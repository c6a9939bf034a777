"""What follows from a plan beyond what it says: what starts again, what is lost for good, which secrets change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from infra.model import Stack
from infra.review.placing import area_of
from infra.review.plan import CONTAINER, IMAGE, VOLUME, Plan, Step
from infra.timeline.words import duration

_POOL, _QUEUE, _DEPLOYMENT = "prefect:index:WorkPool", "prefect:index:WorkQueue", "prefect:index:Deployment"
LOST: Final = {
    VOLUME: "the data on it is gone",
    _POOL: "its queues go with it, and runs that wait in it are left without a pool",
    _QUEUE: "runs that wait in it are left without a queue",
    _DEPLOYMENT: "its schedules and upcoming runs go with it",
    "prefect:index:Block": "what it held is gone",
    "prefect:index:Variable": "its value is gone",
    "prefect:index:Automation": "it no longer watches, and forgets what it has seen",
    "prefect:index:GlobalConcurrencyLimit": "who holds a slot of it no longer does",
    "prefect:index:GeneratedSecret": "whoever used it is locked out until told the new one",
}
"""What can't be got back by declaring it again, and why."""
_ROLE: Final = "prefect-infra.role"
_AWAY: Final = "the UI and the API are away until it is healthy; workers wait for it, and running flows go on"
_EFFECTS: Final = {
    "server": _AWAY,
    "proxy": _AWAY,
    "postgres": _AWAY,
    "redis": _AWAY,
    "api": "its requests go to the other replicas, where there are some",
    "services": "no run is scheduled until it is healthy; those that are due then are late",
    "migration": "it brings the database to the schema of its release, and ends",
    "autoscaler": "no worker is started or stopped until it is healthy",
    "socket-proxy": "containers of runs go on; none is started until it is healthy",
}
"""By the role that a container is labelled with."""


@dataclass(frozen=True)
class Restart:
    """A container that is replaced, or goes: what that does to runs in flight, and why it happens."""

    container: str
    role: str
    area: str | None
    goes: bool
    reasons: tuple[str, ...]
    effect: str
    flows: tuple[str, ...]
    """Deployments whose runs in flight may be cut short."""


@dataclass(frozen=True)
class Loss:
    """What a plan destroys and nothing brings back. `runs`: that the server knows of; None if it wasn't asked."""

    type: str
    name: str
    area: str | None
    verb: Literal["delete", "replace"]
    effect: str
    protected: bool
    runs: int | None = None


@dataclass(frozen=True)
class Revision:
    """An image, or a deployment's code, that is another one afterwards."""

    what: str
    before: str | None
    after: str | None


@dataclass(frozen=True)
class SecretChange:
    """By name alone."""

    name: str
    kind: Literal["new", "set again", "removed", "changes"]


def restarts(plan: Plan, stack: Stack | None) -> tuple[Restart, ...]:
    areas = {area.name: area for area in stack.areas} if stack else {}
    found = []
    for step in plan.of_type(CONTAINER):
        if step.verb not in ("replace", "delete"):
            continue
        role, area = _role(step), area_of(step, areas)
        declared = areas.get(area) if area else None
        cut_short = role == "worker" and (_is_process(step))
        flows = tuple(each.name for each in declared.deployments) if declared and cut_short else ()
        found.append(
            Restart(
                container=step.name,
                role=role,
                area=area,
                goes=step.verb == "delete",
                reasons=tuple(dict.fromkeys(change.path.partition("[")[0] for change in step.changes))
                or step.replace_reasons,
                effect=_effect(role, _drain_seconds(step), process=cut_short),
                flows=flows,
            )
        )
    return tuple(found)


def losses(plan: Plan, areas: Mapping[str, Any], runs: Mapping[str, int] | None) -> tuple[Loss, ...]:
    """`runs`: by the pool's or the deployment's name, what the server knows of."""
    found = []
    for step in plan.steps:
        if step.verb not in ("delete", "replace") or step.type not in LOST:
            continue
        # A queue's resource is called by its pool's name, too.
        name = step.name if step.type == _QUEUE else str((step.old or {}).get("name") or step.name)
        found.append(
            Loss(
                type=step.type,
                name=name,
                area=area_of(step, areas),
                verb="delete" if step.verb == "delete" else "replace",
                effect=LOST[step.type],
                protected=step.protected,
                runs=runs.get(name) if runs is not None and step.type in (_POOL, _DEPLOYMENT) else None,
            )
        )
    return tuple(sorted(found, key=lambda each: (each.type, each.name)))


def revisions(plan: Plan) -> tuple[Revision, ...]:
    return tuple(_revisions(plan))


def _revisions(plan: Plan) -> Iterator[Revision]:
    for step in plan.of_type(IMAGE):
        before, after = _image(step.old), _image(step.new)
        if before != after and after is not None:
            yield Revision(f"image {step.name.removeprefix('image-')}", before, after)
    for step in plan.of_type(_DEPLOYMENT):
        before, after = _code(step.old), _code(step.new)
        if step.old is not None and step.new is not None and before != after:
            yield Revision(f"code of {step.name}", before, after)


def secret_changes(plan: Plan | None, before: Mapping[str, str], after: Mapping[str, str]) -> tuple[SecretChange, ...]:
    """`before`, `after`: the encrypted top-level values of the stack's files by key, as the two revisions have them."""
    found = [SecretChange(name, "new") for name in after.keys() - before.keys()]
    found += [SecretChange(name, "removed") for name in before.keys() - after.keys()]
    found += [SecretChange(name, "set again") for name in after.keys() & before.keys() if before[name] != after[name]]
    for step in plan.steps if plan else ():
        found += [
            SecretChange(f"{step.type.rpartition(':')[2]} {step.name}: {change.path}", "changes")
            for change in step.changes
            if change.is_secret
        ]
    return tuple(sorted(set(found), key=lambda each: (each.name, each.kind)))


def _role(step: Step) -> str:
    for label in step.inputs.get("labels") or ():
        if isinstance(label, dict) and label.get("label") == _ROLE:
            return str(label.get("value"))
    return "container"


def _is_process(step: Step) -> bool:
    """By the worker's own command, as it runs now: that is what is stopped."""
    command = (step.old or step.new or {}).get("command") or ()
    return "process" in command


def _drain_seconds(step: Step) -> int | None:
    """How long the worker that runs now waits for its runs; None for one of before it could."""
    command = list((step.old or step.new or {}).get("command") or ())
    following = command[command.index("--drain-seconds") + 1 :] if "--drain-seconds" in command else []
    return int(following[0]) if following and str(following[0]).isdigit() else None


def _effect(role: str, drain_seconds: int | None, *, process: bool) -> str:
    if role == "worker":
        waits = (
            f"it takes no more runs and waits up to {duration(drain_seconds)} for those it has" if drain_seconds else ""
        )
        if process:
            longer = f"{waits}; what lasts longer is cut short" if waits else "its runs are cut short when it stops"
            return f"flows are its own processes: {longer}"
        return waits or "it waits for its runs, which are containers of their own"
    return _EFFECTS.get(role, "it is away until it is healthy again")


def _image(inputs: Mapping[str, Any] | None) -> str | None:
    return None if inputs is None else str(inputs.get("name"))


def _code(inputs: Mapping[str, Any] | None) -> str | None:
    """Where the code comes from, in short."""
    for step in (inputs or {}).get("pull_steps") or ():
        for kind, arguments in step.items() if isinstance(step, dict) else ():
            if kind.endswith("git_clone") and isinstance(arguments, dict):
                revision = arguments.get("commit_sha") or arguments.get("branch") or "its default branch"
                return f"{arguments.get('repository')} at {revision}"
    return "the checkout or the image" if inputs is not None else None
