"""A copy of a checkout, with the set-up's results, which needn't be made twice, and a state of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

from infra.toolchain.links import link

_NOT_SOURCES = frozenset({".git", ".state", ".venv", "__pycache__"})


def copy_checkout(root: Path, into: Path, *, ignored: Collection[str] = ()) -> None:
    """All that git would take along, uncommitted changes included; without git, all but the set-up's results.

    Args:
        root: The checkout.
        into: The folder, whose other files stay.
        ignored: Files that count although git ignores them.

    """
    for name in list(_files(root, ignored)):
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, target, follow_symlinks=False)
    state = into / ".state"
    (state / "pulumi").mkdir(parents=True, exist_ok=True)
    shutil.copy2(root / ".state" / "toolchain.json", state)
    link(into / ".venv", (root / ".venv").resolve())


def _files(root: Path, ignored: Collection[str]) -> Iterator[str]:
    if (root / ".git").exists():
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        if listed.returncode == 0:
            known = {*filter(None, listed.stdout.split("\0")), *ignored}
            yield from sorted(name for name in known if (root / name).is_file() or (root / name).is_symlink())
            return
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in _NOT_SOURCES]
        yield from ((Path(folder) / name).relative_to(root).as_posix() for name in sorted(names))
