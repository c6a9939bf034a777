"""End what is in this container once it has given no sign of life for so many health checks in a row.

    CHECK && : > /tmp/silent || end_if_silent.py TIMES CHECK-OF-LIFE ...

A single engine starts again what ends, and leaves alone what hangs: its health check only tells. So a check that fails
asks for a sign of life, too, which whoever merely waits for a database gives. The file counts: a byte for each check
without one. Who answers empties it, and who never did has none, however long his start takes.

The engine starts again what ended by itself (`restart: always`), and its new /tmp is empty.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

COUNT = Path("/tmp/silent")  # noqa: S108  # the container's own memory
CONSOLE = Path("/proc/1/fd/2")


def silent(count: Path, check: list[str]) -> int:
    """How many times in a row there was no sign of life, this one included. 0: there is one, or never was."""
    if not count.exists():
        return 0
    # At once: an engine that has waited for long enough ends this check, too.
    with count.open("ab") as file:
        file.write(b".")
    if subprocess.run(check, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0:
        count.write_bytes(b"")
    return count.stat().st_size


def end_all(why: str) -> None:
    """All processes but the first, which the kernel lets nobody in here kill: it ends when there is no other."""
    try:
        CONSOLE.write_text(why + "\n", encoding="utf-8")
    except OSError as error:
        sys.stderr.write(f"{CONSOLE}: {error}\n")
    os.kill(-1, signal.SIGKILL)


if __name__ == "__main__":
    match sys.argv:
        case [_, times, *check] if times.isdecimal() and int(times) and check:
            found = silent(COUNT, check)
            if found >= int(times):
                end_all(f"end_if_silent.py: no sign of life at {found} health checks in a row: ended, to start again")
            sys.exit(1)
        case _:
            sys.exit("usage: end_if_silent.py TIMES CHECK-OF-LIFE ...")
