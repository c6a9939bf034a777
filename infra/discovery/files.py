"""The Python files of a checkout: those that git tracks or would track."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

_NOT_SOURCES = frozenset({".git", ".hg", ".venv", "venv", "node_modules", "__pycache__", ".state", ".tox"})
"""What is left out where there is no git to ask."""


def python_files(root: Path) -> list[str]:
    """Paths relative to `root`, with forward slashes, sorted."""
    listed = _of_git(root)
    return sorted(set(_walked(root) if listed is None else listed))


def _of_git(root: Path) -> list[str] | None:
    """None where git can't tell: it is not installed, or this is no checkout."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z", "--", "*.py"]
    try:
        listed = subprocess.run(command, cwd=root, capture_output=True, check=False)
    except OSError:
        return None
    if listed.returncode != 0:
        return None
    return [os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]


def _walked(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        folders[:] = [each for each in folders if each not in _NOT_SOURCES]
        for name in names:
            if name.endswith(".py"):
                yield Path(folder, name).relative_to(root).as_posix()
