"""A file of this machine as the disk of the database's volume, so that it alone can be full. Needs root and Linux."""

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
    return os.geteuid() == 0 and all(shutil.which(each) for each in ("losetup", "mkfs.ext4"))


def make(file: Path, volume: str, labels: Mapping[str, str]) -> None:
    """The volume, before the stack makes one of that name: the engine then gives it this one."""
    with file.open("wb") as stream:
        stream.truncate(MEGABYTES * 1024 * 1024)
    # Nothing is kept for root, who doesn't write here.
    _run("mkfs.ext4", "-q", "-m", "0", "-E", f"root_owner={OWNER}", str(file))
    device = _run("losetup", "--find", "--show", str(file))
    labelled = [word for key, value in labels.items() for word in ("--label", f"{key}={value}")]
    _run("docker", "volume", "create", "--opt", "type=ext4", "--opt", f"device={device}", *labelled, volume)


def forget(file: Path) -> None:
    """Once the volume is gone."""
    for line in _run("losetup", "--associated", str(file)).splitlines():
        _run("losetup", "--detach", line.partition(":")[0])


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.strip()
