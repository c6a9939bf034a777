"""One backup is one file: a tar of `manifest.json` and `database.sqlite.gz`, or `database.pgdump` of Postgres.

    python archive.py pack DATABASE > FILE     while the server writes to it
    python archive.py unpack DATABASE < FILE   while nobody does
    python archive.py facts DATABASE           the version of its schema, and the rows of its tables, as JSON

The standard library alone: the command line sends this text to the server's container as it is, so that a server of
any age can be backed up.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import shutil
import sqlite3
import sys
import tarfile
import time
import zlib
from contextlib import closing
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import IO, Any

FORM = 1
MANIFEST, DATABASE, DUMP = "manifest.json", "database.sqlite.gz", "database.pgdump"
BUSY_SECONDS = 60.0
BLOCK = 1024 * 1024
SIDE_FILES = ("-wal", "-shm")


class BackupError(Exception):
    """It can't be used. The text says why."""


def pack(database: Path, into: IO[bytes]) -> dict[str, Any]:
    """Write a backup of the database, as it is at one moment. The manifest."""
    if not database.is_file():
        raise BackupError(f"there is no database {database}")
    copy = database.with_name(f".backup-{os.getpid()}.sqlite")
    packed = copy.with_suffix(".gz")
    try:
        _copy(database, copy)
        with copy.open("rb") as plain:
            digest = _sha256(plain)
        manifest = {
            "form": FORM,
            "kind": "sqlite",
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "prefect": metadata.version("prefect"),
            "bytes": copy.stat().st_size,
            "sha256": digest,
            **facts(copy),
        }
        with copy.open("rb") as plain, gzip.open(packed, "wb", compresslevel=6) as small:
            shutil.copyfileobj(plain, small, BLOCK)
        with tarfile.open(fileobj=into, mode="w|") as tar:
            _add(tar, MANIFEST, json.dumps(manifest, indent=2).encode())
            tar.add(packed, DATABASE)
    finally:
        for leftover in (copy, packed):
            leftover.unlink(missing_ok=True)
    return manifest


def unpack(source: IO[bytes], database: Path) -> dict[str, Any]:
    """Put a backup in the place of a database that nobody uses; what was there is kept beside it. The manifest."""
    fresh = database.with_name(f".restore-{os.getpid()}.sqlite")
    try:
        manifest = read(source, fresh)
        if manifest["kind"] != "sqlite":
            raise BackupError(f"it is of a database on {manifest['kind']}")
        _swap(database, fresh)
    finally:
        fresh.unlink(missing_ok=True)
    return manifest


def read(source: IO[bytes], into: Path | None = None) -> dict[str, Any]:
    """Check a backup to its last byte, and write its database to a file if one is named. The manifest."""
    try:
        with tarfile.open(fileobj=source, mode="r|") as tar:
            manifest = _manifest(tar)
            name = DATABASE if manifest["kind"] == "sqlite" else DUMP
            member = tar.next()
            stream = tar.extractfile(member) if member and member.name == name else None
            if stream is None:
                raise BackupError(f"the backup has no {name}")
            digest = hashlib.sha256()
            unpacked: Any = gzip.GzipFile(fileobj=stream) if name == DATABASE else stream
            with unpacked as plain, (into or Path(os.devnull)).open("wb") as file:
                while block := plain.read(BLOCK):
                    digest.update(block)
                    file.write(block)
    except (tarfile.TarError, zlib.error, EOFError, OSError, ValueError) as error:
        raise BackupError(f"it is no backup, or not a whole one: {error}") from error
    if digest.hexdigest() != manifest["sha256"]:
        raise BackupError("its database is not what was backed up: the checksum differs")
    if into is not None and manifest["kind"] == "sqlite" and facts(into)["rows"] != manifest["rows"]:
        raise BackupError("its database has not the rows that were backed up")
    return manifest


def wrap(dump: IO[bytes], known: dict[str, Any], into: IO[bytes]) -> None:
    """A backup of Postgres from what pg_dump wrote."""
    size = dump.seek(0, os.SEEK_END)
    dump.seek(0)
    digest = _sha256(dump)
    dump.seek(0)
    manifest = {"form": FORM, "kind": "postgres", "bytes": size, "sha256": digest, **known}
    with tarfile.open(fileobj=into, mode="w|") as tar:
        _add(tar, MANIFEST, json.dumps(manifest, indent=2).encode())
        member = tarfile.TarInfo(DUMP)
        member.size, member.mtime = size, int(time.time())
        tar.addfile(member, dump)


def facts(database: Path) -> dict[str, Any]:
    """What the database holds: the version of its schema, the rows of each table."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        if (found := connection.execute("PRAGMA quick_check").fetchone()[0]) != "ok":
            raise BackupError(f"the database is damaged: {found}")
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        rows = {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608  # its own tables
            for name in sorted(tables)
            if not name.startswith("sqlite_")
        }
        versions = connection.execute("SELECT version_num FROM alembic_version") if "alembic_version" in rows else ()
        return {"schema": next((row[0] for row in versions), None), "rows": rows}


def _copy(database: Path, copy: Path) -> None:
    """In one step: the database is in WAL mode, where a reader keeps nobody from writing, nor sees what they write."""
    with closing(sqlite3.connect(database, timeout=BUSY_SECONDS)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target, pages=-1)
        target.execute("PRAGMA journal_mode = DELETE")


def _swap(database: Path, fresh: Path) -> None:
    former = database.with_name(f"{database.name}.before-restore")
    for suffix in ("", *SIDE_FILES):
        was = database.with_name(database.name + suffix)
        kept = former.with_name(former.name + suffix)
        kept.unlink(missing_ok=True)
        if was.exists():
            was.replace(kept)
    fresh.replace(database)


def _manifest(tar: tarfile.TarFile) -> dict[str, Any]:
    member = tar.next()
    stream = tar.extractfile(member) if member and member.name == MANIFEST else None
    if stream is None:
        raise BackupError(f"it is no backup: it has no {MANIFEST}")
    manifest: dict[str, Any] = json.loads(stream.read())
    manifest.setdefault("kind", "sqlite")
    if manifest.get("form") != FORM:
        raise BackupError(f"its form is {manifest.get('form')!r}: this version reads {FORM}")
    return manifest


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mtime = len(content), int(time.time())
    tar.addfile(member, io.BytesIO(content))


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := file.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()


if __name__ == "__main__":
    _, verb, target = sys.argv
    try:
        if verb == "pack":
            pack(Path(target), sys.stdout.buffer)
        elif verb == "facts":
            sys.stdout.write(json.dumps(facts(Path(target))))
        else:
            sys.stdout.write(json.dumps(unpack(sys.stdin.buffer, Path(target))))
    except BackupError as error:
        sys.exit(f"backup: {error}")
