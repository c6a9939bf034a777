"""What docs/operations.md gives people to type, typed as it stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

from tests.stack.platforms import ROOT, Platform

OPERATIONS = ROOT / "docs" / "operations.md"
EXAMPLE = re.compile(r"'[^']*'")


def commands(chapter: str, passage: str) -> list[str]:
    """What is written to be typed: below a heading of a chapter, or after words in bold that begin a line."""
    chapters = re.split(r"^## ", OPERATIONS.read_text(), flags=re.MULTILINE)
    (text,) = (each for each in chapters if each.partition("\n")[0] == chapter)
    passages = re.split(r"^(?=### |\*\*)", text, flags=re.MULTILINE)
    (section,) = (each for each in passages if passage in each.partition("\n")[0])
    return [line.strip() for line in section.splitlines() if line.startswith("    ")]


def type_in(platform: Platform, command: str, value: str | None = None, backups: Path | None = None) -> None:
    """But for the stack's name.

    `value`: in the place of the example in quotes. `backups`: of the folder; its newest file, of the example's.
    """
    typed = re.sub(r"\bprod\b", platform.stack, command)
    if value is not None:
        typed, count = EXAMPLE.subn(lambda _: shlex.quote(value), typed)
        assert count == 1, command
    if backups is not None:
        typed = typed.replace("/srv/backups", str(backups))
        if made := sorted(backups.glob("*.backup")):
            typed = re.sub(r"\S+\.backup\b", str(made[-1]), typed)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", typed],
        cwd=platform.folder,
        env=platform.environment | {"PULUMI_SKIP_CONFIRMATIONS": "true", "PULUMI_SKIP_UPDATE_CHECK": "true"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=900,
        check=False,
    )
    said = f"{done.stdout[-4000:]}{done.stderr[-4000:]}"
    assert done.returncode == 0, f"{command}\n{said}"
    assert "Traceback" not in said, f"{command}\n{said}"
