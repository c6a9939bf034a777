"""A file of this machine as the disk of the database's volume, so that it alone can be full. Needs root and Linux.

The disk is mounted where the engine keeps the volume's files, not named as an option of the volume: Pulumi would find a
volume that isn't as declared, and the next `up` would replace it, and the database with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

MEGABYTES: Final = 4096  # a sparse file: it takes what is written
OWNER: Final = "10001:10001"  # who Postgres runs as


def is_possible() -> bool:
    return os.geteuid() == 0 and all(shutil.which(each) for each in ("mount", "mkfs.ext4"))


def make(file: Path, volume: str, labels: Mapping[str, str]) -> None:
    """The volume, before the stack makes one of that name: the engine then gives it this one.

    `labels`: all that the stack gives it.
    """
    with file.open("wb") as stream:
        stream.truncate(MEGABYTES * 1024 * 1024)
    # Nothing is kept for root, who doesn't write here.
    _run("mkfs.ext4", "-q", "-m", "0", "-E", f"root_owner={OWNER}", str(file))
    labelled = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
    _run("docker", "volume", "create", *labelled, volume)
    _run("mount", "-o", "loop", str(file), _run("docker", "volume", "inspect", "--format", "{{.Mountpoint}}", volume))


def forget(file: Path) -> None:
    """Before the volume goes: the engine can't remove what is a mount. Containers keep it for as long as they run."""
    for line in _run("losetup", "--associated", str(file)).splitlines():
        subprocess.run(["umount", "--lazy", line.partition(":")[0]], check=False, capture_output=True, timeout=60)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()
