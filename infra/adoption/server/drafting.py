"""From a server's rows to a valid stack: what can't be said as it is, is left out with the reason.

The stack's own rules judge, not a list of what might be amiss: so whatever a server has, what is written is valid.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from infra.adoption.application import overlaid
from infra.adoption.server.deployments import deployment
from infra.adoption.server.draft import Draft, Target
from infra.adoption.server.objects import area, area_name, global_concurrency_limit, is_shared_limit, variable
from infra.adoption.server.rows import NoEqual, Row, ServerRows
from infra.adoption.server.unequal import unequal
from infra.model import NAMESPACE, Finding, Report, Stack, check_stack_file, credentials

_PLACE: Final = re.compile(rf"{NAMESPACE}:areas\.(?P<area>[a-z0-9_]+)(?:\.deployments\[(?P<index>\d+)\])?")
_SHARED: Final = ("variables", "global_concurrency_limits", "tag_concurrency_limits")
_LONGEST: Final = 60


def drafted(rows: ServerRows, target: Target) -> tuple[Draft, Stack]:
    """The files that declare all that can be declared of the server, and the stack that they come to.

    Raises:
        StackErrors: The stack would not be valid, and nothing of the server is at fault.

    """
    draft = Draft(target, rows)
    _add_areas(draft)
    _add_deployments(draft)
    draft.shared = {
        "variables": {row["name"]: variable(row) for row in rows.variables},
        "global_concurrency_limits": {
            row["name"]: global_concurrency_limit(row) for row in rows.global_limits if is_shared_limit(row)
        },
        "tag_concurrency_limits": {row["tag"]: row["concurrency_limit"] for row in rows.tag_limits},
    }
    for row in rows.without_deployment():
        draft.tell(f"automation {row['name']}", "left out", "automations are not declared in stack files")
    return draft, _valid(draft)


def _add_areas(draft: Draft) -> None:
    target = draft.target
    for row in draft.rows.pools:
        where, pool = f"work pool {row['name']}", str(row["name"])
        name = target.areas.get(pool) or area_name(pool, target.environment)
        if name in draft.areas:
            draft.tell(where, "left out", f"there is an area {name!r} already: name another by --area '{pool}=…'")
            continue
        try:
            draft.areas[name] = area(row, draft.rows.queues.get(pool, ()), name, target.environment)
        except NoEqual as reason:
            draft.tell(where, "left out", str(reason))
            continue
        if row.get("base_job_template"):
            draft.tell(where, "note", "its job template stays the server's, and is not declared")
        if "work_pool_name" in draft.areas[name]:
            draft.tell(where, "note", f"it is the pool of the area {name!r}; PI219 is turned down for it")


def _add_deployments(draft: Draft) -> None:
    by_pool = {
        keys.get("work_pool_name", f"{name}-{draft.target.environment}"): name for name, keys in draft.areas.items()
    }
    names: dict[str, str] = {}
    for row in sorted(draft.rows.deployments, key=lambda each: (each["name"], draft.where(each))):
        pool, name = row.get("work_pool_name"), row["name"]
        if (reason := _has_no_place(pool, by_pool, names.get(name))) is not None:
            draft.tell(draft.where(row), "left out", reason)
            continue
        try:
            automations = draft.rows.automations_of(row["id"])
            made, remarks = deployment(row, draft.rows.flow_names[row["flow_id"]], automations, draft.target.around)
        except NoEqual as no:
            draft.tell(draft.where(row), "left out", str(no))
            continue
        names[name] = draft.where(row)
        draft.deployments.setdefault(by_pool[str(pool)], []).append((row, made))
        draft.remarks |= dict.fromkeys(remarks)


def _has_no_place(pool: str | None, by_pool: Collection[str], other: str | None) -> str | None:
    if pool is None:
        return "it has no work pool: a process that serves it runs it"
    if pool not in by_pool:
        return f"its work pool {pool!r} is left out"
    if other is not None:
        return f"there is the {other} already: names are unique in a stack, and Prefect can't rename one"
    return None


def _valid(draft: Draft) -> Stack:
    """Leave out what the rules refuse, and what would be changed, until neither is left."""
    while True:
        report = _checked(draft)
        if report.stack is None:
            if not _without(draft, report.errors):
                report.stack_or_raise()
            continue
        differences = _differences(draft, report.stack)
        for name, index, row, told in differences:
            if draft.target.around.with_changes:
                for text in told:
                    draft.tell(draft.where(row), "differs", text)
            else:
                draft.drop("deployment", name, index, "; ".join(told))
        if draft.target.around.with_changes or not differences:
            return report.stack


def _checked(draft: Draft) -> Report:
    texts = draft.texts()
    if draft.target.auth:  # Pulumi writes the secret once it is set: see there
        texts[draft.target.file] += f"  {NAMESPACE}:auth_string: {{secure: v1:set-later}}\n"
    with overlaid(draft.target.root, texts) as copy:
        return check_stack_file(copy, draft.target.stack)


def _without(draft: Draft, errors: Iterable[Finding]) -> bool:
    """Leave out what they are about; whether it was anything."""
    reasons: dict[tuple[str, str, int], list[str]] = {}
    for each in errors:
        for kind, name, index, reason in _places(draft, each):
            reasons.setdefault((kind, name, index), []).append(reason)
    for (kind, name, index), told in sorted(reasons.items(), key=lambda each: (*each[0][:2], -each[0][2])):
        draft.drop(kind, name, index, "; ".join(told))
    return bool(reasons)


def _places(draft: Draft, finding: Finding) -> Iterator[tuple[str, str, int, str]]:
    """What to leave out for a finding: a deployment, a queue, an area or a shared object."""
    reason = f"{finding.rule.code}: {finding.message}"
    if found := _PLACE.match(finding.path):
        name = found["area"]
        if found["index"] is not None and name in draft.areas:
            yield "deployment", name, int(found["index"]), reason
        elif name in draft.areas:
            queues, within = draft.areas[name].get("queues", ()), f"{NAMESPACE}:areas.{name}.queues"
            queue = next((each for each in _by_length(queues) if _is_at(finding.path, f"{within}.{each}")), None)
            yield ("queue", f"{name}.{queue}", 0, reason) if queue else ("area", name, 0, reason)
        return
    for key in _SHARED:
        for name in _by_length(draft.shared.get(key, ())):
            if _is_at(finding.path, f"{NAMESPACE}:{key}.{name}"):
                yield key, name, 0, reason
                return


def _by_length(names: Iterable[str]) -> list[str]:
    return sorted(names, key=len, reverse=True)


def _is_at(path: str, place: str) -> bool:
    return path == place or path.startswith((f"{place}.", f"{place}["))


def _differences(draft: Draft, stack: Stack) -> list[tuple[str, int, Row, list[str]]]:
    """From the last to the first of each area, so that their places hold while they go."""
    made = {(each.name, one.name): one for each in stack.areas for one in each.deployments}
    found = []
    for name, listed in draft.deployments.items():
        for index, (row, keys) in reversed(list(enumerate(listed))):
            pairs = unequal(made[name, keys["name"]], row, draft.rows.flow_names[row["flow_id"]])
            if told := [_told(*each) for each in pairs]:
                found.append((name, index, row, told))
    return found


def _told(key: str, theirs: object, ours: object) -> str:
    """Values only where they are short and no credential: those below `job_variables` may be anything."""
    texts = [repr(value) for value in (theirs, ours) if value is None or isinstance(value, (str, int, bool))]
    if len(texts) == len((theirs, ours)) and max(map(len, texts)) <= _LONGEST:
        return credentials.masked(f"{key} would change from {texts[0]} to {texts[1]}")
    return f"{key} would change"
