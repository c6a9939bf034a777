"""What `pulumi preview --json` tells, typed and without a secret."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from infra.review.blinding import SECRET, Blinding, holds_secret

Verb: TypeAlias = Literal["create", "update", "replace", "delete", "import", "refresh", "read", "other"]

STACK_TYPE: Final = "pulumi:pulumi:Stack"
CONTAINER: Final = "docker:index/container:Container"
VOLUME: Final = "docker:index/volume:Volume"
IMAGE: Final = "docker:index/remoteImage:RemoteImage"
_VERBS: Final[dict[str, Verb]] = {
    "create": "create",
    "update": "update",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "discard-replaced": "replace",
    "remove-pending-replace": "replace",
    "delete": "delete",
    "discard": "delete",
    "import": "import",
    "import-replacement": "import",
    "refresh": "refresh",
    "read": "read",
    "read-replacement": "read",
}
_INDEX: Final = re.compile(r"\[(?:(\d+)|\"((?:[^\"\\]|\\.)*)\")\]|([^.\[]+)")
_BLOCK: Final = "prefect:index:Block"


class PlanError(ValueError):
    """What was given is no plan. The message says what is."""


@dataclass(frozen=True)
class Change:
    """A field that changes. Secrets have been taken out of both values; None: it isn't there."""

    path: str
    kind: Literal["add", "update", "delete"]
    replaces: bool
    before: Any
    after: Any

    @property
    def is_secret(self) -> bool:
        return holds_secret(self.before) or holds_secret(self.after)


@dataclass(frozen=True)
class Step:
    """What happens to one resource. `old` and `new` are its inputs, without secrets; None: there are none."""

    urn: str
    verb: Verb
    old: Mapping[str, Any] | None
    new: Mapping[str, Any] | None
    changes: tuple[Change, ...]
    replace_reasons: tuple[str, ...]
    parent: str | None
    id: str | None = None
    protected: bool = False

    @property
    def type(self) -> str:
        return self.qualified_type.rpartition("$")[2]

    @property
    def qualified_type(self) -> str:
        """With the types of its parents, the outermost first."""
        return urn_parts(self.urn)[0]

    @property
    def name(self) -> str:
        return urn_parts(self.urn)[1]

    @property
    def inputs(self) -> Mapping[str, Any]:
        """As they will be or, of what goes, as they were."""
        return self.new if self.new is not None else self.old or {}


@dataclass(frozen=True)
class Diagnostic:
    severity: str
    message: str
    urn: str | None


@dataclass(frozen=True)
class Plan:
    """Steps that change something, by URN: Pulumi tells them in whatever order it came upon them."""

    steps: tuple[Step, ...]
    counts: Mapping[str, int]
    """By Pulumi's own words: create, update, replace, delete, same, …"""
    diagnostics: tuple[Diagnostic, ...]
    blinding: Blinding

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(each for each in self.diagnostics if each.severity == "error")

    @property
    def is_empty(self) -> bool:
        return not self.steps

    def of_type(self, *types: str) -> Iterator[Step]:
        return (step for step in self.steps if step.type in types)


def read(text: str) -> Plan:
    """The plan that Pulumi wrote.

    Raises:
        PlanError: The text is something else.

    """
    told = _document(text)
    blinding = Blinding()
    rows = told.get("steps") or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) and isinstance(row.get("urn"), str) for row in rows):
        raise PlanError("`steps` must be a list of steps with a `urn`: is this what `pulumi preview --json` wrote?")
    for row in rows:
        _learn(row, blinding)
    blinding.learn(told.get("config"))
    by_urn: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row.get("op") not in ("same", None) and urn_parts(row["urn"])[0] != STACK_TYPE:
            by_urn.setdefault(row["urn"], []).append(row)
    steps = [step for urn in sorted(by_urn) if (step := _step(urn, by_urn[urn], blinding)) is not None]
    counts = told.get("changeSummary") or {}
    return Plan(
        steps=tuple(steps),
        counts={str(op): int(counts[op]) for op in sorted(counts)},
        diagnostics=tuple(_diagnostics(told.get("diagnostics") or [], blinding)),
        blinding=blinding,
    )


def urn_parts(urn: str) -> tuple[str, str]:
    """The qualified type and the name. A name may have `::` in it."""
    parts = urn.split("::", 3)
    if len(parts) != 4:  # noqa: PLR2004  # urn:pulumi:<stack>, project, type, name
        raise PlanError(f"{urn!r} is no URN of Pulumi")
    return parts[2], parts[3]


def keys_of(path: str) -> tuple[str | int, ...]:
    """`schedules[0].cron` and `labels["a.b"]` in parts."""
    return tuple(int(index) if index else quoted or plain for index, quoted, plain in _INDEX.findall(path))


def at(value: Any, path: str) -> Any:
    """What stands at the path; None if nothing does."""
    for key in keys_of(path):
        match value, key:
            case dict(), str():
                value = value.get(key)
            case list(), int() if key < len(value):
                value = value[key]
            case _:
                return None
    return value


