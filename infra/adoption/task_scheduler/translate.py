"""Tasks as deployments. That the schedules fire when the triggers did is computed both ways before it is said."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from infra.adoption.command_flow import Command, CommandFlow
from infra.adoption.drafts import Draft, Imported, Remark
from infra.adoption.naming import deployment_name, function_name, unique
from infra.adoption.task_scheduler.firing import firings
from infra.adoption.task_scheduler.model import Exec, OtherAction, Settings, Task, Trigger
from infra.adoption.task_scheduler.schedules import NoEqual, schedules
from infra.model import Schedule, next_runs, rrules
from infra.model.recurrence import ScheduleError, anchor, cron_expression

COMPARED = 400
"""Firings that are computed both ways for each trigger."""
_CLOCK_CHANGE = timedelta(hours=26)
_CONDITIONS = {
    "RunOnlyIfIdle": "it waited until nobody used the machine",
    "RunOnlyIfNetworkAvailable": "it waited for the network",
    "WakeToRun": "it woke the machine",
    "DeleteExpiredTaskAfter": "it was deleted after its end; a deployment stays until it is taken out of the file",
}


def translate(
    tasks: Sequence[Task],
    area: str,
    timezone: str,
    now: datetime,
    *,
    taken: Collection[str] = (),
    say_timezone: bool = True,
) -> Imported:
    """Deployments for tasks, and what they can't take along.

    Args:
        tasks: As parsed.
        area: Whose workers run them.
        timezone: Of the machine that the tasks were exported from.
        now: What is past by then is left out.
        taken: Names of the deployments that there are.
        say_timezone: Whether the schedules say it; needless if it is the stack's.

    """
    names: set[str] = set()
    drafts: list[Draft] = []
    remarks: dict[Remark, None] = {}
    for task in tasks:
        name = unique(deployment_name(task.name), names)
        names.add(name)
        if name in taken:
            remarks[Remark(task.name, "left out", f"the stack has a deployment {name} already")] = None
            continue
        commands = [each for each in task.actions if isinstance(each, Exec)]
        for other in task.actions:
            if isinstance(other, OtherAction):
                remarks[Remark(task.name, "left out", f"its action {other.kind}: only programs can be run")] = None
        if not commands:
            remarks[Remark(task.name, "left out", "it runs no program")] = None
            continue
        made: list[dict[str, Any]] = []
        for number, trigger in enumerate(task.triggers, 1):
            of_trigger = _schedules(trigger, f"{task.name}, trigger {number}", timezone, now, remarks)
            made += [each for each in of_trigger if each not in made]
        remarks |= dict.fromkeys(_told(task))
        if not say_timezone:
            made = [{key: value for key, value in each.items() if key != "timezone"} for each in made]
        drafts.append(_draft(task, name, area, commands, _named(made)))
    if drafts:
        text = (
            "the commands are Windows command lines: they need a process worker on Windows that has their programs "
            "and files, or a command of the worker image in their place; a code other than zero makes the run fail"
        )
        remarks[Remark("all", "note", text)] = None
    if any(not task.settings.starts_when_available for task in tasks):
        text = (
            "a start that was missed was skipped, unless StartWhenAvailable was set; here its run is late, and is made "
            "up for when a worker is back"
        )
        remarks[Remark("all", "differs", text)] = None
    return Imported(tuple(drafts), tuple(remarks))


def _draft(task: Task, name: str, area: str, commands: list[Exec], made: list[dict[str, Any]]) -> Draft:
    settings = task.settings
    flow = CommandFlow(
        area=area,
        function=function_name(name),
        summary=task.description or f"Corre {commands[0].line}",
        origin="el Programador de tareas",
        commands=[Command(each.line, shell=None, folder=each.folder) for each in commands],
        limit_seconds=int(settings.limit.total_seconds()) if settings.limit else None,
        retries=settings.restarts,
        retry_delay_seconds=int(settings.restart_interval.total_seconds()),
    )
    deployment: dict[str, Any] = {"name": name, "entrypoint": flow.entrypoint, "tags": ["task-scheduler"]}
    if not settings.enabled:
        deployment["paused"] = True
    if (limit := _limit(settings)) is not None:
        deployment["concurrency_limit"] = limit
    if made:
        deployment["schedules"] = made
    return Draft(deployment, flow.file())


def _limit(settings: Settings) -> dict[str, Any] | None:
    match settings.multiple_instances:
        case "Parallel":
            return None
        case "IgnoreNew":
            return {"limit": 1, "collision_strategy": "CANCEL_NEW"}
    return {"limit": 1, "collision_strategy": "ENQUEUE"}


def _told(task: Task) -> Iterator[Remark]:
    settings = task.settings
    if settings.multiple_instances == "StopExisting":
        text = "a new run stopped the one that ran; here it waits until that ends"
        yield Remark(task.name, "differs", text)
    for condition in settings.conditions:
        yield Remark(task.name, "left out", f"{condition}: {_CONDITIONS[condition]}")
    if settings.restarts:
        text = "it was started again when it failed to start; the flow's retries also follow a code other than zero"
        yield Remark(task.name, "differs", text)
    if task.elevated:
        yield Remark(task.name, "left out", "RunLevel HighestAvailable: the workers' user has no higher privileges")
    if task.user:
        yield Remark(task.name, "differs", f"it ran as {task.user}; now it runs as the workers' user")


def _schedules(
    trigger: Trigger, where: str, timezone: str, now: datetime, remarks: dict[Remark, None]
) -> list[dict[str, Any]]:
    zone = ZoneInfo(timezone)
    try:
        made = [{**each, "timezone": timezone} for each in schedules(trigger, zone, now)]
        differing = _differing(trigger, made, zone, now)
    except (NoEqual, ScheduleError) as reason:
        remarks[Remark(where, "left out", str(reason))] = None
        return []
    if far := [each for each in differing if not _near_a_clock_change(each, zone)]:
        text = f"no schedule was found that fires alike; the first difference is at {far[0]:%F %H:%M}"
        remarks[Remark(where, "left out", text)] = None
        return []
    if differing:
        first = f"{differing[0]:%F %H:%M}"
        text = f"it fires at other times when the clock changes, first at {first}; else alike"
        remarks[Remark(where, "differs", text)] = None
    if trigger.random_delay:
        remarks[Remark(where, "differs", f"it has no random delay now ({trigger.random_delay} at most)")] = None
    if (
        trigger.repetition
        and trigger.repetition.duration
        and trigger.repetition.duration % trigger.repetition.interval == timedelta()
    ):
        text = "of its repetition, none begins just when the duration ends"
        remarks[Remark(where, "note", text)] = None
    if trigger.stops_at_end:
        remarks[Remark(where, "left out", "StopAtDurationEnd: what still runs then is not stopped")] = None
    if trigger.limit:
        text = f"its own ExecutionTimeLimit ({trigger.limit}): the task's counts for all its runs"
        remarks[Remark(where, "left out", text)] = None
    if not trigger.enabled:
        made = [{**each, "active": False} for each in made]
    return made


def _differing(trigger: Trigger, made: list[dict[str, Any]], zone: ZoneInfo, now: datetime) -> list[datetime]:
    """The times at which only one of both fires, among the next ones."""
    by_trigger = list(islice(firings(trigger, zone, now), COMPARED))
    by_schedules = next_of(made, COMPARED, now)
    horizon = min((each[-1] for each in (by_trigger, by_schedules) if len(each) == COMPARED), default=None)
    theirs, ours = (
        {each for each in times if horizon is None or each <= horizon} for times in (by_trigger, by_schedules)
    )
    return sorted(theirs ^ ours)


def next_of(made: Sequence[dict[str, Any]], count: int, after: datetime) -> list[datetime]:
    """The next firings of several schedules together, as a stack file's rules read them."""
    times = [next_runs(_read(each), count, after) for each in made]
    together: dict[datetime, None] = dict.fromkeys(heapq.merge(*times))
    return list(together)[:count]


def _read(written: dict[str, Any]) -> Schedule:
    rule: dict[str, Any] = {"interval": written.get("interval")}
    if "cron" in written:
        rule["cron"] = cron_expression(written["cron"], day_or=True)
    if "rrule" in written:
        rule["rrule"] = rrules.normal(written["rrule"])
    if "interval" in written:
        rule["anchor_date"] = anchor(written["anchor_date"], written["timezone"])
    return Schedule(slug="x", timezone=written["timezone"], active=True, parameters={}, **rule)


def _near_a_clock_change(moment: datetime, zone: ZoneInfo) -> bool:
    offsets = {(moment + delta).astimezone(zone).utcoffset() for delta in (-_CLOCK_CHANGE, _CLOCK_CHANGE)}
    return len(offsets) > 1


def _named(made: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A slug for each rule that has no short one of its own."""
    return [{**each, "slug": f"regla-{n}"} if "rrule" in each else each for n, each in enumerate(made, 1)]
