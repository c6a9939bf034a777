"""From raw values to `declared`: each value of the wrong shape is a finding, in plain words, and the rest goes on.

What can't be used is taken out and validation runs again, until what is left holds; so the rules after this one see all
the rest, and all faults are told at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, TypeAlias

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from infra.model import declared
from infra.model.collecting import Findings
from infra.model.declared.server import API_URL
from infra.model.declared.swarm import NODE, REGISTRY
from infra.model.declared.upkeep import BLOCK, DURATION, FOLDER
from infra.model.errors import NAMESPACE, KeyPath
from infra.model.naming import meant
from infra.model.rules import keys

_ROUNDS = 50
_ANY_ENVIRONMENT = "unknown"
"""Stands in for one that can't be used, so that the rest can be checked."""

_NAMES = {
    declared.AREA_NAME: ("small letters, digits and _, a letter first", "for example recursos_humanos"),
    declared.ENVIRONMENT_NAME: ("small letters and digits, a letter first", "for example dev"),
    declared.VARIABLE_NAME: ("letters, digits and _", "for example RUTA_DE_DATOS"),
    declared.SETTING_NAME: ("the name of a Prefect setting", "for example PREFECT_LOGGING_LEVEL"),
    declared.PROFILE_NAME: (
        "letters, digits and . _ - with {project} and {stack}",
        "for example prefect-infra-{stack}",
    ),
    declared.PREFECT_VARIABLE: ("small letters, digits, _ and -", "for example tasa_iva"),
    declared.REMOTE_HOST: ("another machine, by ssh", "for example ssh://deploy@prefect.example.com"),
    API_URL: ("an address without credentials", "for example https://prefect.example.com/api"),
    declared.MOMENT: ("a date and time with its offset from UTC", 'for example "2026-11-25T15:40:00-03:00"'),
    REGISTRY: ("a registry's address without a scheme", "for example registry.example.com:5000/prefect"),
    NODE: ("the host name of a node", "for example node-1"),
    FOLDER: ("a folder's whole path", "for example /srv/backups"),
    BLOCK: ("a block's type and name", "for example slack-webhook/avisos"),
    DURATION: ("a length of time", "write it with a unit: 30s, 10m, 2h, 7d"),
    declared.COMMIT: ("a commit: 7 to 40 hexadecimal digits", "for example 1f0c2d9"),
}

_FROM_PREFECT_YAML = {
    "schedule": "write `schedules`, a list",
    "pull": "each deployment has its own; how workers get the code mostly follows from `code`",
    "build": "images follow from `code: {location: image}`",
    "push": "images follow from `code: {location: image}`",
    "max_scheduled_runs": "the server keeps it and never reads it",
    "max_active_runs": "use the deployment's `concurrency_limit`",
    "work_queue_name": "it belongs in `work_pool`",
    "job_variables": "they belong in `work_pool`",
    "secure": "a secret has a top-level key of its own: pulumi config set --secret",
}

_NOT_IN_OVERLAYS = {
    "deployments": "each deployment has an `in` of its own, and `only_in: [dev]` if it is not in all environments",
    "name": "a name is the same everywhere; `only_in: [dev]` says where there is such a deployment",
    "only_in": "it stands beside `in`",
}
_BESIDE_DEFAULTS = "it has a place beside `defaults`, and counts for all deployments from there"
_NOT_AMONG_DEFAULTS = {
    **dict.fromkeys(("env", "logging", "code", "schedules_active"), _BESIDE_DEFAULTS),
    **dict.fromkeys(
        ("name", "entrypoint", "flow_name", "schedules", "triggers", "description", "version", "pull"),
        "it is each deployment's own",
    ),
}

_Expected: TypeAlias = Mapping[str, str]
_EXPECTED: _Expected = {
    "string_type": "text",
    "string_unicode": "text that can be written as UTF-8",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "model_attributes_type": "a mapping (key: value)",
    "mapping_type": "a mapping (key: value)",
    "list_type": "a list",
}


