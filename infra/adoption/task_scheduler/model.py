"""A task as its XML says it, typed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

LAST = -1
"""The last day of a month, or the last such weekday of it."""


@dataclass(frozen=True)
class Repetition:
    interval: timedelta
    duration: timedelta | None
    """None: for ever."""


@dataclass(frozen=True)
class Daily:
    every: int


@dataclass(frozen=True)
class Weekly:
    every: int
    weekdays: frozenset[int]
    """Sunday is 0."""


@dataclass(frozen=True)
class Monthly:
    days: frozenset[int]
    months: frozenset[int]


@dataclass(frozen=True)
class MonthlyByWeekday:
    weeks: frozenset[int]
    weekdays: frozenset[int]
    months: frozenset[int]


@dataclass(frozen=True)
class Once:
    pass


@dataclass(frozen=True)
class NoTime:
    """Fires on something that happens, not at a time."""

    kind: str


When: TypeAlias = Once | Daily | Weekly | Monthly | MonthlyByWeekday | NoTime


@dataclass(frozen=True)
class Trigger:
    """`start` and `end` have a time zone only if the task is synchronised across zones."""

    when: When
    enabled: bool
    start: datetime | None
    end: datetime | None
    repetition: Repetition | None
    random_delay: timedelta | None
    limit: timedelta | None = None
    """How long a run that it starts may take, whatever the task's own limit says."""
    stops_at_end: bool = False
    """Whether what still runs is stopped when its repetition's duration ends."""


@dataclass(frozen=True)
class Exec:
    command: str
    arguments: str | None
    folder: str | None

    @property
    def line(self) -> str:
        command = self.command if self.command.startswith('"') or " " not in self.command else f'"{self.command}"'
        return f"{command} {self.arguments}" if self.arguments else command


@dataclass(frozen=True)
class OtherAction:
    kind: str


@dataclass(frozen=True)
class Settings:
    enabled: bool
    multiple_instances: Literal["Parallel", "Queue", "IgnoreNew", "StopExisting"]
    limit: timedelta | None
    restarts: int
    restart_interval: timedelta
    conditions: tuple[str, ...]
    """Names of what else a run depends on, such as RunOnlyIfIdle."""
    starts_when_available: bool = True
    """Whether a start that was missed is made up for."""


@dataclass(frozen=True)
class Task:
    name: str
    description: str | None
    user: str | None
    triggers: tuple[Trigger, ...]
    actions: tuple[Exec | OtherAction, ...]
    settings: Settings
    elevated: bool = False
    """Whether it ran with the highest privileges of its user."""
