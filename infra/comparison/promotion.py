"""One stack's values for another: what the files of the one say, as edits of the files of the other.

It goes by what is written rather than by what it comes to: schedules that are inactive in dev because all are there,
don't become so in prod.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from infra.adoption.ui_edits.adopting import Adoption, settled
from infra.adoption.ui_edits.edits import REMOVED, Edit, Left
from infra.adoption.ui_edits.placing import Places, places
from infra.model import load_stack_file
from infra.model.declared import AreaKeys, DeploymentKeys, keys_of
from infra.model.overlays import ONLY_IN

_MERGED: Final = frozenset(
    {"parameters", "env", "logging", "workers", "queues", "work_pool", "job_variables", "defaults"}
)
"""Mappings that are carried over key by key."""
_OF_THE_ENVIRONMENT: Final = frozenset({"work_pool_name", "schedules_active"})


def promoted(root: Path, source: str, target: str, selectors: Sequence[str], *, for_all: bool = False) -> Adoption:
    """Nothing is written yet.

    `for_all`: where a value was written for all environments, it is changed there; else for the target's alone.

    Raises:
        StackErrors: A stack's file has faults already.

    """
    load_stack_file(root, source)
    load_stack_file(root, target)
    given, to = places(root, source), places(root, target)
    edits: list[Edit] = []
    left: list[Left] = []
    for each in _edits(given, to, selectors):
        if isinstance(each, Edit):
            edits.append(each)
        else:
            left.append(each)
    return settled(root, target, to, edits, left, only_here=not for_all)


def _edits(given: Places, to: Places, selectors: Sequence[str]) -> Iterator[Edit | Left]:
    ours, theirs = given.composed.values.get("areas") or {}, to.composed.values.get("areas") or {}
    for name, area in ours.items():
        meant = _is_meant(selectors, name, f"{name}-{given.composed.environment}", f"{name}-{to.composed.environment}")
        listed = [
            each
            for each in area.get("deployments") or ()
            if _is_meant(selectors, f"{name}/{each['name']}", each["name"])
        ]
        if name not in theirs:
            if meant or listed:
                yield _new_area(name, given)
            continue
        if meant:
            yield from _moved(("areas", name), area, theirs[name], keys_of(AreaKeys), f"area {name}")
        for each in area.get("deployments") or () if meant else listed:
            yield from _deployment(name, each, theirs[name], to)


def _is_meant(selectors: Sequence[str], *names: str) -> bool:
    return any(fnmatchcase(name, selector) for name in names for selector in selectors)


def _new_area(name: str, given: Places) -> Edit | Left:
    written = (given.sources.given.get("areas") or {}).get(name)
    if isinstance(written, str):
        return Edit("", ("areas",), (name,), written, f"area {name}", as_written=True)
    return Left("", f"area {name}", "it stands in the other stack's own file: give it a file of its own first")


def _deployment(area: str, given: Mapping[str, Any], theirs: Mapping[str, Any], to: Places) -> Iterator[Edit | Left]:
    title = f"deployment {given['name']}"
    listed = theirs.get("deployments") or []
    found = next((index for index, each in enumerate(listed) if each["name"] == given["name"]), None)
    if found is not None:
        at = ("areas", area, "deployments", found)
        yield from _moved(at, given, listed[found], keys_of(DeploymentKeys), title)
        return
    raw = ((to.sources.raw.get("areas") or {}).get(area) or {}).get("deployments") or []
    index = next((index for index, each in enumerate(raw) if each.get("name") == given["name"]), None)
    if index is None:
        new = {key: value for key, value in given.items() if value not in (None, {}, [])}
        route = {key: value for key, value in (new.get("work_pool") or {}).items() if key != "name"}
        new = {
            **{key: value for key, value in new.items() if key != "work_pool"},
            **({"work_pool": route} if route else {}),
        }
        yield Edit("", ("areas", area), ("deployments",), [*raw, new], title, as_written=True)
        return
    only = [*raw[index][ONLY_IN], str(to.composed.environment)]
    at = ("areas", area, "deployments", index)
    yield Edit("", at, (ONLY_IN,), only, f"{title}: {ONLY_IN}", as_written=True)


def _moved(
    at: tuple[str | int, ...], given: Mapping[str, Any], theirs: Mapping[str, Any], keys: Sequence[str], title: str
) -> Iterator[Edit]:
    for key in keys:
        if key in _OF_THE_ENVIRONMENT or key in ("name", "in", ONLY_IN):
            continue
        for path, value in _values((key,), given.get(key), theirs.get(key)):
            yield Edit("", at, path, value, f"{title}: {'.'.join(map(str, path))}")


def _values(path: tuple[str, ...], given: Any, theirs: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    if given == theirs or path == ("work_pool", "name"):
        return
    if (
        (path[-1] in _MERGED or path[0] == "queues")
        and isinstance(given or {}, Mapping)
        and isinstance(theirs or {}, Mapping)
    ):
        for key in dict.fromkeys((*(given or {}), *(theirs or {}))):
            yield from _values((*path, key), (given or {}).get(key), (theirs or {}).get(key))
    else:
        yield path, REMOVED if given is None else given
