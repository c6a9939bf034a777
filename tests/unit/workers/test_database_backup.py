"""A backup is whole, or it is none: made while the database is written to, checked to its last byte, put back."""

from __future__ import annotations

import io
import json
import sqlite3
import subprocess
import sys
import tarfile
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from workers.backup import archive
from workers.backup.__main__ import Plan, back_up, due, last_of
from workers.backup.keeping import backups, file_name, make, thin_out

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "prefect.db"
    with closing(sqlite3.connect(path)) as made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("CREATE TABLE alembic_version (version_num TEXT)")
        made.execute("INSERT INTO alembic_version VALUES ('a1b2')")
        made.execute("CREATE TABLE flow_run (id INTEGER PRIMARY KEY, name TEXT)")
        made.executemany("INSERT INTO flow_run (name) VALUES (?)", [(f"corrida-{n}" * 20,) for n in range(500)])
        made.commit()
    return path


def packed(database: Path) -> bytes:
    into = io.BytesIO()
    archive.pack(database, into)
    return into.getvalue()


def names(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as opened:
        return [row[0] for row in opened.execute("SELECT name FROM flow_run ORDER BY id")]


def test_what_is_put_back_is_what_was_backed_up_and_what_was_there_is_kept_beside(
    database: Path, tmp_path: Path
) -> None:
    before, backup = names(database), packed(database)
    with closing(sqlite3.connect(database)) as opened:
        opened.execute("DELETE FROM flow_run WHERE id > 7")
        opened.commit()

    manifest = archive.unpack(io.BytesIO(backup), database)

    assert names(database) == before
    assert manifest["rows"] == {"alembic_version": 1, "flow_run": 500}
    assert manifest["schema"] == "a1b2"
    assert len(names(tmp_path / "prefect.db.before-restore")) == 7
    assert not list(tmp_path.glob(".*"))


def test_a_backup_is_of_one_moment_while_others_write(database: Path) -> None:
    """Each transaction adds two rows: an odd number of them would be half of one."""
    stop = threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(database, timeout=30)) as opened:
            while not stop.is_set():
                opened.executemany("INSERT INTO flow_run (name) VALUES (?)", [("a",), ("b",)])
                opened.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        manifests = [archive.read(io.BytesIO(packed(database))) for _ in range(5)]
    finally:
        stop.set()
        writer.join()

    counts = [manifest["rows"]["flow_run"] for manifest in manifests]
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]
    assert all(count % 2 == 0 for count in counts)


def test_whatever_byte_is_changed_or_missing_the_backup_is_refused_and_the_database_stays(
    database: Path, tmp_path: Path
) -> None:
    before, backup = names(database), packed(database)
    with tarfile.open(fileobj=io.BytesIO(backup)) as tar:
        member = tar.getmember(archive.DATABASE)
    begin, end = member.offset_data + 60, member.offset_data + member.size  # after the name in gzip's header
    spoilt = [backup[:length] for length in (0, 100, 1024, begin, (begin + end) // 2)]
    spoilt += [
        backup[:position] + bytes([backup[position] ^ 0xFF]) + backup[position + 1 :]
        for position in range(begin, end, member.size // 7)
    ]
    spoilt.append(b"no backup at all" * 1000)

    for broken in spoilt:
        with pytest.raises(archive.BackupError):
            archive.unpack(io.BytesIO(broken), database)

    assert names(database) == before
    assert sorted(path.name for path in tmp_path.iterdir() if "wal" not in path.name and "shm" not in path.name) == [
        "prefect.db"
    ]


def test_a_damaged_database_is_not_backed_up_as_if_it_were_none(database: Path) -> None:
    with closing(sqlite3.connect(database)) as opened:
        opened.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(database.read_bytes())
    content[4096 * 3 : 4096 * 6] = b"\xff" * 4096 * 3
    database.write_bytes(content)

    with pytest.raises((archive.BackupError, sqlite3.DatabaseError)):
        packed(database)


def test_the_module_works_as_a_text_that_is_sent_somewhere_else(database: Path) -> None:
    """That is how the command line uses it."""
    script = Path(archive.__file__).read_text()
    done = subprocess.run([sys.executable, "-I", "-c", script, "pack", str(database)], capture_output=True, check=True)

    assert archive.read(io.BytesIO(done.stdout))["rows"]["flow_run"] == 500
    nowhere = [sys.executable, "-I", "-c", script, "pack", str(database.with_name("otra.db"))]
    failed = subprocess.run(nowhere, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert failed.stderr.startswith("backup: there is no database")
    assert "Traceback" not in failed.stderr


def test_the_newest_are_kept_and_what_is_not_ours_is_left_alone(database: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    (folder / "p-dev-notas.backup").touch()
    (folder / file_name("p-dev-ana", NOON)).touch()
    made = [make(partial(archive.pack, database), folder, "p-dev", NOON + timedelta(days=day)) for day in (2, 0, 1)]

    gone = thin_out(folder, "p-dev", keep=2)

    assert gone == [made[1]]
    assert [path for _, path in backups(folder, "p-dev")] == [made[2], made[0]]
    assert {path.stat().st_mode & 0o777 for path in (made[0], made[2])} == {0o600}
    assert len(list(folder.iterdir())) == 4


def test_the_next_one_is_due_by_the_last_ones_time_whoever_restarts_in_between() -> None:
    day = timedelta(days=1)

    assert due(None, day, NOON) == NOON
    assert due(NOON - timedelta(hours=1), day, NOON) == NOON + timedelta(hours=23)
    assert due(NOON - timedelta(days=3), day, NOON) == NOON


def test_a_backup_that_fails_is_told_of_and_leaves_nothing_half_made(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan = Plan(of="p-dev", database=tmp_path / "no.db", folder=tmp_path, every=60, keep=2)

    assert not back_up(plan)
    assert "there is no database" in caplog.text
    assert last_of(plan) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"every": 0}, "from 1 up: every"),
        ({"keep": "3"}, "from 1 up: keep"),
        ({"folder": ...}, "expected an object"),
        ({"keeps": 3}, "expected an object"),
        ({"prefect": "3.8.8"}, "either"),
        ({"database": ...}, "either"),
    ],
)
def test_a_plan_that_is_none_is_refused(change: dict[str, Any], told: str) -> None:
    given = {"of": "p-dev", "folder": "/b", "every": 60, "keep": 2, "database": "/d"} | change
    with pytest.raises(ValueError, match=told):
        Plan.parse(json.dumps({key: value for key, value in given.items() if value is not ...}))
    with pytest.raises(ValueError, match="JSON"):
        Plan.parse("")
