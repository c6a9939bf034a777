"""Signs of life of worker processes: two of one name may be there at once, while one follows the other.

Each process has a mark, and a file of that name on the area's volume that is locked for as long as the process lives:
the kernel lets go of it however the process ends. So another one knows whose runs have lost their process.
"""

from __future__ import annotations

import fcntl
import os
import uuid
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote


class Life:
    """The sign of life of the process that makes it, and a look at those of others of its worker's name."""

    def __init__(self, folder: Path, worker: str) -> None:
        """Raises: OSError: the folder can't be written."""
        self.mark = uuid.uuid4().hex
        self._folder = folder / quote(worker, safe="")
        self._folder.mkdir(parents=True, exist_ok=True)
        made = self._folder / f".{self.mark}"
        # Kept open, and closed for the processes that it starts: a flow doesn't live in its worker's stead.
        self._held = os.open(made, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        fcntl.flock(self._held, fcntl.LOCK_EX)
        made.rename(self._folder / self.mark)  # nobody ever sees it unlocked

    def is_alive(self, mark: str) -> bool:
        """Whether the process of that mark lives. One without a file has been found dead, or was on another machine."""
        if mark == self.mark:
            return True
        try:
            looked = os.open(self._folder / Path(mark).name, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(looked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(looked)

    def dead(self) -> list[str]:
        """Marks of processes that have ended, and whose runs nobody has looked after yet."""
        marks = [file.name for file in self._folder.iterdir() if not file.name.startswith(".")]
        return [mark for mark in marks if not self.is_alive(mark)]

    def forget(self, marks: list[str]) -> None:
        for mark in marks:
            with suppress(FileNotFoundError):  # another process was faster
                (self._folder / mark).unlink()
