"""`prefect-infra restore` looks at a file before it touches anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli import app


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "No such file"), (b"", "no backup"), (b"esto no es un backup" * 100, "no backup")],
    ids=["missing", "empty", "something else"],
)
def test_what_is_no_backup_is_refused_in_words(tmp_path: Path, content: bytes | None, told: str) -> None:
    file = tmp_path / "x.backup"
    if content is not None:
        file.write_bytes(content)

    done = CliRunner().invoke(app, ["restore", str(file), "--stack", "t-no-such", "--yes"])

    assert done.exit_code == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
