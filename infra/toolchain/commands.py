"""Runs other programs: output kept, time limited, stopped together when one branch of the set-up cannot go on."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from infra.toolchain.errors import CommandError, SetupError

_POLL = 0.05  # seconds
_GRACE = 5.0  # seconds between asking a program to end and ending it

_running: set[subprocess.Popen[bytes]] = set()
_stopped = threading.Event()


class StoppedError(SetupError):
    """Another branch failed first: this one has nothing of its own to say."""


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    timeout: float | None = None,
    silent_for: float | None = None,
    to_the_end: bool = False,
) -> str:
    """What the program printed, both streams as one.

    `silent_for` gives up on one that says nothing for that long; one run `to_the_end` is not stopped with the others.
    """
    words = [str(word) for word in argv]
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                words,
                env=None if env is None else {**os.environ, **env},
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise CommandError(words, "could not be started", str(error)) from error
        with _registered(process, stoppable=not to_the_end):
            outcome = _wait(process, output.fileno(), timeout, silent_for)
        output.seek(0)
        printed = output.read().decode(errors="replace")
    if _stopped.is_set() and not to_the_end:
        raise StoppedError("stopped")
    if outcome:
        raise CommandError(words, outcome, printed)
    return printed


def find(program: str, *, aside_from: Path | None = None) -> Path | None:
    """The program on the PATH (or in the system's folders), outside the folder `aside_from`."""
    folders = [*os.environ.get("PATH", "").split(os.pathsep), "/usr/local/sbin", "/usr/sbin", "/sbin"]
    kept = [folder for folder in folders if folder and (aside_from is None or Path(folder).resolve() != aside_from)]
    found = shutil.which(program, path=os.pathsep.join(kept))
    return Path(found) if found else None


def stop_all() -> None:
    """Ends every program that `run` has under way; their callers get `StoppedError`."""
    _stopped.set()
    for process in list(_running):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)


@contextlib.contextmanager
def _registered(process: subprocess.Popen[bytes], *, stoppable: bool) -> Iterator[None]:
    if stoppable:
        _running.add(process)
    try:
        yield
    finally:
        if process.poll() is None:
            _end(process)
        _running.discard(process)


def _wait(process: subprocess.Popen[bytes], output: int, timeout: float | None, silent_for: float | None) -> str:
    """Empty when it ended well, else in words how it did not."""
    started = heard = time.monotonic()
    size = 0
    while process.poll() is None:
        time.sleep(_POLL)
        now = time.monotonic()
        if silent_for is not None and (grown := os.fstat(output).st_size) != size:
            size, heard = grown, now
        if _stopped.is_set() and process in _running:
            return "was stopped"
        if timeout is not None and now - started > timeout:
            return f"took longer than {timeout:.0f} s"
        if silent_for is not None and now - heard > silent_for:
            return f"said nothing for {silent_for:.0f} s"
    return f"ended with {process.returncode}" if process.returncode else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
