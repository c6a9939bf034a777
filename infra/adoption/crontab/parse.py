"""A crontab as cron reads it: jobs, each with the variables that were set above it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from infra.adoption.drafts import SourceFaults

_VARIABLE = re.compile(r"""\s*(?P<quote>["']?)(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P=quote)\s*=\s*(?P<value>.*?)\s*""")
_SCHEDULE_FIELDS = 5


@dataclass(frozen=True)
class Job:
    line: int
    schedule: str
    """Five fields, or one that begins with @."""
    user: str | None
    command: str
    stdin: str | None
    comment: str | None
    """The comment right above it."""
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Crontab:
    jobs: tuple[Job, ...]


def parse(text: str, *, system: bool = False) -> Crontab:
    """Read a crontab; with `system`, one of /etc/crontab and /etc/cron.d, where a user stands before the command.

    Raises:
        SourceFaults: All lines that are none of a crontab's.

    """
    faults: list[str] = []
    jobs = tuple(_jobs(text, faults, system=system))
    if faults:
        raise SourceFaults(faults)
    return Crontab(jobs)


def _jobs(text: str, faults: list[str], *, system: bool) -> Iterator[Job]:
    env: dict[str, str] = {}
    comments: list[str] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        stripped = line.strip()
        if stripped.startswith("#"):
            comments.append(stripped.lstrip("#").strip())
        elif not stripped:
            comments = []
        elif variable := _VARIABLE.fullmatch(line):
            env = {**env, variable["name"]: _unquoted(variable["value"])}
        else:
            comment, comments = " ".join(filter(None, comments)) or None, []
            try:
                schedule, rest = _split(stripped.removeprefix("-"))
                user, command = rest.split(None, 1) if system else (None, rest)
            except ValueError:
                wanted = "a schedule, a user and a command" if system else "a schedule and a command"
                faults.append(f"line {number}: {stripped!r} is neither {wanted}, nor NAME=value, nor a comment")
                continue
            command, stdin = _percents(command)
            yield Job(number, schedule, user, command.strip(), stdin, comment, env)


def _split(line: str) -> tuple[str, str]:
    """Raises ValueError."""
    count = 1 if line.startswith("@") else _SCHEDULE_FIELDS
    parts = line.split(None, count)
    if len(parts) != count + 1 or (count > 1 and not all(re.fullmatch(r"[\w*/,~?#-]+", part) for part in parts[:-1])):
        raise ValueError(line)
    return " ".join(parts[:count]), parts[count]


def _percents(command: str) -> tuple[str, str | None]:
    r"""The command, and its input: what follows the first %, each further % a line's end. \% is a percent sign."""
    parts = [part.replace(r"\%", "%") for part in re.split(r"(?<!\\)%", command)]
    return parts[0], "".join(f"{part}\n" for part in parts[1:]) if len(parts) > 1 else None


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value
