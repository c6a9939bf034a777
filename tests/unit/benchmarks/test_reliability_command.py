"""Benchmarks that have one stack don't get in each other's way."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from benchmarks.reliability.command import alone


def test_of_two_commands_at_once_the_second_is_told_to_wait(tmp_path: Path) -> None:
    first, second = (FileLock(tmp_path / "lock", timeout=0) for _ in range(2))
    with alone(first):
        with alone(first):  # a command takes down its own stack
            pass
        with pytest.raises(SystemExit, match="another of these benchmarks is at work"), alone(second):
            pass
    with alone(second):
        pass
