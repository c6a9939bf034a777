"""A folder of backups: what they are called, and which of them go."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

SUFFIX: Final = ".backup"
STAMP: Final = "%Y%m%dT%H%M%SZ"


def file_name(of: str, now: datetime) -> str:
    return f"{of}-{now.astimezone(UTC).strftime(STAMP)}{SUFFIX}"


def backups(folder: Path, of: str) -> list[tuple[datetime, Path]]:
    """The oldest first. What is called otherwise is somebody else's."""
    found = []
    for path in folder.glob(f"{of}-*{SUFFIX}"):
        stamp = path.name[len(of) + 1 : -len(SUFFIX)]
        try:
            found.append((datetime.strptime(stamp, STAMP).replace(tzinfo=UTC), path))
        except ValueError:
            continue
    return sorted(found)


def make(pack: Callable[[IO[bytes]], Any], folder: Path, of: str, now: datetime) -> Path:
    """A new backup, by `pack`. It has its name once it is whole: who looks at the folder never finds half of one."""
    path = folder / file_name(of, now)
    unfinished = path.with_suffix(".unfinished")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            pack(file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def thin_out(folder: Path, of: str, keep: int) -> list[Path]:
    """Remove all but the newest; what went."""
    gone = [path for _, path in backups(folder, of)[:-keep]]
    for path in gone:
        path.unlink(missing_ok=True)
    return gone
