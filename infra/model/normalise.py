"""From what is declared to the complete, checked `Stack`: defaults, inheritance, and the rules over several keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from infra.model import (
    alerts,
    declared,
    pools,
    remote,
    scaling,
    servers,
    shared_objects,
    swarms,
    throwaway,
    timezones,
    upkeep,
)
from infra.model.collecting import Findings
from infra.model.deployments import DeploymentContext, deployment
from infra.model.entrypoints import EntrypointError, Entrypoints
from infra.model.errors import KeyPath
from infra.model.loading import Sources
from infra.model.naming import repeated, suggestion
from infra.model.overlays import ONLY_IN, OVERLAYS
from infra.model.rules import coherence, flows, keys
from infra.model.shape import Places
from infra.model.signatures import UNSEEN, Signature
from infra.model.stack import (
    Area,
    Logging,
    Profile,
    Stack,
    Workers,
    WorkPool,
)

DRAIN_SECONDS = 600  # most flows of a data team end within ten minutes; who has longer ones says so
DEV_DRAIN_SECONDS = 30
_SETTINGS_OF_THE_STACK = frozenset({"PREFECT_API_URL", "PREFECT_API_AUTH_STRING", "PREFECT_API_KEY"})
"""A worker or run that finds a key in its environment sends that, whatever else it was given, and is refused."""


@dataclass(frozen=True)
class Identity:
    project: str
    stack: str
    root: Path


def stack(given: declared.Stack, identity: Identity, secrets: frozenset[str], places: Places, found: Findings) -> Stack:
    """The stack; meaningless if there are findings."""
    timezone = _timezone(given.timezone, found)
    logging = Logging(
        level=given.logging.level, print=given.logging.print, extra_loggers=tuple(given.logging.extra_loggers)
    )
    context = DeploymentContext(
        environment=given.environment,
        timezone=timezone,
        schedules_active=given.environment != "dev" if given.schedules_active is None else given.schedules_active,
        workers_elsewhere=given.server.api_url is not None,
        secrets=secrets,
        entrypoints=Entrypoints(identity.root),
        places=places,
        findings=found,
    )
    _unique_deployments(given, places, found)
    _own_settings(given, places, found)
    servers.workers_elsewhere(given, found)
    _code(given.code, ("code",), context)
    alerts.check(given.alerts, ("alerts",), secrets, found)
    scaling.check(given.workers, ("workers",), found)
    _defaults(given, context)
    areas = tuple(_area(name, area, given, logging, context) for name, area in given.areas.items())
    pools.check_unique(areas, found)
    host = remote.host(given, places, found)
    made = Stack(
        project=identity.project,
        stack=identity.stack,
        environment=given.environment,
        timezone=timezone,
        root=identity.root,
        server=servers.server(swarms.server(given), host, secrets, found),
        host=host,
        swarm=swarms.swarm(given, places, found),
        logging=logging,
        profiles=tuple(_profiles(given, identity, places, found)),
        janitor=upkeep.janitor(given, found),
        backup=upkeep.backup(given, found),
        areas=areas,
        variables=tuple(shared_objects.variables(given, found)),
        global_concurrency_limits=tuple(shared_objects.global_limits(given, found)),
        tag_concurrency_limits=tuple(shared_objects.tag_limits(given)),
    )
    return throwaway.harmless(made) if given.throwaway is not None else made


def known_environments(raw: dict[str, Any], sources: Sources, found: Findings) -> None:
    """An overlay for an environment that no stack is for would never count: more likely it is misspelt."""
    named = list(_named_environments(raw.get("areas")))
    named_pools = list(pools.named_pools(raw.get("areas"), raw.get("environment")))
    if not (named or named_pools) or (known := sources.environments()) is None or found.any_at("environment"):
        return
    for path, pool, environment in named_pools:
        other = pool.rpartition("-")[2]
        if other in known - {environment}:
            message = f"the pool {pool!r} is one of the environment {other!r}"
            found.add(coherence.POOL_COHERENCE, path, message, hint="leave it out: no stack has pools of another")
    for path, name, of_key in named:
        if name not in known and not found.has(path):
            message = f"no stack has the environment {name!r}"
            found.add(coherence.UNKNOWN_ENVIRONMENT, path, message, hint=suggestion(name, known), of_key=of_key)


def _named_environments(areas: object) -> Iterator[tuple[KeyPath, str, bool]]:
    for area_name, area in areas.items() if isinstance(areas, dict) else ():
        path: KeyPath = ("areas", area_name)
        listed = area.get("deployments") if isinstance(area, dict) else None
        items = enumerate(listed) if isinstance(listed, list) else ()
        for at, each in ((path, area), *(((*path, "deployments", index), item) for index, item in items)):
            overlays, only = (each.get(OVERLAYS), each.get(ONLY_IN)) if isinstance(each, dict) else (None, None)
            for name in overlays if isinstance(overlays, dict) else ():
                yield (*at, OVERLAYS, name), name, True
            for index, name in enumerate(only if isinstance(only, list) else ()):
                if isinstance(name, str):
                    yield (*at, ONLY_IN, index), name, False


def _defaults(given: declared.Stack, context: DeploymentContext) -> None:
    """A default parameter goes to the flows that take it; one that none takes is misspelt."""
    of_areas = [(("areas", name, "defaults"), area.defaults, [area]) for name, area in given.areas.items()]
    for path, defaults, areas in [(("defaults",), given.defaults, list(given.areas.values())), *of_areas]:
        signatures = [_signature(each, context) for area in areas for each in area.deployments]
        if not signatures or any(signature.takes_any for signature in signatures):
            continue
        taken = {name for signature in signatures for name in signature.names}
        for name in defaults.parameters.keys() - taken:
            where, message = (*path, "parameters", name), f"no flow of a deployment here takes {name!r}"
            context.findings.add(flows.UNUSED_DEFAULT, where, message, hint=suggestion(name, taken), of_key=True)


def _signature(given: declared.Deployment, context: DeploymentContext) -> Signature:
    try:
        return context.entrypoints.flow(given.entrypoint).signature
    except EntrypointError:
        return UNSEEN  # told where it is declared


def _code(code: declared.Code | None, path: KeyPath, context: DeploymentContext) -> None:
    if code is not None:
        context.check_code(code, path)


def _timezone(written: str, found: Findings) -> str:
    try:
        return timezones.normalise(written)
    except timezones.TimezoneError as error:
        found.add(error.rule, ("timezone",), str(error), hint=error.hint)
        return timezones.BUENOS_AIRES


def _profiles(given: declared.Stack, identity: Identity, places: Places, found: Findings) -> Iterator[Profile]:
    made: list[tuple[str, KeyPath]] = []
    active: list[KeyPath] = []
    for path, profile in places.of(("profiles",), given.profiles):
        unknown = set(re.findall(r"{(.*?)}", profile.name)) - {"project", "stack"}
        name = profile.name.replace("{project}", identity.project).replace("{stack}", identity.stack)
        if unknown or "{" in name or "}" in name:
            found.add(
                keys.MALFORMED_NAME,
                (*path, "name"),
                f"{profile.name!r} has braces other than {{project}} and {{stack}}",
            )
        made.append((name, (*path, "name")))
        if profile.activate:
            active.append((*path, "activate"))
        for setting in sorted(_SETTINGS_OF_THE_STACK & profile.settings.keys()):
            found.add(
                keys.MISPLACED_KEY,
                (*path, "settings", setting),
                f"{setting} is set by the stack itself",
                hint="leave it out",
                of_key=True,
            )
        yield Profile(name=name, activate=profile.activate, settings=profile.settings)
    for name, paths in repeated(made).items():
        for path in paths[1:]:
            found.add(coherence.REPEATED_NAME, path, f"there is another profile {name!r}", hint="give it another name")
    for path in active[1:]:
        found.add(
            coherence.ACTIVE_PROFILES, path, "another profile is activated already", hint="only one can be active"
        )


def _unique_deployments(given: declared.Stack, places: Places, found: Findings) -> None:
    named = [
        (deployment.name, (*path, "name"))
        for area_name, area in given.areas.items()
        for path, deployment in places.of(("areas", area_name, "deployments"), area.deployments)
    ]
    for name, paths in repeated(named).items():
        for path in paths[1:]:
            found.add(
                coherence.REPEATED_NAME,
                path,
                f"there is another deployment {name!r} in area {paths[0][1]}",
                hint="names are unique in a stack",
            )


def _own_settings(given: declared.Stack, places: Places, found: Findings) -> None:
    """What the stack sets itself, among the variables that somebody else declares."""
    envs: list[tuple[KeyPath, dict[str, str]]] = [(("env",), given.env)]
    for name, area in given.areas.items():
        envs.append((("areas", name, "env"), area.env))
        items = places.of(("areas", name, "deployments"), area.deployments)
        envs.extend(((*path, "env"), deployment.env) for path, deployment in items)
    for path, env in envs:
        for setting in sorted(_SETTINGS_OF_THE_STACK & env.keys()):
            message = f"{setting} is set by the stack itself: with another one, no run would reach its server"
            found.add(keys.MISPLACED_KEY, (*path, setting), message, hint="leave it out", of_key=True)


def _area(name: str, given: declared.Area, of: declared.Stack, logging: Logging, context: DeploymentContext) -> Area:
    path: KeyPath = ("areas", name)
    found = context.findings
    _code(given.code, (*path, "code"), context)
    alerts.check(given.alerts, (*path, "alerts"), context.secrets, found)
    if given.schedules_active is not None:
        context = replace(context, schedules_active=given.schedules_active)
    env = {**of.env, **given.env}
    scaling.check(given.workers, (*path, "workers"), found)
    settings = {**of.workers.model_dump(), **_drain(of), **_set(given.workers)}
    settings |= scaling.scaled(of.workers, given.workers, settings["limit"], path, found)
    workers = Workers(**settings)
    scaling.check_alerts(workers, given.alerts or of.alerts, path, found)
    area_logging = Logging(**{**logging.model_dump(), **_set(given.logging)})
    pool = WorkPool(
        name=pools.pool_name(name, given, of, found),
        type=workers.type,
        description=given.description,
        concurrency_limit=given.concurrency_limit,
        paused=given.paused,
        queues=tuple(pools.queues(given, path, found)),
    )
    queues = {*given.queues, pools.DEFAULT_QUEUE}
    inherited = given.code or of.code
    return Area(
        name=name,
        title=given.title or name.replace("_", " ").capitalize(),
        pool=pool,
        workers=workers,
        logging=area_logging,
        env=env,
        alerts=alerts.alerts(given.alerts or of.alerts, pool.name),
        deployments=tuple(
            made
            for item_path, item in context.places.of((*path, "deployments"), given.deployments)
            if (made := deployment(item, item_path, name, pool, queues, env, area_logging, inherited, context))
            is not None
        ),
    )


def _drain(of: declared.Stack) -> dict[str, int]:
    """In dev, nobody wants to wait for the end of what they are about to replace."""
    seconds = of.workers.drain_seconds
    if seconds is None:
        seconds = DEV_DRAIN_SECONDS if of.environment == "dev" else DRAIN_SECONDS
    return {"drain_seconds": seconds}


def _set(given: declared.Declared) -> dict[str, object]:
    """The fields that were written, over those that weren't. Nothing is a value only where there is no limit."""
    written = {name: getattr(given, name) for name in given.model_fields_set}
    return {name: value for name, value in written.items() if value is not None or name == "limit"}
