"""A deployment made complete: its flow found, its parameters fitted, its schedules and job variables settled."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.model import arguments, declared, recurrence, rrules, timezones, triggers
from infra.model.collecting import Findings
from infra.model.entrypoints import EntrypointError, Entrypoints, Flow, split
from infra.model.errors import KeyPath
from infra.model.naming import forbidden_characters, repeated, suggestion
from infra.model.rules import coherence, flows, keys, times
from infra.model.shape import Places
from infra.model.signatures import UNSEEN
from infra.model.stack import CheckoutCode, Code, Deployment, GitCode, ImageCode, Logging, Schedule, SecretRef, WorkPool

_KINDS = ("cron", "interval", "rrule")


@dataclass(frozen=True)
class DeploymentContext:
    """What all deployments of a stack have in common."""

    environment: str
    timezone: str
    schedules_active: bool
    workers_elsewhere: bool
    secrets: frozenset[str]
    entrypoints: Entrypoints
    places: Places
    findings: Findings

    def check_code(self, code: declared.Code, path: KeyPath) -> None:
        add = self.findings.add
        if code.location != "git":
            for name in sorted(code.model_fields_set - {"location"}):
                if getattr(code, name) is not None:
                    add(
                        keys.MISPLACED_KEY,
                        (*path, name),
                        f"{name!r} goes with location: git, not {code.location}",
                        hint="leave it out",
                        of_key=True,
                    )
            return
        if code.repository is None and not self.findings.any_at(*path, "repository"):
            add(keys.MISSING_KEY, path, "'repository' is missing", hint="location: git needs the repository's URL")
        if code.branch is not None and code.commit_sha is not None:
            add(
                keys.CONFLICTING_KEYS,
                (*path, "branch"),
                "'branch' and 'commit_sha' exclude each other",
                hint="keep one of them",
                of_key=True,
            )
        if code.access_token is not None and code.access_token.secret not in self.secrets:
            name = code.access_token.secret
            close = suggestion(name, self.secrets)
            add(
                coherence.UNKNOWN_SECRET,
                (*path, "access_token", "secret"),
                f"the stack has no secret {name!r}",
                hint=close if close and close.startswith("did") else f"pulumi config set --secret prefect-infra:{name}",
            )


def deployment(
    given: declared.Deployment,
    path: KeyPath,
    area: str,
    pool: WorkPool,
    queues: Collection[str],
    area_env: Mapping[str, str],
    area_logging: Logging,
    area_code: declared.Code,
    context: DeploymentContext,
) -> Deployment | None:
    found = context.findings
    if wrong := forbidden_characters(given.name):
        found.add(
            coherence.FORBIDDEN_CHARACTER,
            (*path, "name"),
            f"the name {given.name!r} has {wrong!r}, which Prefect refuses",
        )
    if given.code is not None:
        context.check_code(given.code, (*path, "code"))
    code = _code(given.code or area_code)
    _check_pull(given, path, code, context)
    flow, on_trust = _flow(given, path, code, context)
    given = _with_fitting_defaults(given, path, flow, found)
    _check_route(given, path, pool.name, queues, context)
    schedules = tuple(_schedules(given, path, context))
    _check_parameters(given, path, flow, schedules, context)
    limit = given.concurrency_limit
    return Deployment(
        name=given.name,
        area=area,
        pool_name=pool.name,
        flow_name=flow.name if flow else "unknown",
        entrypoint=given.entrypoint,
        description=(flow.description if flow and given.description is None else given.description) or None,
        tags=tuple(dict.fromkeys(given.tags)),
        parameters=given.parameters,
        parameter_schema=(flow.signature if flow else UNSEEN).schema,
        enforce_parameter_schema=given.enforce_parameter_schema,
        paused=given.paused,
        concurrency_limit=limit.limit if limit else None,
        collision_strategy=limit.collision_strategy if limit else None,
        grace_period_seconds=limit.grace_period_seconds if limit else None,
        work_queue_name=given.work_pool.work_queue_name or "default",
        job_variables=_job_variables(given, area_env, area_logging),
        schedules=schedules,
        triggers=tuple(triggers.made(given.triggers, (*path, "triggers"), context.places, found)),
        version=given.version,
        code=code,
        pull=tuple(given.pull) if given.pull is not None else None,
        on_trust=on_trust,
    )


def _with_fitting_defaults(
    given: declared.Deployment, path: KeyPath, flow: Flow | None, found: Findings
) -> declared.Deployment:
    """A parameter that only the defaults give goes to a flow that takes it."""
    if flow is None or flow.signature.takes_any:
        return given
    parameters = {
        name: value
        for name, value in given.parameters.items()
        if name in flow.signature.names or "defaults" not in found.written((*path, "parameters", name))[:3]
    }
    return given if len(parameters) == len(given.parameters) else given.model_copy(update={"parameters": parameters})


def _code(given: declared.Code) -> Code:
    match given.location:
        case "checkout":
            return CheckoutCode()
        case "image":
            return ImageCode()
    return GitCode(
        repository=given.repository or "",
        branch=given.branch,
        commit_sha=given.commit_sha,
        access_token=SecretRef(secret=given.access_token.secret) if given.access_token else None,
    )


def _check_pull(given: declared.Deployment, path: KeyPath, code: Code, context: DeploymentContext) -> None:
    found = context.findings
    if given.pull is None:
        if context.workers_elsewhere and not isinstance(code, GitCode):
            found.add(
                coherence.CODE_OF_OTHERS,
                path,
                f"the server's workers are elsewhere, where there is no {code.location} of this project",
                hint="write code: {location: git, repository: …}, or `pull`",
            )
        return
    if given.code is not None:
        found.add(
            keys.CONFLICTING_KEYS,
            (*path, "pull"),
            "'code' and 'pull' exclude each other",
            hint="keep one of them",
            of_key=True,
        )
    if (place := arguments.not_json({"pull": given.pull})) is not None:
        found.add(keys.NOT_JSON, (*path, *place), "not a finite number")


def _flow(
    given: declared.Deployment, path: KeyPath, code: Code, context: DeploymentContext
) -> tuple[Flow | None, bool]:
    """The flow, and whether it is taken on trust."""
    try:
        flow = context.entrypoints.flow(given.entrypoint)
    except EntrypointError as error:
        if error.file_is_missing and (isinstance(code, GitCode) or given.pull is not None):
            # In another repository: taken on trust, under the name that Prefect gives a flow without one.
            function = split(given.entrypoint)[1].rpartition(".")[2]
            return Flow(name=given.flow_name or function.replace("_", "-"), description=None, signature=UNSEEN), True
        context.findings.add(flows.BAD_ENTRYPOINT, (*path, "entrypoint"), str(error), hint=error.hint)
        return None, False
    if given.flow_name not in (None, flow.name):
        context.findings.add(
            coherence.FLOW_NAME,
            (*path, "flow_name"),
            f"the flow is called {flow.name!r}: its file, which is here, says so",
            hint="leave flow_name out",
        )
    return flow, False


def _check_route(
    given: declared.Deployment, path: KeyPath, pool_name: str, queues: Collection[str], context: DeploymentContext
) -> None:
    found, route = context.findings, given.work_pool
    route_path = (*path, "work_pool")
    if route.name is not None and route.name != pool_name and not found.any_at("environment"):
        found.add(
            coherence.POOL_COHERENCE,
            (*route_path, "name"),
            f"the pool is {route.name!r}: in this area and environment it can only be {pool_name!r}",
            hint="leave the name out, or move the deployment to the area whose pool it needs",
        )
    queue = route.work_queue_name
    if queue is not None and queue not in queues and not found.any_at(*path[:2], "queues"):
        found.add(
            coherence.UNKNOWN_QUEUE,
            (*route_path, "work_queue_name"),
            f"the area has no queue {queue!r}",
            hint=suggestion(queue, queues),
        )
    if (place := arguments.not_json(route.job_variables)) is not None:
        found.add(keys.NOT_JSON, (*route_path, "job_variables", *place), "not a finite number")
    if not isinstance(route.job_variables.get("env"), (dict, type(None))):
        found.add(keys.WRONG_TYPE, (*route_path, "job_variables", "env"), "'env' must be a mapping (NAME: value)")


def _check_parameters(
    given: declared.Deployment,
    path: KeyPath,
    flow: Flow | None,
    schedules: tuple[Schedule, ...],
    context: DeploymentContext,
) -> None:
    if flow is None:
        return
    found = context.findings
    written = list(context.places.of((*path, "schedules"), given.schedules))
    for where, parameters in [
        ((*path, "parameters"), given.parameters),
        *(((*item_path, "parameters"), item.parameters) for item_path, item in written),
    ]:
        if (place := arguments.not_json(parameters)) is not None:
            found.add(keys.NOT_JSON, (*where, *place), "not a finite number", hint="JSON has no form for it")
        for misfit in arguments.misfits(parameters, flow.signature):
            if found.has((*where, *misfit.path)):
                continue
            found.add(
                flows.UNKNOWN_PARAMETER if misfit.of_key else flows.PARAMETER_TYPE,
                (*where, *misfit.path),
                misfit.message,
                hint=misfit.hint,
                of_key=misfit.of_key,
            )
    if found.any_at(*path, "parameters"):
        return
    for (item_path, item), schedule in zip(written, schedules, strict=True):
        missing = [name for name in flow.signature.required if name not in {**given.parameters, **item.parameters}]
        if missing and schedule.active and not found.any_at(*item_path, "parameters"):
            found.add(
                flows.MISSING_PARAMETER,
                item_path,
                f"the schedule would start runs without {', '.join(map(repr, missing))}, which the flow requires",
                hint="give it in `parameters`, or write active: false",
            )


def _schedules(given: declared.Deployment, path: KeyPath, context: DeploymentContext) -> Iterator[Schedule]:
    made: list[tuple[str, KeyPath]] = []
    active = context.schedules_active if given.schedules_active is None else given.schedules_active
    for item_path, item in context.places.of((*path, "schedules"), given.schedules):
        schedule = _schedule(item, item_path, active, context)
        made.append((schedule.slug, item_path))
        yield schedule
    for slug, paths in repeated(made).items():
        for item_path in paths[1:]:
            if not any(context.findings.any_at(*each) for each in paths):
                context.findings.add(
                    times.REPEATED_SLUG,
                    item_path,
                    f"another schedule of this deployment has the slug {slug!r}",
                    hint="give it one of its own: slug: …",
                )


def _schedule(given: declared.Schedule, path: KeyPath, schedules_active: bool, context: DeploymentContext) -> Schedule:
    found = context.findings
    timezone = context.timezone
    if given.timezone is not None:
        try:
            timezone = timezones.normalise(given.timezone)
        except timezones.TimezoneError as error:
            found.add(error.rule, (*path, "timezone"), str(error), hint=error.hint)
    rule: dict[str, Any] = {}
    kinds = [kind for kind in _KINDS if getattr(given, kind) is not None]
    if len(kinds) == 1:
        rule = _rule(kinds[0], given, path, timezone, found)
    elif not any(found.any_at(*path, kind) for kind in _KINDS):
        got = f"it has {' and '.join(kinds)}" if kinds else "it has none"
        found.add(times.ONE_KIND, path, f"a schedule has one of cron, interval and rrule: {got}")
    return Schedule(
        slug=given.slug or (recurrence.slug(**{kinds[0]: rule[kinds[0]]}) if rule else "unknown"),
        timezone=timezone,
        active=schedules_active if given.active is None else given.active,
        parameters=given.parameters,
        **rule,
    )


def _rule(kind: str, given: declared.Schedule, path: KeyPath, timezone: str, found: Findings) -> dict[str, Any]:
    """The fields of the one kind it is; none if they can't be used."""
    for name, owner in (("day_or", "cron"), ("anchor_date", "interval")):
        if kind != owner and getattr(given, name) is not None:
            found.add(
                keys.MISPLACED_KEY,
                (*path, name),
                f"{name!r} goes with {owner}, not with {kind}",
                hint="leave it out",
                of_key=True,
            )
    at = (*path, kind)
    try:
        if given.cron is not None:
            day_or = given.day_or is not False
            return {"cron": recurrence.cron_expression(given.cron, day_or=day_or), "day_or": day_or}
        if given.rrule is not None:
            return {"rrule": rrules.normal(given.rrule)}
        seconds = recurrence.interval_seconds(given.interval)
        at = (*path, "anchor_date")
        return {"interval": seconds, "anchor_date": recurrence.anchor(given.anchor_date, timezone)}
    except recurrence.ScheduleError as error:
        if not found.has(at):
            found.add(error.rule, at, str(error), hint=error.hint)
        return {}


def _job_variables(given: declared.Deployment, area_env: Mapping[str, str], area: Logging) -> dict[str, Any]:
    """The more particular wins: the area's env, the deployment's logging, its env, its job variables."""
    env: dict[str, Any] = dict(area_env)
    logging = given.logging
    if logging.level is not None and logging.level != area.level:
        env["PREFECT_LOGGING_LEVEL"] = logging.level
    if logging.print is not None and logging.print != area.print:
        env["PREFECT_LOGGING_LOG_PRINTS"] = str(logging.print).lower()
    explicit = dict(given.work_pool.job_variables)
    explicit_env = explicit.pop("env", None)
    env |= given.env | (explicit_env if isinstance(explicit_env, dict) else {})
    variables: dict[str, Any] = {"env": env} if env else {}
    if given.command is not None:
        variables["command"] = given.command
    return variables | explicit
