"""What was edited on the server, in the words of stack files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from infra.adoption.ui_edits.edits import REMOVED, Edit, Left, Unsaid
from infra.adoption.ui_edits.job_variables import job_variables
from infra.adoption.ui_edits.moves import moved, moves
from infra.adoption.ui_edits.schedules import schedules
from infra.drift import ABSENT, Difference, Observed
from infra.drift.differences import at
from infra.drift.observation import is_secret
from infra.model import Deployment, Stack, credentials
from infra.model.errors import KeyPath

_POOL: Final[Mapping[str, str]] = {
    "description": "description",
    "concurrency_limit": "concurrency_limit",
    "is_paused": "paused",
}
_QUEUE: Final[Mapping[str, str]] = {**_POOL, "priority": "priority"}
_PLAIN: Final[Mapping[str, str]] = {
    key: key for key in ("enforce_parameter_schema", "entrypoint", "version", "paused", "tags")
}
_UNSAID: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("job_defaults", "job_configuration", "base_job_template"),
        "the job template follows from the stack's `workers`, `env` and `code`",
    ),
    "parameter_openapi_schema": "it is read from the flow's signature",
    "work_pool_name": "a deployment's pool is that of its area: move it to the other area by hand",
    "name": "`pulumi up` gives it back its name; under another one, it is another object to the stack's state",
    "work_pool_id": "its pool was made anew: `pulumi up` sets it right",
    "path": "`code` says where the code is",
    "pull_steps": "they follow from `code`; `pull` can say others",
    "flow_name": "it is the flow's own",
    "triggers": "write them by hand, as docs/stack-files.md tells",
}
_NO_WORD: Final = "stack files have no word for it"
_GONE: Final = "it was deleted: `pulumi up` makes it again; not to have it any more, take it out of the file by hand"
_DOCSTRING: Final = "without one in the file, the flow's docstring takes its place"
_LIMIT: Final = ("concurrency_limit", "collision_strategy", "grace_period_seconds")
_UNSAID_OF_LIMIT: Final = {"collision_strategy": "ENQUEUE", "grace_period_seconds": REMOVED}
_VARIABLE: Final = {"value": "value", "tags": "tags"}
_GLOBAL_LIMIT: Final = {key: key for key in ("limit", "active", "slot_decay_per_second")}
_HANDLED: Final = frozenset(
    {
        *("description", "tags", "parameters", *_LIMIT, "work_queue_name"),
        *("job_variables", "schedules", *_PLAIN),
    }
)
Said = tuple[KeyPath, Any]
"""A key within its object, and the value to be, REMOVED or Unsaid."""


@dataclass(frozen=True)
class Declared:
    """The stack, checked and as composed."""

    stack: Stack
    values: Mapping[str, Any]

    def deployment(self, area: str, name: str) -> tuple[int, Mapping[str, Any], Deployment]:
        """Its place among the area's, what is written of it, and what that comes to."""
        made = next(each for of in self.stack.areas for each in of.deployments if (of.name, each.name) == (area, name))
        listed = enumerate(self.values["areas"][area]["deployments"])
        return next((index, each, made) for index, each in listed if each["name"] == name)


def said(each: Difference, declared: Declared) -> Iterator[Edit | Left]:
    """Each edit, or why it is none. What only the files have changed is no edit."""
    title = f"{each.kind} {each.name}"
    if each.what == "deleted":
        yield Left(each.urn, title, _GONE)
    if each.what != "edited" or each.observed is None:
        return
    at_object, found = _found(each, each.observed, declared)
    for key, value in found:
        field = f"{title}: {'.'.join(map(str, key))}"
        if isinstance(value, Unsaid):
            yield Left(each.urn, field, value.reason)
        elif _is_secret(key, value):
            yield Left(each.urn, field, "it is a secret, or looks like one: put it into a block, and refer to that")
        else:
            yield Edit(each.urn, at_object, key, value, field)


def _is_secret(key: KeyPath, value: Any) -> bool:
    if value is REMOVED:
        return False
    nested = value
    for step in reversed(key):
        nested = {str(step): nested}
    return is_secret(value) or next(credentials.plain_secrets(nested), None) is not None