def shaped(raw: Mapping[str, Any], findings: Findings) -> tuple[declared.Stack | None, Places]:
    """The declaration without its unusable parts; None if nothing can be made of it."""
    data = plain(raw)
    for path, text in _mangled_dates(data):
        findings.add(
            keys.UNQUOTED_DATE, path, "a date without quotes: Pulumi makes something else of it", hint=f'write "{text}"'
        )
    removed: set[KeyPath] = set()
    places = Places({})
    for _ in range(_ROUNDS):
        places = Places({})
        pruned = _without(data, removed, (), places)
        try:
            return declared.Stack.model_validate(pruned), places
        except ValidationError as error:
            for details in error.errors(include_url=False):
                removed.add(path := _report(details, data, places, findings))
                if path == ("environment",):
                    data["environment"] = _ANY_ENVIRONMENT
                    removed.discard(path)
    return None, places


class Places:
    """Where items of a list stood before some were taken out."""

    def __init__(self, kept: dict[KeyPath, list[int]]) -> None:
        self._kept = kept

    def keep(self, path: KeyPath, indices: list[int]) -> None:
        self._kept[path] = indices

    def index(self, path: KeyPath, index: int) -> int:
        kept = self._kept.get(path, [])
        return kept[index] if index < len(kept) else index

    def of(self, path: KeyPath, items: Sequence[Any]) -> Iterable[tuple[KeyPath, Any]]:
        """Each item of the list at the path, with the path it has in the file."""
        return [((*path, self.index(path, index)), item) for index, item in enumerate(items)]

    def original(self, location: Iterable[str | int]) -> KeyPath:
        path: KeyPath = ()
        for part in location:
            path = (*path, self.index(path, part) if isinstance(part, int) else part)
        return path


