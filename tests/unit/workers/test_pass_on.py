"""What a worker on a swarm lays out for the containers of its flow runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "workers" / "pass_on.py"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), *words], capture_output=True, text=True, check=False
    )


def test_a_file_is_there_for_its_owner_alone_before_the_program_begins(tmp_path: Path) -> None:
    source, target = tmp_path / "secret", tmp_path / "profile.toml"
    source.write_text("s3cr3t")
    target.write_text("of before")
    target.chmod(0o400)

    done = run(f"{source}={target}", "--", "cat", str(target))

    assert done.stdout == "s3cr3t", done.stderr
    assert target.stat().st_mode & 0o777 == 0o400
    assert sorted(each.name for each in tmp_path.iterdir()) == ["profile.toml", "secret"]


@pytest.mark.parametrize("words", [(), ("a=b",), ("--", "true"), ("a=b", "--")])
def test_what_it_takes_is_told(words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.returncode == 1
    assert "usage: pass_on.py" in done.stderr


def test_a_secret_that_is_not_there_is_told_without_a_traceback(tmp_path: Path) -> None:
    done = run(f"{tmp_path}/none={tmp_path}/x", "--", "true")
    assert done.returncode == 1
    assert done.stderr.startswith("pass_on.py: ")
