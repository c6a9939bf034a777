"""Which stacks a change may touch: by the files that each is made from, before and after."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Final

from infra.cli import revisions
from infra.discovery.uses import stacks
from infra.model import StackErrors
from infra.model.loading import from_file

OF_ALL: Final = ("Pulumi.yaml", "infra", "workers", "flows")
"""What every stack is made from: the program, the images, and the flows whose signatures deployments carry."""
_NOT_THE_PROGRAM: Final = ("infra/cli", "infra/forge", "infra/review", "infra/timeline", "infra/guided")


def shared_stacks(root: Path) -> list[str]:
    """All that have a file, but for personal ones, which live beside their base: dev-ana beside dev."""
    names = stacks(root)
    return [name for name in names if not any(name.startswith(f"{other}-") for other in names)]


def touched_stacks(root: Path, base: str) -> list[str]:
    """Raises: GitError."""
    changed = revisions.changed_files(root, base)
    before: dict[str, set[str]] = {}
    with revisions.files_at(root, base) as folder:
        for name in shared_stacks(root):
            before[name] = _files(folder, name)
    return [name for name in shared_stacks(root) if _any_of(changed, before[name] | _files(root, name) | set(OF_ALL))]


def _files(root: Path, stack: str) -> set[str]:
    """The stack's own file and its areas'; of one that can't be read, all areas there are."""
    own = f"Pulumi.{stack}.yaml"
    try:
        sources = from_file(root, stack)
    except StackErrors:
        return {own, "areas"}
    if sources.faults:
        return {own, "areas"}
    return {own, *(area.name for area in sources.area_files.values())}


def _any_of(changed: Iterable[str], files: set[str]) -> bool:
    return any(
        _is_of(PurePosixPath(path), files) for path in changed if not _is_of(PurePosixPath(path), _NOT_THE_PROGRAM)
    )


def _is_of(path: PurePosixPath, files: Iterable[str]) -> bool:
    return any(path == PurePosixPath(each) or PurePosixPath(each) in path.parents for each in files)