def plain(value: object) -> Any:
    """JSON's kinds only: whatever mapping or sequence the caller has, and dates as text."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return value


_MANGLED_DATE = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) [+-]\d{4} (UTC|[+-]\d{4})")


def _mangled_dates(value: object, path: KeyPath = ()) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _mangled_dates(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _mangled_dates(inner, (*path, index))
    elif isinstance(value, str) and (mangled := _MANGLED_DATE.fullmatch(value)):
        day, time = mangled[1], mangled[2]
        yield path, day if time == "00:00:00" else f"{day}T{time}"


def _without(value: Any, removed: set[KeyPath], path: KeyPath, places: Places) -> Any:
    if isinstance(value, dict):
        return {
            key: _without(inner, removed, (*path, key), places)
            for key, inner in value.items()
            if (*path, key) not in removed
        }
    if isinstance(value, list):
        kept = [index for index in range(len(value)) if (*path, index) not in removed]
        if len(kept) < len(value):
            places.keep(path, kept)
        return [_without(value[index], removed, (*path, index), places) for index in kept]
    return value


def _report(details: ErrorDetails, data: Any, places: Places, findings: Findings) -> KeyPath:
    """Tell the fault; the result is what must go for the rest to hold."""
    location = list(details["loc"])
    of_key = bool(location) and location[-1] == "[key]"
    if of_key:
        location.pop()
    path = _within(data, places.original(location), missing=details["type"] == "missing")
    if details["type"] == "missing":
        name = str(path[-1])
        if not findings.has(path):  # it has one where it was there, and was taken out
            findings.add(keys.MISSING_KEY, path, f"{name!r} is missing", hint=_MISSING.get(name, f"give it: {name}: …"))
        # Without it nothing can be made of what should hold it; of the stack itself something can.
        return path if len(path) == 1 else path[:-1]
    if len(path) < len(location) and path and str(path[-1]) in _CHOICES:
        details = {**details, "type": "choice", "input": _at(data, path)}
    elif path and path[-1] == "concurrency_limit" and details["type"] == "model_type":
        details = {**details, "type": "choice"}
    if findings.has(path):
        return path
    message, hint = _words(details, path, of_key=of_key)
    findings.add(
        keys.of_kind(details["type"]), path, message, hint=hint, of_key=of_key or details["type"] == "extra_forbidden"
    )
    return path


_CHOICES = {
    "port": "a port from 1024 to 65535, or auto",
    "interval": "whole seconds, or text such as 15m, 2h, 1d",
    "concurrency_limit": "a whole number from 1, or limit and collision_strategy",
    **dict.fromkeys(("within", "schedule_after", "range", "firing_for"), "seconds, or text such as PT1H or 01:00:00"),
    "require": "any, all or a whole number",
    "match_related": "a mapping, or a list of them",
}


def _at(data: Any, path: KeyPath) -> Any:
    for part in path:
        data = data[part]
    return data


_MISSING = {
    "environment": "the file begins with prefect-infra:environment: dev, prod or the like",
    "name": "give it: name: a-descriptive-name",
    "entrypoint": "give it: entrypoint: flows/area/file.py:function",
    "location": "allowed: checkout, image, git",
    "limit": "give it: limit: 1",
    "value": "give it: value: …",
    "secret": "give it: secret: name_of_the_top_level_key",
}


def _within(data: Any, path: KeyPath, *, missing: bool) -> KeyPath:
    """The path as far as the file goes: what validation adds of its own below a plain value is cut."""
    node = data
    for depth, part in enumerate(path):
        if isinstance(node, dict) and isinstance(part, str):
            if part not in node:
                return path[: depth + 1] if missing else path[:depth]
            node = node[part]
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
        else:
            return path[:depth]
    return path


def _words(details: ErrorDetails, path: KeyPath, *, of_key: bool) -> tuple[str, str | None]:
    kind, context, got = details["type"], details.get("ctx", {}), details["input"]
    name = str(path[-1]) if path else "the stack"
    if kind == "extra_forbidden":
        return _unknown_key(name, path)
    if kind in _EXPECTED:
        return f"{name!r} must be {_EXPECTED[kind]}, got {describe(got)}", _hint_for(kind, got)
    match kind:
        case "choice":
            return f"{name!r} must be {_CHOICES[name]}, got {describe(got)}", _hint_for("int_type", got)
        case "literal_error":
            allowed = [word.strip("' ") for word in str(context["expected"]).replace(" or ", ", ").split(",")]
            close = meant(got, allowed) if isinstance(got, str) else None
            hint = f"did you mean {close!r}?" if close else None
            return f"{name!r} must be one of {', '.join(allowed)}, got {describe(got)}", hint
        case "string_pattern_mismatch":
            what, example = _NAMES[str(context["pattern"])]
            return f"{'the name' if of_key else repr(name)} must be {what}, got {describe(got)}", example
        case "string_too_short":
            return f"{'a name' if of_key else repr(name)} must not be empty", None
        case "greater_than_equal":
            return f"{name!r} must be at least {context['ge']:g}, got {describe(got)}", None
        case "greater_than":
            return f"{name!r} must be more than {context['gt']:g}, got {describe(got)}", None
    return f"{name!r} can't be used: {details['msg']}", None


def _unknown_key(name: str, path: KeyPath) -> tuple[str, str | None]:
    model = declared.model_at(path[:-1])
    allowed = declared.keys_of(model) if model else []
    hint = _hint_by_place(name, path) or _FROM_PREFECT_YAML.get(name)
    if hint is None:
        close = meant(name, allowed)
        hint = f"did you mean {close!r}?" if close else f"allowed: {', '.join(allowed)}"
        if len(path) == 1 and not close:
            hint += f"; a secret is set by: pulumi config set --secret {NAMESPACE}:{name}"
    return f"there is no key {name!r} here", hint


def _hint_by_place(name: str, path: KeyPath) -> str | None:
    if "in" in path[2:-1]:
        return _NOT_IN_OVERLAYS.get(name)
    if len(path) > 1 and path[-2] == "defaults":
        return _NOT_AMONG_DEFAULTS.get(name)
    return None


def _hint_for(kind: str, got: object) -> str | None:
    if kind == "string_type" and isinstance(got, (bool, int, float)):
        return f'put it in quotes: "{str(got).lower() if isinstance(got, bool) else got}"'
    if kind in ("int_type", "float_type") and isinstance(got, str) and got.strip().replace(".", "", 1).isdigit():
        return f"take the quotes away: {got.strip()}"
    if kind in ("bool_type", "bool_parsing") and isinstance(got, str):
        affirmative = got.lower() in ("yes", "on", "si", "sí", "true", "1")
        return f"write {'true' if affirmative else 'false'}, without quotes"
    if kind == "list_type" and not isinstance(got, (dict, list)):
        return f"put it in brackets: [{got}]"
    return None


def describe(value: object) -> str:
    """A value as a person would name it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"{str(value).lower()} (true or false)"
        case int() | float():
            return f"{value} (a number)" if abs(value) < 10**20 else "a number far too large"
        case str():
            return f"{value[:60]!r}{'…' if len(value) > 60 else ''} (text)"  # noqa: PLR2004
        case dict():
            return "a mapping" if value else "an empty mapping"
        case list():
            return "a list" if value else "an empty list"
    return f"something of another kind ({type(value).__name__})"
