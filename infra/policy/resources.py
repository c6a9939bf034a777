"""What is wrong with one resource, by the same rules that stack files are held against. Nothing of Pulumi here.

A value that a preview doesn't know yet is None.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Final, NamedTuple, TypeAlias

from infra.model import credentials, cron, descriptive, timezones
from infra.model.declared import Naming
from infra.model.rules import Rule, coherence, containers

WORK_POOL: Final = "prefect:index:WorkPool"
DEPLOYMENT: Final = "prefect:index:Deployment"
VARIABLE: Final = "prefect:index:Variable"
CONTAINER: Final = "docker:index/container:Container"
SERVICE: Final = "prefect:index:SwarmService"
_ENGINE_SOCKET: Final = "/var/run/docker.sock"
_MAY_HOLD_IT: Final = "socket-proxy"
_ASKED_FOR: Final = frozenset({"/etc/prefect/server-profile.toml", "/run/secrets/tls.pem"})
"""A server's credentials, or a proxy's certificate: before a server that has credentials, which rule PI209 sees to."""

Properties: TypeAlias = Mapping[str, Any]


class Violation(NamedTuple):
    rule: Rule
    message: str


def of_work_pool(props: Properties) -> Iterator[Violation]:
    name = props.get("name")
    if isinstance(name, str) and name.lower().startswith("prefect"):
        yield Violation(coherence.RESERVED_NAME, f"the pool {name!r} begins with 'prefect'")
    yield from _plain_secrets(props, "job_defaults", "job_configuration")


def of_deployment(props: Properties) -> Iterator[Violation]:
    name = props.get("name")
    if isinstance(name, str):
        if descriptive.says_nothing(name, Naming()):
            yield Violation(coherence.DESCRIPTIVE_NAME, f"the name {name!r} says nothing of what it stands for")
        elif descriptive.has_few_words(name, Naming()):
            yield Violation(coherence.FEW_WORDS, f"the name {name!r} has fewer than {Naming().min_words} words")
    for schedule in props.get("schedules") or ():
        if isinstance(schedule, Mapping):
            yield from _of_schedule(schedule)
    yield from _plain_secrets(props, "job_variables", "parameters")


def of_variable(props: Properties) -> Iterator[Violation]:
    yield from _plain_secrets(props, "value")


def of_container(props: Properties) -> Iterator[Violation]:
    yield from _of_user(props.get("user"))
    dropped = (props.get("capabilities") or {}).get("drops") or ()
    options = props.get("securityOpts") or ()
    if props.get("privileged") or "ALL" not in dropped or not any("no-new-privileges" in each for each in options):
        yield Violation(containers.PRIVILEGES, "it is privileged, keeps capabilities, or may gain new privileges")
    if not props.get("memory"):
        yield Violation(containers.NO_LIMITS, "it has no limit of memory")
    files = {each.get("file") for each in props.get("uploads") or ()}
    for port in props.get("ports") or ():
        if not _is_loopback(port.get("ip")) and not _ASKED_FOR & files:
            yield Violation(containers.OPEN_PORT, f"port {port.get('internal'):g} is published on {port.get('ip')}")
    labels = {each.get("label"): each.get("value") for each in props.get("labels") or ()}
    if labels.get("prefect-infra.role") != _MAY_HOLD_IT:
        held = [each for each in props.get("mounts") or () if each.get("source") == _ENGINE_SOCKET]
        held += [each for each in props.get("volumes") or () if each.get("hostPath") == _ENGINE_SOCKET]
        if held:
            yield Violation(containers.ENGINE_SOCKET, f"it has the engine's socket {_ENGINE_SOCKET}")
    pairs = (each.partition("=") for each in props.get("envs") or () if isinstance(each, str))
    yield from _plain_secrets({"envs": {key: value for key, _, value in pairs}}, "envs")


def of_service(props: Properties) -> Iterator[Violation]:
    """As Compose says it. No new privileges is a setting of the nodes, and rule PI209 sees to the port."""
    service = props.get("service") or {}
    yield from _of_user(service.get("user"))
    if "ALL" not in (service.get("cap_drop") or ()) or service.get("cap_add"):
        yield Violation(containers.PRIVILEGES, "it keeps capabilities")
    limits = ((service.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    if not limits.get("memory"):
        yield Violation(containers.NO_LIMITS, "it has no limit of memory")
    mounts = service.get("volumes") or ()
    held = any(isinstance(each, Mapping) and each.get("source") == _ENGINE_SOCKET for each in mounts)
    if held and (service.get("labels") or {}).get("prefect-infra.role") != _MAY_HOLD_IT:
        yield Violation(containers.ENGINE_SOCKET, f"it has the engine's socket {_ENGINE_SOCKET}")
    yield from _plain_secrets(service, "environment")


def _of_user(user: object) -> Iterator[Violation]:
    if str(user or "").partition(":")[0] in ("", "0", "root"):
        yield Violation(containers.ROOT_USER, f"its user is {user!r}" if user else "it has no user of its own")


_COHERENT: Final = re.compile(r"[a-z][a-z0-9_]*-[a-z][a-z0-9]*")
OF_TYPE: Final[Mapping[str, Callable[[Properties], Iterator[Violation]]]] = {
    WORK_POOL: of_work_pool,
    DEPLOYMENT: of_deployment,
    VARIABLE: of_variable,
    CONTAINER: of_container,
    SERVICE: of_service,
}


def of_stack(resources: Sequence[tuple[str, str, Properties]]) -> Iterator[tuple[str, Violation]]:
    """What is wrong among a stack's resources, each (urn, type, properties); by the urn of the one to mend."""
    pools = {props.get("name"): urn for urn, kind, props in resources if kind == WORK_POOL}
    for urn, kind, props in resources:
        pool = props.get("work_pool_name")
        if kind == DEPLOYMENT and isinstance(pool, str) and pool not in pools:
            told = f"the pool {pool!r} is none of this stack's: {', '.join(sorted(filter(None, pools)))}"
            yield urn, Violation(coherence.POOL_COHERENCE, told)
    # A pool that was there before may have any name, and no environment in it.
    named = {name: urn for name, urn in pools.items() if isinstance(name, str) and _COHERENT.fullmatch(name)}
    for one, other in combinations(sorted(named), 2):
        environments = one.rpartition("-")[2], other.rpartition("-")[2]
        if environments[0] != environments[1]:
            told = f"the pools {one!r} and {other!r} are of different environments"
            yield named[other], Violation(coherence.POOL_COHERENCE, told)
            return


def _of_schedule(schedule: Properties) -> Iterator[Violation]:
    zone = schedule.get("timezone")
    try:
        if isinstance(zone, str):
            timezones.normalise(zone)
        if isinstance(expression := schedule.get("cron"), str):
            cron.parse(expression, day_or=schedule.get("day_or") is not False)
    except (timezones.TimezoneError, cron.CronError) as error:
        yield Violation(error.rule, f"the schedule {schedule.get('slug')!r}: {error}")


def _plain_secrets(props: Properties, *keys: str) -> Iterator[Violation]:
    for found in credentials.plain_secrets({key: props.get(key) for key in keys}):
        where = ".".join(str(part) for part in found.path) if not found.of_key else str(found.path[0])
        yield Violation(found.rule, f"{found.kind} stands in plain in {credentials.masked(where)}")


def _is_loopback(address: object) -> bool:
    if address is None:  # the engine's default: all addresses
        return False
    try:
        return ipaddress.ip_address(str(address)).is_loopback
    except ValueError:
        return False
