"""Backups of a stack's database from outside, through the engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infra.backup.engine import DatabaseError
from infra.backup.postgres_database import PostgresDatabase
from infra.backup.sqlite_database import SqliteDatabase
from infra.backup.swarm_database import SwarmDatabase
from workers.backup import archive

__all__ = ["DatabaseError", "PostgresDatabase", "SqliteDatabase", "SwarmDatabase", "check", "database_of"]


def database_of(project: str, stack: str) -> SqliteDatabase | PostgresDatabase:
    """Raises: DatabaseError: the stack has none on this engine, nor on the swarm that it manages."""
    found = SwarmDatabase.of(project, stack) or SqliteDatabase.of(project, stack) or PostgresDatabase.of(project, stack)
    if found is None:
        raise DatabaseError(f"no database of the stack {stack} is on this engine: `pulumi up --stack {stack}` first")
    return found


def check(file: Path) -> dict[str, Any]:
    """The manifest of a backup that is whole. Raises: DatabaseError."""
    try:
        with file.open("rb") as source:
            return archive.read(source)
    except OSError as error:
        raise DatabaseError(f"{file}: {error.strerror}") from error
    except archive.BackupError as error:
        raise DatabaseError(f"{file}: {error}") from error
