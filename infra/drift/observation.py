"""`pulumi preview --refresh --json`, read: each resource as it is declared, as the state has it, and as it is.

The one run tells all three (3.250, run): a step `refresh` has in `oldState` what the state knew; after it, a step of
the plan has in `oldState` what was found and in `newState` what is declared. A resource without a step of the plan is
as declared. One that is to be created and has a `refresh` was there and is gone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, final

Path: TypeAlias = tuple[str | int, ...]
What: TypeAlias = Literal["edited", "deleted", "not made", "undeclared"]

STACK: Final = "pulumi:pulumi:Stack"
_PROVIDERS: Final = "pulumi:providers:"
_COMPONENTS: Final = "prefect-infra:"
_AREA: Final = "prefect-infra:index:Area"
_SECRET: Final = "[secret]"  # noqa: S105  # what Pulumi writes in place of one
_STEP: Final = re.compile(r"\[(\d+)\]|\[\"((?:[^\"\\]|\\.)*)\"\]|([^.\[\]]+)")


class ReadingError(Exception):
    """The text is no preview, or one that failed: it says why."""


@final
class Absent:
    """Nothing is said."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = Absent()


@dataclass(frozen=True)
class Observed:
    """One resource that is not as declared. Values are its properties, None where there is no such thing."""

    urn: str
    type: str
    name: str
    area: str | None
    what: What
    declared: Mapping[str, Any] | None
    state: Mapping[str, Any] | None
    server: Mapping[str, Any] | None
    paths: tuple[Path, ...]
    """Where the declared and the found differ, by Pulumi's diff."""
    outputs: Mapping[str, Any]
    """What only the server knows: UUIDs."""


def observed(text: str, *, failed: bool = False) -> tuple[Observed, ...]:
    """All resources that are not as declared, in the order of their names.

    `failed`: what its exit code says. Errors alone don't: on a busy machine Pulumi tells now and then that a plugin
    ended too soon which it has just told to end, and all is well.

    Raises:
        ReadingError: It is no preview, or the preview failed.

    """
    steps = _steps(text, failed=failed)
    known = {step["urn"]: step.get("oldState") for step in steps if step["op"] == "refresh"}
    parents = {step["urn"]: _parent(step) for step in steps}
    made = [_observed(step, known.get(step["urn"]), parents) for step in _plan(steps)]
    return tuple(sorted(made, key=lambda each: (each.area or "", each.type, each.name, each.urn)))


def is_secret(*values: Any) -> bool:
    """Whether Pulumi keeps any of them, or anything in them, from being seen."""
    return any(_SECRET in json.dumps(value, default=repr) for value in values if value is not ABSENT)


def _steps(text: str, *, failed: bool) -> list[dict[str, Any]]:
    try:
        told = json.loads(text)
        steps = [step for step in told.get("steps") or () if step["urn"] and step["op"]]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ReadingError("this is not what `pulumi preview --refresh --json` tells") from error
    errors = [each for each in told.get("diagnostics") or () if each.get("severity") == "error"]
    if failed:
        raise ReadingError("\n".join(dict.fromkeys(_sentence(str(each.get("message"))) for each in errors)))
    return steps


def _sentence(message: str) -> str:
    return message.strip().removeprefix("error: ").removeprefix("Preview failed: ")


def _plan(steps: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One step for each resource that the plan touches; of a replacement, the one that has both sides."""
    chosen: dict[str, dict[str, Any]] = {}
    for step in steps:
        kind = _type(step["urn"])
        if step["op"] in {"same", "refresh", "read"} or kind == STACK or kind.startswith((_PROVIDERS, _COMPONENTS)):
            continue
        former = chosen.get(step["urn"])
        if former is None or _sides(step) > _sides(former):
            chosen[step["urn"]] = step
    yield from chosen.values()


def _sides(step: Mapping[str, Any]) -> int:
    return sum(1 for side in ("oldState", "newState") if step.get(side)) + bool(step.get("detailedDiff"))


def _observed(step: Mapping[str, Any], state: Mapping[str, Any] | None, parents: Mapping[str, str | None]) -> Observed:
    declared, found = step.get("newState"), step.get("oldState")
    what: What = "edited"
    if found is None:
        what = "deleted" if state is not None else "not made"
    elif declared is None:
        what = "undeclared"
    return Observed(
        urn=step["urn"],
        type=_type(step["urn"]),
        name=step["urn"].rpartition("::")[2],
        area=_area(step["urn"], parents),
        what=what,
        declared=_inputs(declared),
        state=_inputs(state),
        server=_inputs(found),
        paths=tuple(sorted(map(_path, step.get("detailedDiff") or {}), key=str)) if found and declared else (),
        outputs=(state or found or {}).get("outputs") or {},
    )


def _inputs(side: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return None if side is None else (side.get("inputs") or {})


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _parent(step: Mapping[str, Any]) -> str | None:
    side = step.get("newState") or step.get("oldState") or {}
    return side.get("parent")


def _area(urn: str, parents: Mapping[str, str | None]) -> str | None:
    at: str | None = urn
    seen: set[str] = set()
    while at is not None and at not in seen:
        if _type(at) == _AREA:
            return at.rpartition("::")[2]
        seen.add(at)
        at = parents.get(at)
    return None


def _path(written: str) -> Path:
    """`env["a.b"][0].c` as its steps."""
    steps: list[str | int] = []
    for index, quoted, plain in _STEP.findall(written):
        steps.append(int(index) if index else quoted.replace('\\"', '"') if quoted else plain)
    return tuple(steps)
