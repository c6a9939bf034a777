"""Services of a swarm, over the docker command: put there, and waited for until they are what was asked for.

`docker stack deploy` rather than `docker service create`: it takes a service as a whole, in Compose's well-known
words, and makes or changes it, whichever there is to do. Names are `<namespace>_<name>`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from infra.provider.docker_command import docker, last_words
from infra.provider.errors import NotFound, ProviderError

SPEC_LABEL: Final = "prefect-infra.spec"
"""On each task, what it was made of: whether it is one of the former ones."""
COMPOSE_VERSION: Final = "3.9"
LAST_LINES: Final = 15
POLL_SECONDS: Final = 1.0
HOPELESS: Final = 4
"""So many tasks of a new service that ended in failure, and none at work: more time won't help."""
GONE_SECONDS: Final = 120
"""For tasks to go, beyond the time that they have to end what they are at."""
ONCE: Final = "none"
"""The restart condition of what is to be done once. Not a job: the tasks of one that is removed, and their containers
on the nodes, stay for good (docker 20.10, read and run).
"""
_ENDED_BADLY: Final = frozenset({"failed", "rejected", "orphaned"})


@dataclass(frozen=True)
class Task:
    id: str
    state: str
    wanted: str
    node: str
    spec: str
    error: str

    @property
    def failed(self) -> bool:
        return self.state in _ENDED_BADLY

    @property
    def at_work(self) -> bool:
        return self.wanted == self.state == "running"


async def deploy(namespace: str, name: str, service: Mapping[str, Any], beside: Mapping[str, Any]) -> str:
    """Make the service so, or change it. Returns the mark that its tasks have."""
    mark = hashlib.sha256(json.dumps([service, beside], sort_keys=True).encode()).hexdigest()[:16]
    marked = {**service, "labels": {**service.get("labels", {}), SPEC_LABEL: mark}}
    document = {"version": COMPOSE_VERSION, "services": {name: marked}, **beside}
    given = json.dumps(_literal(document))
    # Nodes get at the registry with the credentials of whoever runs this; images are named by digest already.
    options = ("--with-registry-auth", "--resolve-image", "never", "--compose-file", "-")
    await docker("stack", "deploy", *options, namespace, given=given)
    return mark


async def converged(service: str, mark: str, seconds: int, *, new: bool) -> None:
    """Wait until all tasks are of that mark and healthy, or have done what they are to do once.

    Raises:
        ProviderError: it can't become so, or didn't in time, or the swarm went back to what was before; the text has
            the last words of a task.

    """
    try:
        async with asyncio.timeout(seconds):
            while not await _is_converged(service, mark, new=new):  # noqa: ASYNC110  # the swarm tells nobody by itself
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as late:
        raise ProviderError(await _told(service, mark, f"not as it should be after {seconds} s")) from late


async def inspected(service: str) -> dict[str, Any]:
    """Raises: NotFound."""
    (found,) = json.loads(await docker("service", "inspect", service))
    answer: dict[str, Any] = found
    return answer


def fingerprint(found: Mapping[str, Any]) -> str:
    """Of all that was asked for; another one once somebody changes the service by hand."""
    return hashlib.sha256(json.dumps(found["Spec"], sort_keys=True).encode()).hexdigest()[:16]


async def remove(service: str) -> None:
    """Until its last task is gone: networks, volumes and secrets are free then. Gone already is success."""
    try:
        found = await inspected(service)
        seconds = _grace(found) + GONE_SECONDS
        ids = (await docker("service", "ps", "--quiet", "--no-trunc", service)).split()
        await docker("service", "rm", service)
    except NotFound:
        return
    try:
        async with asyncio.timeout(seconds):
            while ids := await _still_there(ids) or await _wanted(found["ID"]):  # noqa: ASYNC110  # likewise
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as late:
        raise ProviderError(f"{service}: {len(ids)} of its tasks are still there after {seconds} s") from late