def _found(each: Difference, seen: Observed, declared: Declared) -> tuple[KeyPath, Iterator[Said]]:
    """What has overlays of its own, and what was edited in it."""
    name = each.name
    if each.kind == "deployment" and each.area is not None:
        index, written, made = declared.deployment(each.area, name)
        edits = _deployment(seen, written, made, declared.stack.timezone)
        return ("areas", each.area, "deployments", index), _with_unsaid(edits, each, _HANDLED)
    if each.kind == "work pool" and each.area is not None:
        return ("areas", each.area), _with_unsaid(_renamed(seen, _POOL), each, _QUEUE)
    if each.kind == "queue" and each.area is not None:
        queue = name.partition("/")[2]
        edits = ((("queues", queue, *key), value) for key, value in _renamed(seen, _QUEUE))
        return ("areas", each.area), _with_unsaid(edits, each, _QUEUE)
    if each.kind == "variable":
        edits = (((name, *key), value) for key, value in _renamed(seen, _VARIABLE))
        return ("variables",), _with_unsaid(edits, each, _VARIABLE)
    if each.kind == "tag concurrency limit":
        return ("tag_concurrency_limits",), (((name,), value) for _, value in _renamed(seen, {"concurrency_limit": ""}))
    if each.kind == "global concurrency limit":
        given = (declared.values.get("global_concurrency_limits") or {}).get(name)
        return ("global_concurrency_limits",), _with_unsaid(_global_limit(seen, name, given), each, _GLOBAL_LIMIT)
    return (), iter([((), Unsaid(_NO_WORD))])


def _with_unsaid(edits: Iterator[Said], each: Difference, known: Collection[str]) -> Iterator[Said]:
    """Also the fields that no word is for."""
    yield from edits
    for field in each.fields:
        if field.api_name not in known and field.side != "declaration":
            yield field.path, Unsaid(_UNSAID.get(field.api_name, _NO_WORD))


def _renamed(seen: Observed, names: Mapping[str, str]) -> Iterator[Said]:
    for api_name, key in names.items():
        value = moved(*(at(side, (api_name,)) for side in (seen.declared, seen.state, seen.server)))
        if value is not ABSENT:
            yield (key,), value


def _global_limit(seen: Observed, name: str, given: Any) -> Iterator[Said]:
    edits = dict(_renamed(seen, _GLOBAL_LIMIT))
    if isinstance(given, int) and edits.keys() == {("limit",)}:
        yield (name,), edits["limit",]
    elif isinstance(given, int) and edits:
        yield (name,), {"limit": given, **{str(key): value for (key,), value in edits.items()}}
    else:
        yield from (((name, *key), value) for key, value in edits.items())


def _deployment(seen: Observed, written: Mapping[str, Any], made: Deployment, timezone: str) -> Iterator[Said]:
    yield from _renamed(seen, _PLAIN)
    for key, value in _renamed(seen, {"description": "description"}):
        yield key, Unsaid(_DOCSTRING) if value is REMOVED else value
    sides = [seen.declared or {}, seen.state or {}, seen.server or {}]
    for name, value in moves(*(side.get("parameters") for side in sides)):
        yield ("parameters", name), value
    yield from _limit(seen, written)
    for _, value in _renamed(seen, {"work_queue_name": ""}):
        yield ("work_pool", "work_queue_name"), value
    yield from job_variables(seen, written)
    if any(path[0] == "schedules" for path in seen.paths):
        yield from schedules(seen, written.get("schedules") or (), made.schedules, timezone)


def _limit(seen: Observed, written: Mapping[str, Any]) -> Iterator[Said]:
    """A number or a mapping, as it is written; a mapping where a number can't say it."""
    edits = {key: value for (key,), value in _renamed(seen, {key: key for key in _LIMIT})}
    if not edits:
        return
    unsaid = next((value for value in edits.values() if isinstance(value, Unsaid)), None)
    limit = at(seen.server, ("concurrency_limit",))
    options = {key: (seen.server or {})[key] for key in _LIMIT[1:] if key in (seen.server or {})}
    if unsaid is not None:
        yield ("concurrency_limit",), unsaid
    elif limit is ABSENT:
        yield ("concurrency_limit",), REMOVED
    elif isinstance(written.get("concurrency_limit"), Mapping):
        if "concurrency_limit" in edits:
            yield ("concurrency_limit", "limit"), limit
        for key in _LIMIT[1:]:
            if key in edits:
                yield ("concurrency_limit", key), options.get(key, _UNSAID_OF_LIMIT[key])
    else:
        yield ("concurrency_limit",), {"limit": limit, **options} if options else limit
