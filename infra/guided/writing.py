"""A request put into the file that its area's deployments stand in: added, or changed where it is there already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.adoption.application import Change, target
from infra.adoption.stack_change import change_deployment, declared_deployment
from infra.adoption.stack_edit import EditError, add_deployments


def deployed(root: Path, stack: str, environment: str, area: str, deployment: Mapping[str, Any]) -> Change:
    """The change that makes the deployment so; one without difference where it is so already. Nothing is written.

    Of a deployment that is there, only what is said is changed: keys that the request doesn't have stay.

    Raises:
        StackErrors: The stack's file can't be read.
        EditError: It can't be edited, or says something else for this environment alone.

    """
    to = target(root, stack, area)
    name = str(deployment["name"])
    there = declared_deployment(to.text, to.within, name, file=to.file)
    if there is None:
        after = add_deployments(to.text, to.within, [dict(deployment)], file=to.file)
    else:
        only_in = there.get("only_in")
        if isinstance(only_in, list) and environment not in only_in:
            raise EditError(
                f"{to.file}: {name} is there in {', '.join(map(str, only_in))} only: add {environment} to its only_in, "
                "or choose another name"
            )
        overlays = there.get("in")
        overlay = overlays.get(environment) if isinstance(overlays, Mapping) else None
        new = _uncovered(deployment, overlay, f"in.{environment}", to.file, name)
        after = change_deployment(to.text, to.within, name, new, file=to.file)
    return Change(root, to.file, to.stacks, to.copied, {to.file: after}, {to.file: to.text})


def _uncovered(new: Mapping[str, Any], overlay: Any, path: str, file: str, name: str) -> dict[str, Any]:
    """What the environment's overlay doesn't say itself. Raises EditError where it says otherwise."""
    if not isinstance(overlay, Mapping):
        return dict(new)
    return dict(_pairs(new, overlay, path, file, name))


def _pairs(
    new: Mapping[str, Any], overlay: Mapping[str, Any], path: str, file: str, name: str
) -> Iterator[tuple[str, Any]]:
    for key, value in new.items():
        if key not in overlay:
            yield key, value
        elif isinstance(value, Mapping) and isinstance(overlay[key], Mapping):
            if rest := _uncovered(value, overlay[key], f"{path}.{key}", file, name):
                yield key, rest
        elif overlay[key] != value:
            raise EditError(
                f"{file}: {name} has its own {key!r} in this environment ({path}.{key}): change it there by hand"
            )
