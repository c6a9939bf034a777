"""Deployments of a `prefect.yaml` in the words of a stack file, most of which are the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError

from infra.adoption.drafts import Draft, Imported, Remark, SourceFaults, Weight
from infra.adoption.prefect_yaml import schedules

_LEFT_OUT = {
    "version_type": "a version is what it is said to be",
    "sla": "service levels are Prefect Cloud's",
    "build": "images follow from `code: {location: image}`",
    "push": "images follow from `code: {location: image}`",
    "flow_name": "the flow is in this checkout, and its own name counts",
    "path": "entrypoints are relative to the root of the code",
}
_KNOWN = frozenset(
    {"name", "entrypoint", "description", "version", "tags", "parameters", "enforce_parameter_schema", "paused"}
    | {"triggers", "concurrency_limit", "work_pool", "schedule", "schedules", "pull"}
)
_LIMIT = frozenset({"limit", "collision_strategy", "grace_period_seconds"})
_GRACE = range(60, 86401)
"""Seconds that Prefect's API takes."""
_OF_THE_FILE = frozenset({"name", "prefect-version", "deployments", "pull", "definitions"})
_RESOLVED_BY_WORKERS = re.compile(r"{{\s*(prefect\.(blocks|variables)\.|\$?PREFECT_API)")
_GIT = re.compile(r"prefect\.deployments\.steps\.(pull\.)?git_clone")
_OF_A_CLONE = frozenset({"id", "requires", "repository", "branch", "commit_sha"})


class _AsPrefectReads(SafeConstructor):
    """By YAML 1.1, where `yes` is true, but `y` is not; dates stay as they are written."""

    def truth(self, node: Any) -> Any:
        text = self.construct_scalar(node)
        return text if len(text) == 1 else self.construct_yaml_bool(node)


_AsPrefectReads.add_constructor("tag:yaml.org,2002:bool", _AsPrefectReads.truth)
_AsPrefectReads.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


@dataclass(frozen=True)
class Surroundings:
    """What the deployments come into."""

    timezone: str
    taken: Collection[str]
    queues: Collection[str]
    """Of the area."""
    is_here: Callable[[str], bool]
    """Whether the checkout has a file."""
    now: datetime


def translate(text: str, surroundings: Surroundings) -> Imported:
    """Read and turn it into drafts.

    Raises:
        SourceFaults: It is no `prefect.yaml`.

    """
    values = _values(text)
    remarks: dict[Remark, None] = {}
    for key, value in values.items():
        if key not in _OF_THE_FILE and value:
            remarks[Remark(key, "left out", _LEFT_OUT.get(key, "it is no key that Prefect reads"))] = None
    drafts: list[Draft] = []
    names = set(surroundings.taken)
    for number, given in enumerate(values.get("deployments") or [], 1):
        one = _Deployment({"pull": values.get("pull"), **given}, number, surroundings, remarks)
        made = one.made(names)
        if made is not None:
            names.add(made["name"])
            drafts.append(Draft(made))
    return Imported(tuple(drafts), tuple(remarks))


def _values(text: str) -> Mapping[str, Any]:
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _AsPrefectReads
    yaml.version = (1, 1)
    try:
        # Through JSON, which is what a stack file's values are, and which has no value that holds itself.
        values = json.loads(json.dumps(yaml.load(text), default=str))
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark else ""
        raise SourceFaults([f"{place}it is no YAML: {getattr(error, 'problem', None) or error}"]) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise SourceFaults([f"it can't be read: {error}"]) from error
    if not isinstance(values, dict) or not isinstance(values.get("deployments"), list):
        raise SourceFaults(["it has no list `deployments`"])
    faults = [
        f"deployment {number}: {fault}"
        for number, given in enumerate(values["deployments"], 1)
        for fault in _wrong_shapes(given)
    ]
    if faults:
        raise SourceFaults(faults)
    return values


