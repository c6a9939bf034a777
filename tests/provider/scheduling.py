"""The server's scheduler, one loop at a time, and what it must have made of a deployment as declared.

The loop is `prefect.server.services.scheduler.schedule_deployments` itself, in a process beside the server's and on its
database: it picks the deployments, makes the runs' times and inserts them. The times that must come out are computed
apart from it, from what the stack declares, by Prefect's own classes of schedules.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from prefect.server.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

MIN_RUNS, MAX_RUNS = 4, 40
MIN_TIME, MAX_TIME = timedelta(hours=36), timedelta(days=100)
"""The scheduler's settings: runs are made until there are `MIN_RUNS` that reach `MIN_TIME` ahead, and no more than
`MAX_RUNS`, none beyond `MAX_TIME`. Those of a server as it comes are 3 and an hour, 100 and 100 days."""
LOOP = """
import asyncio, sys
from prefect.server.services.scheduler import schedule_deployments

async def loops():
    for _ in sys.stdin:
        try:
            await schedule_deployments()
            print("done", flush=True)
        except Exception as error:
            print(repr(error).replace(chr(10), " "), flush=True)

asyncio.run(loops())
"""


class Scheduler:
    """A process that does a loop when told to."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process, self._log = process, log

    def loop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        told = self._process.stdout.readline()
        assert told == "done\n", f"{told}{self._log.read_text()[-2000:]}"


@contextmanager
def scheduler(home: Path, **server: str) -> Iterator[Scheduler]:
    """That of the server whose `PREFECT_HOME` this is, and whose other settings these are."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    settings = "PREFECT_SERVER_SERVICES_SCHEDULER"
    environment |= {
        "PREFECT_HOME": str(home),
        f"{settings}_MIN_RUNS": str(MIN_RUNS),
        f"{settings}_MAX_RUNS": str(MAX_RUNS),
        f"{settings}_MIN_SCHEDULED_TIME": f"PT{int(MIN_TIME.total_seconds())}S",
        f"{settings}_MAX_SCHEDULED_TIME": f"PT{int(MAX_TIME.total_seconds())}S",
        "DO_NOT_TRACK": "1",
        "PYTHONTZPATH": "",
        **server,
    }
    with (home / "scheduler.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", LOOP],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            yield Scheduler(process, home / "scheduler.log")
        finally:
            process.kill()
            process.communicate()


@dataclass(frozen=True)
class Declared:
    """A schedule as the stack declares it."""

    inputs: Mapping[str, Any]

    @property
    def rule(self) -> dict[str, Any]:
        """What says when it runs."""
        return {key: value for key, value in self.inputs.items() if key not in {"slug", "active", "parameters"}}

    def prefect(self, row: Mapping[str, Any]) -> CronSchedule | IntervalSchedule | RRuleSchedule:
        """As Prefect has it. Where the server chose what an interval or a rule counts from, that is in its `row`."""
        given, zone = self.inputs, self.inputs["timezone"]
        if "cron" in given:
            return CronSchedule(cron=given["cron"], timezone=zone, day_or=given.get("day_or", True))
        if "rrule" in given:
            rule, chosen = given["rrule"], row["rrule"].partition("\n")[0]
            dated = rule if "DTSTART" in rule or "DTSTART" not in chosen else f"{chosen}\nRRULE:{rule}"
            return RRuleSchedule(rrule=dated, timezone=zone)
        anchor = given.get("anchor_date")
        moment = datetime.fromisoformat(anchor or row["anchor_date"])
        return IntervalSchedule(interval=timedelta(seconds=given["interval"]), anchor_date=moment, timezone=zone)

    async def times(self, row: Mapping[str, Any], now: datetime) -> set[datetime]:
        """Those that a loop of the scheduler at `now` makes runs for."""
        dates = await self.prefect(row).get_dates(MAX_RUNS, now, now + MAX_TIME)
        made: set[datetime] = set()
        for date in dates:
            made.add(date)
            if len(made) >= MIN_RUNS and date >= now + MIN_TIME:
                break
        return made
