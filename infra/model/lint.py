"""The rules that look at a stack when it is whole: names, job variables, references, schedules that meet, secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.model import arguments, credentials, declared, descriptive
from infra.model.coincidence import Coincidences
from infra.model.collecting import Findings
from infra.model.errors import KeyPath
from infra.model.job_templates import VARIABLES
from infra.model.naming import secret_block, suggestion
from infra.model.rules import coherence, times
from infra.model.shape import Places
from infra.model.signatures import Signature
from infra.model.stack import Deployment, GitCode, Schedule, Stack

_REFERENCE = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_BLOCK = re.compile(r"prefect\.blocks\.([a-z0-9-]+)\.([a-z0-9-]+)((?:\.[\w-]+)*)")
_VARIABLE = re.compile(r"prefect\.variables\.[\w-]+")


@dataclass(frozen=True)
class _Declared:
    """A deployment as it is written and as it becomes, and where it is written."""

    path: KeyPath
    given: declared.Deployment
    made: Deployment
    pool_type: str


def check(given: declared.Stack, stack: Stack, places: Places, findings: Findings, now: datetime) -> None:
    coincidences = Coincidences(now)
    blocks = set(_own_blocks(stack))
    for area_name, area in given.areas.items():
        for name in area.queues:
            if name != "default":
                _check_meaning(name, ("areas", area_name, "queues", name), given.naming, findings, of_key=True)
        _check_references(area.env, ("areas", area_name, "env"), blocks, findings)
    for each in _deployments(given, stack, places):
        _check_name(each, given.naming, findings)
        _check_job_variables(each, findings)
        for path, values in (
            ((*each.path, "env"), each.given.env),
            ((*each.path, "work_pool", "job_variables"), each.given.work_pool.job_variables),
        ):
            _check_references(values, path, blocks, findings)
        _check_schedules(each, places, coincidences, findings)


def check_secrets(raw: Any, findings: Findings) -> None:
    hint = "revoke it, keep the new one in a Prefect Secret block, and write {{ prefect.blocks.secret.<name> }}"
    for found in credentials.plain_secrets(raw):
        findings.add_secret(found.rule, found.path, found.message, text=found.text, hint=hint, of_key=found.of_key)
    findings.add_foreign_secrets()


def _deployments(given: declared.Stack, stack: Stack, places: Places) -> Iterator[_Declared]:
    made = {(area.name, each.name): (each, area.pool.type) for area in stack.areas for each in area.deployments}
    for name, area in given.areas.items():
        for path, deployment in places.of(("areas", name, "deployments"), area.deployments):
            if found := made.get((name, deployment.name)):
                yield _Declared(path, deployment, *found)


def _check_meaning(
    name: str, path: KeyPath, naming: declared.Naming, findings: Findings, *, of_key: bool = False
) -> bool:
    if not descriptive.says_nothing(name, naming):
        return True
    message = f"the name {name!r} says nothing of what it stands for"
    findings.add(coherence.DESCRIPTIVE_NAME, path, message, hint=descriptive.EXAMPLE, of_key=of_key)
    return False


def _check_name(each: _Declared, naming: declared.Naming, findings: Findings) -> None:
    name, path = each.given.name, (*each.path, "name")
    if not _check_meaning(name, path, naming, findings) or name in naming.allowed:
        return
    if descriptive.has_few_words(name, naming):
        message = f"the name {name!r} has fewer than {naming.min_words} words that say something"
        findings.add(coherence.FEW_WORDS, path, message, hint=f"say what it does, to what: {descriptive.EXAMPLE}")
    if (kebab := descriptive.kebab(name)) not in (name, ""):
        findings.add(coherence.KEBAB_CASE, path, f"the name {name!r} is not in kebab case", hint=f"write {kebab}")


def _check_job_variables(each: _Declared, findings: Findings) -> None:
    known = VARIABLES[each.pool_type]
    path = (*each.path, "work_pool", "job_variables")
    for name, value in each.given.work_pool.job_variables.items():
        if findings.any_at(*path, name):
            continue
        if name not in known:
            others = [kind for kind, variables in VARIABLES.items() if name in variables]
            hint = f"pools of type {others[0]} have it" if others else suggestion(name, known)
            message = f"a work pool of type {each.pool_type} has no job variable {name!r}"
            findings.add(coherence.UNKNOWN_JOB_VARIABLE, (*path, name), message, hint=hint, of_key=True)
        elif not _is_filled_in_later(value):
            _check_value({name: value}, {name: known[name]}, path, findings)


def _check_value(value: dict[str, Any], schema: dict[str, Any], path: KeyPath, findings: Findings) -> None:
    template = Signature(names=tuple(schema), required=(), takes_any=False, schema={"properties": schema})
    # A variable of `env` without a value is one that the run doesn't get.
    given = {k: {a: b for a, b in v.items() if b is not None} if isinstance(v, dict) else v for k, v in value.items()}
    for misfit in arguments.misfits(given, template):
        findings.add(coherence.JOB_VARIABLE_TYPE, (*path, *misfit.path), misfit.message, hint=misfit.hint)


def _is_filled_in_later(value: object) -> bool:
    return value is None or (isinstance(value, str) and "{{" in value) or (isinstance(value, dict) and "$ref" in value)


def _check_references(value: Any, path: KeyPath, blocks: set[tuple[str, str]], findings: Findings) -> None:
    match value:
        case dict():
            for key, inner in value.items():
                _check_references(inner, (*path, key), blocks, findings)
        case list():
            for index, inner in enumerate(value):
                _check_references(inner, (*path, index), blocks, findings)
        case str():
            for written in _REFERENCE.findall(value):
                _check_reference(written, path, blocks, findings)


def _check_reference(written: str, path: KeyPath, blocks: set[tuple[str, str]], findings: Findings) -> None:
    if not written.startswith("prefect") or _VARIABLE.fullmatch(written):
        return
    block = _BLOCK.fullmatch(written)
    if block is None:
        findings.add(
            coherence.MALFORMED_REFERENCE,
            path,
            f"{written!r} is no reference that Prefect would fill in",
            hint="write {{ prefect.blocks.<type>.<name> }} or {{ prefect.variables.<name> }}",
        )
    elif (block[1], block[2]) not in blocks:
        same_type = [name for kind, name in blocks if kind == block[1]]
        close = suggestion(block[2], same_type)
        findings.add(
            coherence.UNKNOWN_BLOCK,
            path,
            f"this stack makes no block {block[2]!r} of the type {block[1]!r}",
            hint=close if close and close.startswith("did") else "make it on the server before the first run",
        )


def _own_blocks(stack: Stack) -> Iterator[tuple[str, str]]:
    for area in stack.areas:
        for deployment in area.deployments:
            if isinstance(deployment.code, GitCode) and deployment.code.access_token and deployment.pull is None:
                yield "secret", secret_block(deployment.pool_name, deployment.code.access_token.secret)


def _check_schedules(each: _Declared, places: Places, coincidences: Coincidences, findings: Findings) -> None:
    written = places.of((*each.path, "schedules"), each.given.schedules)
    whole = [
        (path, schedule)
        for (path, given), schedule in zip(written, each.made.schedules, strict=True)
        if given.active is not False and not findings.any_at(*path) and _has_rule(schedule)
    ]
    for path, schedule, other_path, other, moment in _meetings(whole, coincidences):
        same = {**each.given.parameters, **schedule.parameters} == {**each.given.parameters, **other.parameters}
        other_index = other_path[-1]
        findings.add(
            times.SAME_MINUTE if same else times.SAME_MINUTE_APART,
            path,
            f"it fires in the same minute as schedules[{other_index}] ({other.slug}), "
            f"first on {moment:%Y-%m-%d at %H:%M} ({moment.tzinfo})",
            hint="move one of them, or take it away"
            if same
            else "each run has parameters of its own; is both at once meant?",
        )


def _meetings(
    schedules: list[tuple[KeyPath, Schedule]], coincidences: Coincidences
) -> Iterable[tuple[KeyPath, Schedule, KeyPath, Schedule, datetime]]:
    """Each schedule with the first before it that it meets: three that always meet are two findings."""
    for index, (path, schedule) in enumerate(schedules):
        for other_path, other in schedules[:index]:
            if moment := coincidences.first(schedule, other):
                yield path, schedule, other_path, other, moment
                break


def _has_rule(schedule: Schedule) -> bool:
    return any(rule is not None for rule in (schedule.cron, schedule.interval, schedule.rrule))
