"""A cache that is never half full: entries are built aside and renamed into place, one set-up at a time."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

PARTIAL = ".partial-"  # begins the names of what a build may leave half done


def fingerprint(*parts: str | bytes) -> str:
    """A short key of these parts in this order; where one ends and the next begins counts."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()[:16]


def files_fingerprint(folder: Path) -> str:
    """A key of all files under a folder, by relative path and content."""
    parts: list[str | bytes] = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        parts += [path.relative_to(folder).as_posix(), path.read_bytes()]
    return fingerprint(*parts)


def entry(place: Path, build: Callable[[Path], None]) -> Path:
    """The folder `place`, built by `build(folder)` if it isn't there yet.

    It appears whole or not at all: a build that fails, or is killed, leaves at most a `.partial-` folder for `sweep`.
    """
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{PARTIAL}{place.name}-", dir=place.parent))
    try:
        build(partial)
        partial.chmod(0o755)
        partial.rename(place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return place


def sweep(root: Path) -> None:
    """Removes what killed builds left behind. Only to be called by who holds the lock."""
    for partial in root.glob(f"{PARTIAL}*"):
        shutil.rmtree(partial, ignore_errors=True)


@contextlib.contextmanager
def exclusive(path: Path, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Holds the lock file; `on_wait` gets the holder's pid when there is one to wait for. Dies with its process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            on_wait(os.pread(descriptor, 20, 0).decode().strip() or "unknown")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)  # which lets go of the lock