def _document(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError as error:
        if text.lstrip().startswith("{") and "\n{" in text.strip():
            raise PlanError(
                "this is a stream of events: unset PULUMI_ENABLE_STREAMING_JSON_PREVIEW, and preview again"
            ) from error
        raise PlanError(f"this is no JSON ({error}): write it with `pulumi preview --json`") from error
    if not isinstance(told, dict) or not told.keys() & {"steps", "changeSummary", "diagnostics"}:
        raise PlanError("there is neither `steps` nor `changeSummary` in it: write it with `pulumi preview --json`")
    return told


def _learn(row: Mapping[str, Any], blinding: Blinding) -> None:
    for state in (row.get("oldState"), row.get("newState")):
        if not isinstance(state, dict):
            continue
        for values in (state.get("inputs"), state.get("outputs")):
            blinding.learn(values)
            for name in state.get("additionalSecretOutputs") or ():
                if isinstance(values, dict):
                    blinding.learn_all_of(values.get(name))


def _step(urn: str, rows: Sequence[Mapping[str, Any]], blinding: Blinding) -> Step | None:
    """One step of all that Pulumi takes with a resource: a replacement is three, or is told as a `replace`."""
    verbs = {_VERBS.get(str(row.get("op")), "other") for row in rows}
    verb: Verb = "replace" if "replace" in verbs or {"create", "delete"} <= verbs else min(verbs)
    if verb in ("refresh", "read"):
        return None
    old = next((row["oldState"] for row in rows if isinstance(row.get("oldState"), dict)), None)
    new = next((row["newState"] for row in rows if isinstance(row.get("newState"), dict)), None)
    if verb == "delete":
        new = None
    before, after = _inputs(urn, old, blinding), _inputs(urn, new, blinding)
    detailed: dict[str, Any] = {}
    for row in rows:
        detailed |= row.get("detailedDiff") or {}
    reasons = {str(key) for row in rows for key in row.get("replaceReasons") or ()}
    paths = detailed or {str(key): {} for row in rows for key in row.get("diffReasons") or ()}
    outputs = blinding.values(old.get("outputs") or {}) if old else {}
    changes = tuple(
        change
        for path in sorted(paths, key=_in_order)
        if (change := _change(path, str(paths[path].get("kind", "")), before, after, outputs, reasons)) is not None
    )
    state = new or old or {}
    return Step(
        urn=blinding.text(urn),
        verb=verb,
        old=before,
        new=after,
        changes=changes if verb in ("update", "replace", "import") else (),
        replace_reasons=tuple(sorted(reasons)),
        parent=state.get("parent"),
        id=blinding.text(str(old["id"])) if old and old.get("id") else None,
        protected=bool(old and old.get("protect")),
    )


def _inputs(urn: str, state: Mapping[str, Any] | None, blinding: Blinding) -> dict[str, Any] | None:
    if state is None:
        return None
    inputs: dict[str, Any] = blinding.values(_declared(state.get("inputs") or {}))
    if urn_parts(urn)[0].endswith(_BLOCK) and "data" in inputs:
        inputs["data"] = SECRET  # whatever the block's type makes of it
    for name in state.get("additionalSecretOutputs") or ():
        if name in inputs:
            inputs[name] = SECRET
    return inputs


def _declared(value: Any) -> Any:
    """Without what the engine and its bridges note for themselves, such as `__defaults`."""
    match value:
        case dict():
            return {key: _declared(inner) for key, inner in value.items() if not str(key).startswith("__")}
        case list():
            return [_declared(inner) for inner in value]
    return value


def _change(
    path: str,
    kind: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    outputs: Mapping[str, Any],
    reasons: set[str],
) -> Change | None:
    if "__defaults" in path:
        return None
    old, new = at(before, path), at(after, path)
    if old == new and not holds_secret(old):
        # An output that the provider compares with the new inputs, as after a refresh.
        old = at(outputs, path)
        if old == new:
            return None
    if _hides(before, path) or _hides(after, path):
        old, new = (SECRET if each is not None else None for each in (at(before, _top(path)), at(after, _top(path))))
    made: Literal["add", "update", "delete"] = "add" if old is None else "delete" if new is None else "update"
    top = str(keys_of(path)[0])
    return Change(path, made, kind.endswith("replace") or path in reasons or top in reasons, old, new)


def _hides(values: Mapping[str, Any] | None, path: str) -> bool:
    """Whether something on the way there is a secret as a whole."""
    value: Any = values
    for key in keys_of(path):
        if value == SECRET:
            return True
        value = at(value, f"[{key}]" if isinstance(key, int) else f'["{key}"]') if value is not None else None
    return False


def _top(path: str) -> str:
    return str(keys_of(path)[0])


def _in_order(path: str) -> tuple[tuple[int, int, str], ...]:
    return tuple((0, key, "") if isinstance(key, int) else (1, 0, key) for key in keys_of(path))


def _diagnostics(rows: Sequence[Mapping[str, Any]], blinding: Blinding) -> Iterator[Diagnostic]:
    told = Counter(
        (str(row.get("severity", "info")), blinding.text(str(row.get("message", "")).strip()), row.get("urn"))
        for row in rows
    )
    for severity, message, urn in sorted(told, key=lambda each: (each[0], each[1], each[2] or "")):
        yield Diagnostic(severity, message, blinding.text(urn) if urn else None)
