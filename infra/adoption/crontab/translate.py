"""Jobs of a crontab as deployments. What the two crons understand differently is put right or told."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import PurePosixPath
from typing import Any

from infra.adoption.command_flow import Command, CommandFlow
from infra.adoption.crontab.parse import Crontab, Job
from infra.adoption.drafts import Draft, Imported, Remark
from infra.adoption.naming import deployment_name, function_name, unique
from infra.model import cron, timezones

_OF_THE_COMMAND = frozenset({"PATH", "HOME", "TZ", "LOGNAME", "USER", "LANG", "LC_ALL"})
"""Variables that are right for the command and may be wrong for the Python that runs the flow."""
_OF_CRON = frozenset({"SHELL", "CRON_TZ"})
_MAIL = frozenset({"MAILTO", "MAILFROM", "CONTENT_TYPE", "CONTENT_TRANSFER_ENCODING"})
_NO_EQUAL = {
    "RANDOM_DELAY": "schedules have no random delay",
    "START_HOURS_RANGE": "anacron's hours have no equal",
}
_SECRET = re.compile(r"passw|secret|token|credential|api_?key|clave|contrase", re.IGNORECASE)
_INTERPRETER = re.compile(r"(ba|da|z|k)?sh|python[\d.]*|perl|php|ruby|node|env|nice|ionice|flock|cd|sudo")
_REDIRECTION = re.compile(r"\s*(?:\d|&)?>{1,2}\s*(?:&\d|\S+)|\s*<\s*\S+")
_FAMILIAR_NAME = 60


class NoEqual(Exception):  # noqa: N818  # no fault of anybody
    """There is no schedule that fires at the same times."""


def translate(crontab: Crontab, area: str, *, taken: Collection[str] = ()) -> Imported:
    """`taken`: names of deployments that are there already."""
    remarks: dict[Remark, None] = {}
    schedules: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    jobs: dict[tuple[str, ...], Job] = {}
    for job in crontab.jobs:
        where = f"line {job.line}"
        remarks |= dict.fromkeys(_told(job))
        try:
            schedule = _schedule(job)
        except NoEqual as reason:
            remarks[Remark(where, "left out", f"{job.schedule} {job.command}: {reason}")] = None
            continue
        env = {key: value for key, value in job.env.items() if key not in {"CRON_TZ"} | _MAIL}
        same: tuple[str, ...] = (job.command, job.stdin or "", job.user or "", repr(sorted(env.items())))
        jobs.setdefault(same, job)
        if schedule in schedules.setdefault(same, []):
            remarks[Remark(where, "left out", "the same command at the same times stands above")] = None
        else:
            schedules[same].append(schedule)
    names: set[str] = set()
    drafts = []
    for same, job in jobs.items():
        name = unique(_name(job), names)
        names.add(name)
        if name in taken:
            remarks[Remark(f"line {job.line}", "left out", f"the stack has a deployment {name} already")] = None
            continue
        drafts.append(_draft(job, name, area, schedules[same]))
    if drafts:
        text = (
            "commands run where the workers run: what they call, and the files they read, must be there; cron mailed "
            "what they wrote, now it is in the run's log; a code other than zero makes the run fail"
        )
        remarks[Remark("all", "note", text)] = None
    return Imported(tuple(drafts), tuple(remarks))


def _draft(job: Job, name: str, area: str, schedules: list[dict[str, Any]]) -> Draft:
    own = {key: value for key, value in job.env.items() if key in _OF_THE_COMMAND}
    flow = CommandFlow(
        area=area,
        function=function_name(name),
        summary=_sentence(job.comment or f"Corre {job.command}"),
        origin="cron",
        commands=[
            Command(job.command, job.env.get("SHELL", "/bin/sh"), folder=job.env.get("HOME"), stdin=job.stdin),
        ],
        env=own,
    )
    deployment: dict[str, Any] = {"name": name, "entrypoint": flow.entrypoint, "tags": ["crontab"]}
    deployment["schedules"] = schedules
    env = {
        name: value
        for name, value in job.env.items()
        if name not in _OF_THE_COMMAND | _OF_CRON | _MAIL | _NO_EQUAL.keys() and not _SECRET.search(name)
    }
    if env:
        deployment["env"] = env
    return Draft(deployment, flow.file())


def _schedule(job: Job) -> dict[str, Any]:
    if job.schedule == "@reboot":
        raise NoEqual("it runs when the machine starts; a server's schedule knows no machine")
    expression = cron.ALIASES.get(job.schedule.lower(), job.schedule)
    day_or = True
    if not expression.startswith("@"):
        fields = [_field(text) for text in expression.split()]
        expression, day_or = " ".join(fields), _day_or(fields[2], fields[4])
    try:
        cron.parse(expression, day_or=day_or)
    except cron.CronError as error:
        raise NoEqual(f"{error}" + (f" ({error.hint})" if error.hint else "")) from error
    made: dict[str, Any] = {"cron": expression}
    if not day_or:
        made["day_or"] = False
    if zone := job.env.get("CRON_TZ"):
        try:
            made["timezone"] = timezones.normalise(zone)
        except timezones.TimezoneError as error:
            raise NoEqual(f"CRON_TZ={zone}: {error} ({error.hint})") from error
    return made


def _field(text: str) -> str:
    if "~" in text:
        raise NoEqual(f"{text} is a random time, drawn anew by each cron; choose one")
    if re.search(r"[?#L]", text):
        raise NoEqual(f"{text!r} is not of a crontab")
    terms = []
    for term in text.split(","):
        if re.fullmatch(r"\w+/\d+", term):
            raise NoEqual(f"{term} has a step and no range, which crons read differently; write {term.split('/')[0]}-…")
        low, _, high = term.partition("-")
        terms.append(low if low == high else term)
    return ",".join(terms)


def _day_or(day: str, weekday: str) -> bool:
    """Cron means both days at once when one of them begins with *, such as */2; the server never looks at that."""
    return day == "*" or weekday == "*" or not (day.startswith("*") or weekday.startswith("*"))


def _told(job: Job) -> Iterator[Remark]:
    for name in sorted(_MAIL & job.env.keys()):
        if job.env[name]:
            yield Remark(name, "left out", "to be told of failures, declare a notification")
    for name in sorted(_NO_EQUAL.keys() & job.env.keys()):
        yield Remark(name, "left out", _NO_EQUAL[name])
    for name in sorted(filter(_SECRET.search, job.env)):
        yield Remark(name, "left out", "it looks like a secret, and this file is for all to read: keep it in a block")
    if "TZ" in job.env:
        yield Remark("TZ", "note", "it is the command's own and moves no schedule, as in cron; CRON_TZ would")
    if job.user is not None:
        yield Remark(f"line {job.line}", "differs", f"it ran as {job.user}; now it runs as the workers' user")


def _name(job: Job) -> str:
    if job.comment and len(job.comment) <= _FAMILIAR_NAME:
        return deployment_name(job.comment)
    words = [
        PurePosixPath(word).stem for word in _REDIRECTION.sub("", job.command).split() if re.match(r"[\w./~]", word)
    ]
    words = [word for word in words if not _INTERPRETER.fullmatch(word)][:4]
    return deployment_name(" ".join(words if len(words) > 1 else ["correr", *words]))


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
