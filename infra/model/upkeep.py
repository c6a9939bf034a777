"""How a stack is looked after once it runs: what the janitor is to do, when its database is backed up."""

from __future__ import annotations

import re
from typing import Final

from infra.model import declared
from infra.model.collecting import Findings
from infra.model.errors import KeyPath
from infra.model.recurrence import UNITS
from infra.model.rules import keys
from infra.model.stack import Backup, Janitor

MINUTE: Final = 60
HOUR: Final = 3600
LONGEST: Final = 10 * 366 * 86_400


def janitor(stack: declared.Stack, found: Findings) -> Janitor | None:
    given = stack.janitor
    if given is None:
        return None
    if stack.server.api_url:
        message = "`janitor` is for a server of the stack's own, and this one is there already"
        found.add(keys.MISPLACED_KEY, ("janitor",), message, hint="leave it out", of_key=True)
    if given.skip_after and given.late_runs != "skip_after":
        message = f"`skip_after` says nothing beside `late_runs: {given.late_runs}`"
        hint = "write late_runs: skip_after, or leave it out"
        found.add(keys.MISPLACED_KEY, ("janitor", "skip_after"), message, hint=hint, of_key=True)
    if given.late_runs == "skip_after" and not given.skip_after:
        message = "`late_runs: skip_after` doesn't say after how long"
        found.add(keys.MISSING_KEY, ("janitor", "skip_after"), message, hint="give it: skip_after: 2h")
    skip_after = seconds(given.skip_after, ("janitor", "skip_after"), found)
    return Janitor(
        every=seconds(given.every, ("janitor", "every"), found) or 0,
        heartbeat_seconds=given.heartbeat_seconds,
        zombie_runs=given.zombie_runs,
        pending_timeout=seconds(given.pending_timeout, ("janitor", "pending_timeout"), found),
        late_runs=(skip_after or 0) if given.late_runs == "skip_after" else given.late_runs,
        dead_workers=seconds(given.dead_workers, ("janitor", "dead_workers"), found),
        finished_containers=seconds(given.finished_containers, ("janitor", "finished_containers"), found) or 0,
        rerun_crashed=given.rerun_crashed,
        # The server takes no less, and heartbeats are looked up among the events.
        keep_events=seconds(given.retention.events, ("janitor", "retention", "events"), found, at_least=HOUR + 1),
        keep_runs=seconds(given.retention.runs, ("janitor", "retention", "runs"), found, at_least=HOUR + 1),
    )


def backup(stack: declared.Stack, found: Findings) -> Backup | None:
    given = stack.backup
    if given is None:
        return None
    if stack.server.api_url:
        message = "`backup` is for a server of the stack's own, and this one is there already"
        found.add(keys.MISPLACED_KEY, ("backup",), message, hint="leave it out", of_key=True)
    if stack.server.database.url is not None:
        message = "`backup` is for a database of the stack's own, and this one is elsewhere"
        found.add(keys.MISPLACED_KEY, ("backup",), message, hint="have it backed up where it is", of_key=True)
    every = seconds(given.every, ("backup", "every"), found, at_least=MINUTE) or 0
    return Backup(every=every, keep=given.keep, folder=given.folder)


def seconds(written: str | None, at: KeyPath, found: Findings, *, at_least: int = 1) -> int | None:
    """A length of time in seconds."""
    if written is None:
        return None
    total = in_seconds(written)
    if not at_least <= total <= LONGEST:
        least = {MINUTE: "a minute", HOUR + 1: "more than an hour"}.get(at_least, "a second")
        message = f"{at[-1]!r} is {written}: it goes from {least} to ten years"
        found.add(keys.OUT_OF_RANGE, at, message)
    return total


def in_seconds(written: str) -> int:
    return sum(int(count) * UNITS[unit] for count, unit in re.findall(r"(\d+)([smhd])", written))
