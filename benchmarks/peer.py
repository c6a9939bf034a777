"""A command of a peer's, timed."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


def seconds_of(command: Sequence[str], folder: Path, settings: Mapping[str, str], *, without: tuple[str, ...]) -> float:
    """Seconds that it takes in the folder, with those settings and none from here that begins like one of `without`.

    Raises: RuntimeError: it failed; with its last words.
    """
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(without)}
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env={**inherited, **settings}, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {(done.stdout + done.stderr)[-4000:]}")
    return seconds
