"""How long a throwaway stack lives: read from `8h`, kept as two moments, told in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

from infra.model.recurrence import ScheduleError, interval_seconds

SHORTEST: Final = timedelta(minutes=1)
LONGEST: Final = timedelta(days=30)
_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"))


class LifetimeError(Exception):
    """Its text says what was given, and what would be right."""


@dataclass(frozen=True)
class Lifetime:
    made: datetime
    expires: datetime

    @classmethod
    def of(cls, written: str, now: datetime, *, made: datetime | None = None) -> Self:
        """From now on for so long; `made` is kept when one is renewed. Raises: LifetimeError."""
        now = now.replace(microsecond=0)
        return cls(made or now, now + length(written))

    @classmethod
    def read(cls, made: str, expires: str) -> Self:
        """Raises: ValueError."""
        return cls(_moment(made), _moment(expires))

    def is_over(self, now: datetime) -> bool:
        return now >= self.expires


def length(written: str) -> timedelta:
    """Raises: LifetimeError."""
    try:
        found = timedelta(seconds=interval_seconds(written))
    except ScheduleError:
        raise LifetimeError(f"{written!r} is no length of time: write 90m, 8h, 2d or 1d12h") from None
    if not SHORTEST <= found <= LONGEST:
        raise LifetimeError(f"{written!r} is {in_words(found)}: a throwaway stack lives from 1 minute to 30 days")
    return found


def in_words(span: timedelta) -> str:
    """The two largest units: `2 d 3 h`, `45 min`, `10 s`."""
    rest = int(abs(span).total_seconds())
    parts: list[str] = []
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or f"{rest} s"


def local(moment: datetime, timezone: str) -> datetime:
    return moment.astimezone(ZoneInfo(timezone))


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text} says no offset")
    return moment
