"""When a schedule fires: the server's own arithmetic, done here without a server.

What it does at changes of the clock is not what one would design, and is followed to the letter (as on Python up to
3.12; later ones have another clock library there): a cron time that the clock skips fires an hour earlier, one that
occurs twice fires the first time; an interval jumps from its anchor to now in seconds, then goes on by the wall clock
if it has whole days and by the stop watch if not; of an hour that occurs twice, the second is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import cast
from zoneinfo import ZoneInfo

from dateutil import tz as dateutil_tz
from dateutil.rrule import rrule, rruleset

from infra.model import cron
from infra.model.rrules import parse as parse_rrule
from infra.model.stack import Schedule

_DAY = 86400
_OUT_OF_ORDER = timedelta(hours=3)
"""By more than a clock ever skips, no time comes before an earlier one."""


def next_runs(schedule: Schedule, count: int, after: datetime) -> list[datetime]:
    """The next `count` times at or after the aware `after`, in the schedule's time zone."""
    return sorted(islice(runs(schedule, after), count))


def runs_between(schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
    """All times from the aware `start` on and before `end`, in the schedule's time zone."""
    times: list[datetime] = []
    # Compared as moments: two times of one zone would be compared by their wall clocks.
    first, last = start.astimezone(UTC), end.astimezone(UTC)
    for time in runs(schedule, start):
        moment = time.astimezone(UTC)
        if moment >= last + _OUT_OF_ORDER:
            break
        if first <= moment < last:
            times.append(time)
    return sorted(times, key=lambda time: time.astimezone(UTC))


def runs(schedule: Schedule, after: datetime) -> Iterator[datetime]:
    """All times from the aware `after` on, as the server comes upon them."""
    zone = ZoneInfo(schedule.timezone)
    start = after.astimezone(zone)
    if schedule.cron is not None:
        times = _cron(schedule.cron, start, day_or=schedule.day_or)
    elif schedule.interval is not None:
        anchor = datetime.fromisoformat(cast("str", schedule.anchor_date)).astimezone(zone)
        times = _interval(schedule.interval, anchor, start)
    else:
        times = _rrule(cast("str", schedule.rrule), start, schedule.timezone)
    return _each_once(times, zone)


def _cron(expression: str, start: datetime, *, day_or: bool) -> Iterator[datetime]:
    # The server begins one second earlier, rounded up, so that a start that fits is a time.
    wall = _wall(start) - timedelta(seconds=1)
    if wall.microsecond:
        wall += timedelta(seconds=1)
    for time in cron.parse(expression, day_or=day_or).times(wall):
        yield time.replace(tzinfo=start.tzinfo)


def _interval(seconds: int, anchor: datetime, start: datetime) -> Iterator[datetime]:
    behind = (start.astimezone(UTC) - anchor.astimezone(UTC)).total_seconds()
    time = _later(anchor, seconds * int(behind / seconds))
    days, rest = divmod(seconds, _DAY)
    while _wall(time) < _wall(start):
        time = _step(time, days, rest)
    while True:
        yield time
        time = _step(time, days, rest)


def _step(time: datetime, days: int, rest: int) -> datetime:
    if not days:
        return _later(time, rest)
    # fold: of an hour that occurs twice, the server's clock takes the second.
    wall = time.replace(tzinfo=None) + timedelta(days=days, seconds=rest)
    return _existing(wall.replace(tzinfo=time.tzinfo, fold=1))


def _later(time: datetime, seconds: int) -> datetime:
    return (time.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(time.tzinfo)


def _rrule(text: str, start: datetime, timezone: str) -> Iterator[datetime]:
    zone = dateutil_tz.gettz(timezone)
    rule = parse_rrule(text)
    if isinstance(rule, rrule):
        localised: rrule | rruleset = _localised(rule, zone)
    else:
        localised = rruleset()
        fields = vars(rule)
        for part in fields["_rrule"]:
            localised.rrule(_localised(part, zone))
        for part in fields["_exrule"]:
            localised.exrule(_localised(part, zone))
        for moment in fields["_rdate"]:
            localised.rdate(moment.replace(tzinfo=zone))
        for moment in fields["_exdate"]:
            localised.exdate(moment.replace(tzinfo=zone))
    yield from localised.xafter(start, inc=True)


def _localised(rule: rrule, zone: object) -> rrule:
    fields = vars(rule)
    moments = {"dtstart": fields["_dtstart"], "until": fields["_until"]}
    return rule.replace(**{name: moment.replace(tzinfo=zone) for name, moment in moments.items() if moment})


def _existing(time: datetime) -> datetime:
    """The time itself or, when the clock skips it, as much earlier (fold 0) or later (fold 1) as the clock skips."""
    return time.replace(fold=not time.fold).astimezone(UTC).astimezone(time.tzinfo) if _skipped(time) else time


def _skipped(time: datetime) -> bool:
    return _wall(time.astimezone(UTC).astimezone(time.tzinfo)) != _wall(time)


def _wall(time: datetime) -> datetime:
    return time.replace(tzinfo=None, fold=0)


def _each_once(times: Iterable[datetime], zone: ZoneInfo) -> Iterator[datetime]:
    # The server compares wall clocks: of an hour that occurs twice it leaves out the second.
    seen: set[datetime] = set()
    for time in times:
        existing = _existing(time) if isinstance(time.tzinfo, ZoneInfo) else time
        local = existing.astimezone(UTC).astimezone(zone)
        if (wall := _wall(local)) not in seen:
            seen.add(wall)
            yield local
