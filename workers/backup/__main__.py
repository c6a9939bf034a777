"""Make a backup now and then, and keep the newest. BACKUP_PLAN: a JSON object."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sqlite3
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workers.backup.archive import BackupError
from workers.backup.keeping import backups, make, thin_out

VARIABLE: Final = "BACKUP_PLAN"
PORT: Final = 8080
RETRY: Final = timedelta(minutes=5)

logger = logging.getLogger("backup")


class Plan(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    of: str
    """What the files are called by: project and stack."""
    database: Path
    folder: Path
    every: int = Field(gt=0)
    """Seconds."""
    keep: int = Field(gt=0)
    """How many."""


def due(last: datetime | None, every: timedelta, now: datetime) -> datetime:
    """When the next one is to be made. Told by the files: a container that is made anew doesn't begin anew."""
    return max(last + every, now) if last else now


def back_up(plan: Plan) -> bool:
    try:
        made = make(plan.database, plan.folder, plan.of, datetime.now(UTC))
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
            await asyncio.sleep(min(RETRY, every).total_seconds())


async def serve(plan: Plan) -> None:
    loop, stopped, began = asyncio.get_running_loop(), asyncio.Event(), datetime.now(UTC)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)

    async def health(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Unhealthy when one is overdue: who watches containers learns that there are no backups.
        late = datetime.now(UTC) - max(last_of(plan) or began, began) > timedelta(seconds=plan.every) + 2 * RETRY
        writer.write(b"HTTP/1.0 503 Service Unavailable\r\n\r\n" if late else b"HTTP/1.0 200 OK\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(health, "127.0.0.1", PORT):
        going = asyncio.create_task(for_ever(plan))
        await asyncio.wait((going, asyncio.create_task(stopped.wait())), return_when=asyncio.FIRST_COMPLETED)
        if going.done():
            await going  # raises what ended it
        going.cancel()


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s | %(levelname)-7s | %(name)s - %(message)s")
    try:
        plan = Plan.model_validate_json(os.environ.get(VARIABLE, ""))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'JSON'}: {e['msg']}" for e in error.errors())
        sys.exit(f"backup: {VARIABLE}: {problems}")
    asyncio.run(serve(plan))


if __name__ == "__main__":
    main()
