"""Make a backup now and then, and keep the newest. BACKUP_PLAN: a JSON object.

The standard library alone: an image of Postgres has no other.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
import sys
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final, Self

from workers.background.until_stopped import until_stopped
from workers.backup import archive, postgres_dump
from workers.backup.archive import BackupError
from workers.backup.keeping import backups, make, thin_out

VARIABLE: Final = "BACKUP_PLAN"
RETRY: Final = timedelta(minutes=5)

logger = logging.getLogger("backup")


@dataclass(frozen=True, kw_only=True)
class Plan:
    of: str
    """What the files are called by: project and stack."""
    folder: Path
    every: int
    """Seconds."""
    keep: int
    """How many."""
    database: Path | None = None
    """None: a database on Postgres, which the environment names: see workers/backup/postgres_dump.py."""
    prefect: str | None = None
    """The version of Prefect that uses the one on Postgres; one on SQLite is backed up where Prefect is."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises: ValueError: it is no such plan."""
        try:
            given: dict[str, Any] = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"JSON: {error}") from error
        known = {each.name for each in fields(cls)}
        if not isinstance(given, dict) or not {"of", "folder", "every", "keep"} <= given.keys() <= known:
            raise ValueError(f"expected an object with {', '.join(sorted(known))}")
        numbers = {key: given[key] for key in ("every", "keep")}
        if wrong := [key for key, value in numbers.items() if type(value) is not int or value < 1]:
            raise ValueError(f"expected numbers from 1 up: {', '.join(wrong)}")
        if ("database" in given) == ("prefect" in given):
            raise ValueError("expected either `database` or `prefect`")
        paths: dict[str, Any] = {key: Path(given[key]) for key in ("folder", "database") if key in given}
        return cls(**{**given, **paths})

    @property
    def retry(self) -> timedelta:
        """After one that couldn't be made."""
        return min(RETRY, timedelta(seconds=self.every))

    def pack(self, into: IO[bytes]) -> None:
        if self.database is not None:
            archive.pack(self.database, into)
        else:
            # Beside the backups, where there is room for one.
            postgres_dump.pack(into, prefect=str(self.prefect), scratch=self.folder)


def due(last: datetime | None, every: timedelta, now: datetime) -> datetime:
    """When the next one is to be made. Told by the files: a container that is made anew doesn't begin anew."""
    return max(last + every, now) if last else now


def back_up(plan: Plan) -> bool:
    try:
        made = make(plan.pack, plan.folder, plan.of, datetime.now(UTC))
    except (BackupError, OSError, sqlite3.Error) as error:
        logger.error("No backup: %s: %s", type(error).__name__, error)  # noqa: TRY400  # no bug: a full disk, say
        return False
    logger.info("Made %s, %d bytes", made.name, made.stat().st_size)
    for gone in thin_out(plan.folder, plan.of, plan.keep):
        logger.info("Removed %s", gone.name)
    return True


def last_of(plan: Plan) -> datetime | None:
    made = backups(plan.folder, plan.of)
    return made[-1][0] if made else None


async def for_ever(plan: Plan) -> None:
    every = timedelta(seconds=plan.every)
    while True:
        now = datetime.now(UTC)
        await asyncio.sleep((due(last_of(plan), every, now) - now).total_seconds())
        if not await asyncio.to_thread(back_up, plan):
            await asyncio.sleep(plan.retry.total_seconds())


async def serve(plan: Plan) -> None:
    began = datetime.now(UTC)

    def is_well() -> bool:
        # Unhealthy when one is overdue: who watches containers learns that there are no backups.
        return datetime.now(UTC) - max(last_of(plan) or began, began) <= timedelta(seconds=plan.every) + 2 * plan.retry

    await until_stopped(for_ever(plan), is_well)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s | %(levelname)-7s | %(name)s - %(message)s")
    try:
        plan = Plan.parse(os.environ.get(VARIABLE, ""))
    except ValueError as error:
        sys.exit(f"backup: {VARIABLE}: {error}")
    asyncio.run(serve(plan))


if __name__ == "__main__":
    main()
