"""Which deployments of which stacks use a flow: by entrypoint, from all stack files of a checkout."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from infra.model import StackErrors
from infra.model.entrypoints import EntrypointError, split
from infra.model.loading import from_file, stack_files
from infra.model.overlays import composed


class Use(NamedTuple):
    stack: str
    area: str
    deployment: str


def stacks(root: Path) -> list[str]:
    return [name.removeprefix("Pulumi.").removesuffix(".yaml") for name in stack_files(root)]


def uses(root: Path) -> tuple[dict[str, list[Use]], list[tuple[str, str]]]:
    """By entrypoint; and the files of stacks and areas that can't be read, each with the reason.

    A file that `check` complains about counts as far as it can be understood: who looks for a flow's users wants all.
    """
    found: defaultdict[str, list[Use]] = defaultdict(list)
    unreadable: list[tuple[str, str]] = []
    for stack in stacks(root):
        try:
            sources = from_file(root, stack)
        except StackErrors as errors:
            unreadable.append((f"Pulumi.{stack}.yaml", "; ".join(each.message for each in errors.findings)))
            continue
        unreadable += [(each.file or f"Pulumi.{stack}.yaml", each.message) for _, each in sources.faults]
        for area, deployment in _deployments(composed(sources.raw).values.get("areas")):
            name, entrypoint = deployment.get("name"), deployment.get("entrypoint")
            if isinstance(entrypoint, str):
                found[_normal(entrypoint)].append(Use(stack, area, str(name)))
    return dict(found), list(dict.fromkeys(unreadable))


def _deployments(areas: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    for area, declared in areas.items() if isinstance(areas, dict) else ():
        listed = declared.get("deployments") if isinstance(declared, dict) else None
        for deployment in listed if isinstance(listed, list) else ():
            if isinstance(deployment, dict):
                yield str(area), deployment


def _normal(entrypoint: str) -> str:
    try:
        return ":".join(split(entrypoint))
    except EntrypointError:
        return entrypoint
