"""A deployment of a server, as a stack file has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from infra.adoption.drafts import Remark, Weight
from infra.adoption.prefect_yaml import schedules as moving
from infra.adoption.server.rows import NoEqual, Row
from infra.adoption.server.schedules import schedule
from infra.adoption.server.triggers import is_trigger, trigger

OWN_LIMIT: Final = "deployment:"
"""A deployment's own limit is kept among the global ones, by this and its id."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What the deployments come into."""

    timezone: str
    """The stack's."""
    active: bool
    """Whether its schedules make runs unless they say otherwise."""
    is_here: Callable[[str], bool]
    """Whether the checkout has a file."""
    with_changes: bool = False
    """Take along what can only be said with a difference, rather than leave it out."""
    now: datetime


def deployment(
    row: Row, flow_name: str, automations: Iterable[Row], around: Surroundings
) -> tuple[dict[str, Any], list[Remark]]:
    """Its keys, and what is to be told of it.

    Raises:
        NoEqual: It can't be said as it is; it says why.

    """
    entrypoint = row["entrypoint"] or ""
    if ".py:" not in entrypoint:
        raise NoEqual(f"its entrypoint is {entrypoint!r}: here it is path/file.py:function")
    remarks: list[Remark] = []

    def tell(weight: Weight, text: str) -> None:
        remarks.append(Remark(f"deployment {flow_name}/{row['name']}", weight, text))

    made: dict[str, Any] = {"name": row["name"], "entrypoint": entrypoint}
    path, _, function = entrypoint.rpartition(":")
    if not around.is_here(path) and flow_name != function.rpartition(".")[2].replace("_", "-"):
        made["flow_name"] = flow_name
    if row.get("description") or around.is_here(path):
        made["description"] = row.get("description") or ""
    made |= {key: row[key] for key in ("version", "tags", "parameters") if row.get(key)}
    if row.get("parameter_openapi_schema") is not None and not row.get("enforce_parameter_schema"):
        made["enforce_parameter_schema"] = False
    if row.get("paused"):
        made["paused"] = True
    made |= _limit(row) | _route(row)
    if listed := list(_schedules(row, around, tell)):
        made["schedules"] = listed
    if listed := list(_triggers(row, automations, tell)):
        made["triggers"] = listed
    made["pull"] = row.get("pull_steps") or []
    return made, remarks


def _limit(row: Row) -> dict[str, Any]:
    limit = row.get("global_concurrency_limit")
    if not limit:
        return {}
    if not limit["name"].startswith(OWN_LIMIT):
        raise NoEqual(f"it shares the global concurrency limit {limit['name']!r} with others, which a file can't say")
    options = {key: value for key, value in (row.get("concurrency_options") or {}).items() if value is not None}
    if options.get("collision_strategy") == "ENQUEUE":
        del options["collision_strategy"]
    number = limit["limit"]
    return {"concurrency_limit": {"limit": number, **options} if options else number}


def _route(row: Row) -> dict[str, Any]:
    variables = dict(row.get("job_variables") or {})
    made: dict[str, Any] = {}
    if isinstance(variables.get("command"), str) and variables["command"]:
        made["command"] = variables.pop("command")
    env = variables.get("env")
    if isinstance(env, dict) and env and all(isinstance(value, str) for value in env.values()):
        made["env"] = variables.pop("env")
    route: dict[str, Any] = {}
    if (row.get("work_queue_name") or "default") != "default":
        route["work_queue_name"] = row["work_queue_name"]
    if variables:
        route["job_variables"] = variables
    return {**({"work_pool": route} if route else {}), **made}


def _schedules(row: Row, around: Surroundings, tell: Callable[[Weight, str], None]) -> Iterable[dict[str, Any]]:
    for each in row.get("schedules") or ():
        try:
            made = schedule(each, around.timezone, active=around.active)
        except NoEqual as reason:
            if not around.with_changes:
                raise NoEqual(f"schedule {each.get('slug') or each['id']}: {reason}") from reason
            yield from _moved(each, around, tell)
            continue
        if not each.get("slug"):
            tell("note", f"a schedule made in the UI has no slug: here it is {made['slug']!r}, and may be renamed")
        yield made


def _moved(row: Row, around: Surroundings, tell: Callable[[Weight, str], None]) -> Iterable[dict[str, Any]]:
    """In the stack's time zone, or in the usual spelling of its own."""
    name = row.get("slug") or row["id"]
    written = {**row["schedule"], "slug": row.get("slug"), "active": row["active"], "parameters": row.get("parameters")}
    try:
        made = moving.translate(written, around.timezone, around.now)
    except NoEqual as reason:
        raise NoEqual(f"schedule {name}: {reason}") from reason
    tell("differs", f"schedule {name}: {row['schedule'].get('timezone') or 'UTC'}, moved: the same times, and a change")
    yield from made


def _triggers(row: Row, automations: Iterable[Row], tell: Callable[[Weight, str], None]) -> Iterable[dict[str, Any]]:
    for each in automations:
        reason: object = "it was not made by `prefect deploy`"
        if is_trigger(each, row["name"]):
            try:
                yield trigger(each)
            except NoEqual as error:
                raise NoEqual(f"the automation {each['name']!r}: {error}") from error
            continue
        tell("left out", f"the automation {each['name']!r}, which runs it: {reason}, and stays as it is")