def _wrong_shapes(given: Any) -> Iterator[str]:
    if not isinstance(given, dict):
        yield "it is no mapping"
        return
    for key, kinds, what in (
        ("parameters", (dict,), "a mapping"),
        ("work_pool", (dict,), "a mapping"),
        ("schedules", (list,), "a list"),
        ("schedule", (dict,), "a mapping"),
        ("tags", (list, str), "a list"),
        ("triggers", (list,), "a list"),
        ("concurrency_limit", (dict, int), "a number or a mapping"),
    ):
        if given.get(key) is not None and not isinstance(given[key], kinds):
            yield f"{key} must be {what}"
    for key in ("schedules", "triggers"):
        listed = given.get(key)
        if isinstance(listed, list) and not all(isinstance(each, dict) for each in listed):
            yield f"each of {key} must be a mapping"


class _Deployment:
    def __init__(
        self, given: Mapping[str, Any], number: int, surroundings: Surroundings, remarks: dict[Remark, None]
    ) -> None:
        self._given, self._around, self._remarks = given, surroundings, remarks
        self._where = str(given.get("name") or f"deployment {number}")

    def made(self, names: Collection[str]) -> dict[str, Any] | None:
        """None if it is left out as a whole."""
        reason = self._cannot_be(names)
        if reason:
            self._tell("left out", reason)
            return None
        given = self._given
        made: dict[str, Any] = {"name": given["name"], "entrypoint": given["entrypoint"].replace("\\", "/")}
        if isinstance(given.get("tags"), str):
            made["tags"] = [given["tags"]]
        for key in ("description", "tags", "parameters"):
            if given.get(key) and key not in made and self._is_plain(key, given[key]):
                made[key] = given[key]
        made |= self._flags() | self._limit() | self._route() | self._code(made["entrypoint"])
        made |= self._names_of_flow(made["entrypoint"])
        if listed := list(self._schedules()):
            made["schedules"] = listed
        if given.get("triggers"):
            made["triggers"] = given["triggers"]
        for key, value in given.items():
            if key not in _KNOWN and key not in made and value:
                self._tell("left out", f"{key}: {_LEFT_OUT.get(key, 'it is no key that Prefect reads')}")
        return made

    def _cannot_be(self, names: Collection[str]) -> str | None:
        name, entrypoint = self._given.get("name"), self._given.get("entrypoint")
        if not isinstance(name, str) or not name or "{{" in name:
            return "it has no name of its own: `prefect deploy` asked for it, or filled it in"
        if not isinstance(entrypoint, str) or not entrypoint or "{{" in entrypoint:
            return "it has no entrypoint of its own: `prefect deploy` asked for it, or filled it in"
        if ".py:" not in entrypoint:
            return f"its entrypoint {entrypoint!r} is a module's: write path/file.py:function"
        if name in names:
            return "there is a deployment of that name already, and names are unique in a stack"
        return None

    def _tell(self, weight: Weight, text: str) -> None:
        self._remarks[Remark(self._where, weight, text)] = None

    def _is_plain(self, key: str, value: Any) -> bool:
        if "{{" in json.dumps(value, default=str):
            self._tell("left out", f"{key}: {value!r} is filled in when it is deployed")
            return False
        return True

    def _flags(self) -> dict[str, Any]:
        made = {}
        for key in ("enforce_parameter_schema", "paused"):
            if self._given.get(key) is not None:
                try:
                    made[key] = schedules.truth(self._given[key], key)
                except schedules.NoEqual as reason:
                    self._tell("left out", str(reason))
        return made

    def _limit(self) -> dict[str, Any]:
        given = self._given.get("concurrency_limit")
        if given is None:
            return {}
        if isinstance(given, dict):
            given = {key: value for key, value in given.items() if key in _LIMIT and value is not None}
            if (grace := given.get("grace_period_seconds", 60)) not in _GRACE:
                del given["grace_period_seconds"]
                wrong = f"concurrency_limit.grace_period_seconds: Prefect takes 60 to 86400, got {grace!r}"
                self._tell("left out", wrong)
        return {"concurrency_limit": given} if given else {}

    def _route(self) -> dict[str, Any]:
        given = self._given.get("work_pool") or {}
        if given.get("name"):
            self._tell("differs", f"its work pool was {given['name']}; here it is the area's")
        route: dict[str, Any] = {}
        queue = given.get("work_queue_name")
        if queue and queue != "default":
            if queue in self._around.queues:
                route["work_queue_name"] = queue
            else:
                self._tell("left out", f"its queue {queue!r}: declare it in the area's `queues` first")
        variables = {}
        for key, value in (given.get("job_variables") or {}).items():
            text = json.dumps(value, default=str)
            if text.count("{{") == len(_RESOLVED_BY_WORKERS.findall(text)):
                variables[key] = value
            else:
                self._tell("left out", f"work_pool.job_variables.{key}: {value!r} is filled in when it is deployed")
        if variables:
            route["job_variables"] = variables
        for key in sorted(given.keys() - {"name", "work_queue_name", "job_variables"}):
            self._tell("left out", f"work_pool.{key}: it is no key that Prefect reads")
        return {"work_pool": route} if route else {}

    def _names_of_flow(self, entrypoint: str) -> dict[str, Any]:
        """What it is called where its file can't tell, and its version."""
        given, made = self._given, {}
        if not self._is_here(entrypoint) and isinstance(given.get("flow_name"), str):
            made["flow_name"] = given["flow_name"]
        if given.get("version") is not None and self._is_plain("version", given["version"]):
            made["version"] = str(given["version"])
        return made

    def _is_here(self, entrypoint: str) -> bool:
        return self._around.is_here(entrypoint.rpartition(":")[0])

    def _code(self, entrypoint: str) -> dict[str, Any]:
        steps = self._given.get("pull") or []
        made: dict[str, Any] = {}
        if not self._is_here(entrypoint) and not _is_one_clone(steps) and _can_be_said(steps):
            return {"pull": steps}
        for step in steps if isinstance(steps, list) else [steps]:
            for name, given in step.items() if isinstance(step, dict) else ():
                if _GIT.fullmatch(name) and isinstance(given, dict) and "{{" not in str(given.get("repository", "{{")):
                    made = made or self._clone(given, entrypoint)
                else:
                    self._tell("left out", f"pull: {name}: how workers get the code follows from `code`")
        return made

    def _clone(self, given: Mapping[str, Any], entrypoint: str) -> dict[str, Any]:
        if self._is_here(entrypoint):
            self._tell(
                "differs",
                f"it cloned {given['repository']}; its flow is in this checkout, so the stack's `code` counts",
            )
            return {}
        code = {key: given[key] for key in ("repository", "branch", "commit_sha") if given.get(key)}
        for key in sorted(given.keys() - _OF_A_CLONE):
            how = "it has no equal"
            if key in ("access_token", "credentials"):
                how = "pulumi config set --secret prefect-infra:git_token, then `access_token: {secret: git_token}`"
            self._tell("left out", f"pull: git_clone.{key}: {how}")
        return {"code": {"location": "git", **code}}

    def _schedules(self) -> Iterator[dict[str, Any]]:
        legacy = self._given.get("schedule")
        listed = [*([legacy] if legacy else []), *(self._given.get("schedules") or [])]
        for number, given in enumerate(listed, 1):
            where = f"schedule {number}"
            for key in ("max_scheduled_runs", "replaces"):
                if given.get(key) is not None:
                    self._tell("left out", f"{where}: {key} is a matter of one deploy, or read by nobody")
            if not self._is_plain(where, given):
                continue
            try:
                made = schedules.translate(given, self._around.timezone, self._around.now)
            except schedules.NoEqual as reason:
                self._tell("left out", f"{where}: {reason}")
                continue
            if "timezone" not in made[0] and "interval" not in made[0]:
                self._tell("note", f"{where}: it was in UTC, and is moved to {self._around.timezone}: the same times")
            yield from made


def _is_one_clone(steps: Any) -> bool:
    """Whether `code` says all of it."""
    match steps:
        case [dict() as step] if len(step) == 1:
            ((name, given),) = step.items()
            return bool(_GIT.fullmatch(name)) and isinstance(given, dict) and given.keys() <= _OF_A_CLONE
        case _:
            return False


def _can_be_said(steps: Any) -> bool:
    """Whether they are steps that a worker takes as they are written, with what it looks up itself."""
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        return False
    text = json.dumps(steps, default=str)
    return text.count("{{") == len(_RESOLVED_BY_WORKERS.findall(text))
