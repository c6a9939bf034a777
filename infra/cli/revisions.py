"""Other revisions of the checkout, by git: their files, and what has changed since."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from infra.review.changed_lines import added_lines


class GitError(Exception):
    """What git complained of."""


def common(root: Path, revision: str) -> str:
    """The commit that HEAD and the revision both come from: what others did meanwhile is no change of this one."""
    _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}", said=revision)
    return _git(root, "merge-base", "HEAD", revision, said=f"{revision} and HEAD have no commit in common").strip()


@contextmanager
def files_at(root: Path, commit: str) -> Iterator[Path]:
    """A folder with the files of a commit, for as long as it is needed."""
    done = subprocess.run(["git", "archive", "--format=tar", commit], cwd=root, capture_output=True, check=False)
    if done.returncode != 0:
        raise GitError(done.stderr.decode(errors="replace").strip())
    with tempfile.TemporaryDirectory(prefix="prefect-infra-base-") as folder:
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


def added(root: Path, commit: str) -> dict[str, frozenset[int]]:
    """By file, the lines of the checkout as it lies there that the commit doesn't have."""
    options = ("--unified=0", "--no-prefix", "--no-ext-diff", "--no-color", "--no-renames")
    found = added_lines(_git(root, "diff", *options, commit, "--"))
    for name in _untracked(root):
        try:
            found[name] = frozenset(range(1, len((root / name).read_text(encoding="utf-8").splitlines()) + 1))
        except (OSError, UnicodeDecodeError):
            found[name] = frozenset()
    return found


def changed_files(root: Path, commit: str) -> list[str]:
    """Of the checkout as it lies there; what is gone is among them."""
    told = _git(root, "diff", "--name-only", "--no-renames", "-z", commit, "--")
    return sorted({*filter(None, told.split("\0")), *_untracked(root)})


def time_of_head(root: Path) -> datetime | None:
    """When the checkout's commit was made; None without one."""
    try:
        return datetime.fromisoformat(_git(root, "log", "-1", "--format=%cI", "HEAD").strip())
    except (GitError, ValueError):
        return None


def _untracked(root: Path) -> list[str]:
    return list(filter(None, _git(root, "ls-files", "--others", "--exclude-standard", "-z").split("\0")))


def _git(root: Path, *arguments: str, said: str = "") -> str:
    try:
        done = subprocess.run(
            ["git", "-c", "core.quotePath=false", *arguments], cwd=root, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise GitError("there is no git on this machine") from error
    if done.returncode != 0:
        raise GitError(done.stderr.strip() or f"git has no {said}" if said else done.stderr.strip())
    return done.stdout
