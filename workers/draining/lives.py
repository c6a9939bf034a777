"""Signs of life of worker processes: two of one name may be there at once, while one follows the other.

Each process has a mark, and a file of that name on the area's volume that is locked for as long as the process lives:
the kernel lets go of it however the process ends. So another one knows whose runs have lost their process.

Of several machines each has a volume of its own, where nothing is seen of processes on the others. So a mark begins
with the name of its volume.
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
        self._folder = folder / quote(worker, safe="")
        self._folder.mkdir(parents=True, exist_ok=True)
        self._volume = _name_of(folder)
        self.mark = f"{self._volume}-{uuid.uuid4().hex}"
        made = self._folder / f".{self.mark}"
        # Kept open, and closed for the processes that it starts: a flow doesn't live in its worker's stead.
        self._held = os.open(made, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        fcntl.flock(self._held, fcntl.LOCK_EX)
        made.rename(self._folder / self.mark)  # nobody ever sees it unlocked

    def is_alive(self, mark: str) -> bool:
        """Whether the process of that mark lives; one without a file has been found dead. One of another volume is
        taken to live: to end the run of a living one would be worse than to leave a dead one's to the janitor.
        """
        if mark == self.mark or not mark.startswith(f"{self._volume}-"):
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


def _name_of(folder: Path) -> str:
    """Given by the first one that asks."""
    file, proposed = folder / ".volume", folder / f".volume-{uuid.uuid4().hex}"
    proposed.write_text(uuid.uuid4().hex)
    with suppress(FileExistsError):
        file.hardlink_to(proposed)  # whole, or not at all
    proposed.unlink()
    return file.read_text()