def _grace(found: Mapping[str, Any]) -> int:
    """How long a task has from being told to stop to being killed."""
    nanoseconds = found["Spec"]["TaskTemplate"]["ContainerSpec"].get("StopGracePeriod") or 0
    return int(nanoseconds // 10**9)


async def _still_there(ids: Sequence[str]) -> list[str]:
    """Of tasks of a service that is gone. A lost node's stay in the list for a day."""
    lost, left = await _lost_nodes() if ids else frozenset(), []
    for each in ids:
        try:
            node = await docker("inspect", "--type", "task", "--format", "{{.NodeID}}", each)
        except NotFound:
            continue
        if node not in lost:
            left.append(each)
    return left


async def _wanted(service_id: str) -> list[str]:
    """Tasks of a service that is gone which the swarm has not told to go yet: one that it made at the last moment, and
    all of them as long as it is busy. A network counts as in use for as long (`removeNetwork` of swarmkit, read).
    """
    nodes = (await docker("node", "ls", "--quiet")).split()
    running = ("--no-resolve", "--no-trunc", "--filter", "desired-state=running")
    lines = (await docker("node", "ps", *running, "--format", "{{.ID}} {{.Name}}", *nodes)).splitlines()
    return [line.split()[0] for line in lines if f" {service_id}." in line]


async def _lost_nodes() -> frozenset[str]:
    lines = (await docker("node", "ls", "--format", "{{.ID}} {{.Status}}")).splitlines()
    return frozenset(line.split()[0] for line in lines if line.endswith(" Down"))


async def takes_tasks(node: str) -> bool:
    """Whether a node of that host name is there, and not drained."""
    lines = (await docker("node", "ls", "--format", "{{.Hostname}} {{.Status}} {{.Availability}}")).splitlines()
    return f"{node} Ready Active" in lines


async def tasks(service: str) -> list[Task]:
    """Newest first."""
    ids = (await docker("service", "ps", "--quiet", "--no-trunc", service)).split()
    try:
        listed = json.loads(await docker("inspect", "--type", "task", *ids)) if ids else []
    except NotFound:  # the swarm forgets old ones at any moment
        return await tasks(service)
    listed.sort(key=lambda task: task["CreatedAt"], reverse=True)
    return [
        Task(
            id=task["ID"],
            state=task["Status"]["State"],
            wanted=task["DesiredState"],
            node=task.get("NodeID", ""),
            spec=(task["Spec"]["ContainerSpec"].get("Labels") or {}).get(SPEC_LABEL, ""),
            error=task["Status"].get("Err", ""),
        )
        for task in listed
    ]


async def _is_converged(service: str, mark: str, *, new: bool) -> bool:
    lost = await _lost_nodes()
    about, every = await inspected(service), await tasks(service)
    listed = [task for task in every if task.node not in lost]
    mine = [task for task in listed if task.spec == mark]
    failed = [task for task in mine if task.failed]
    mode = about["Spec"]["Mode"]
    if (about["Spec"]["TaskTemplate"].get("RestartPolicy") or {}).get("Condition") == ONCE:
        if failed:
            raise ProviderError(await _told(service, mark, "it failed"))
        if not mine and any(task.spec == mark for task in every):
            raise ProviderError(f"{service}: its node was lost before it was done")
        return bool(mine) and all(task.state == "complete" for task in mine)
    status = (about.get("UpdateStatus") or {}).get("State", "completed")
    if status in {"rollback_completed", "rollback_paused", "paused"}:
        what = {"rollback_completed": "the swarm went back to what was before"}.get(status, f"its update is {status}")
        raise ProviderError(await _told(service, mark, what))
    at_work = [task for task in mine if task.at_work]
    if new and len(failed) >= HOPELESS and not at_work:
        raise ProviderError(await _told(service, mark, f"its first {len(failed)} tasks ended badly"))
    wanted = [task for task in listed if task.wanted == "running"]
    expected = mode["Replicated"]["Replicas"] if "Replicated" in mode else max(1, len(wanted))
    return status == "completed" and len(at_work) == len(wanted) == expected


async def _told(service: str, mark: str, what: str) -> str:
    """With what is known of the task that tells most: one that failed, else the newest."""
    mine = [task for task in await tasks(service) if task.spec == mark]
    told = next((task for task in mine if task.failed), mine[0] if mine else None)
    if told is None:
        return f"{service}: {what}. No node fits: `docker service ps --no-trunc {service}`"
    try:
        said = await docker("service", "logs", "--raw", "--tail", str(LAST_LINES), told.id, errors_too=True)
    except ProviderError:
        said = ""
    error = f": {told.error}" if told.error else ""
    words = f" Its last words:\n{last_words(said)}" if said else ""
    return f"{service}: {what}. A task is {told.state}{error}.{words}"


def _literal(value: Any) -> Any:
    """Compose would take $ for the beginning of a variable."""
    match value:
        case Mapping():
            return {key: _literal(each) for key, each in value.items()}
        case str():
            return value.replace("$", "$$")
        case Sequence():
            return [_literal(each) for each in value]
        case _:
            return value
