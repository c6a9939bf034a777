"""The XML that Task Scheduler, `schtasks /query /xml` and `Export-ScheduledTask` write."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from xml.etree import ElementTree as ET  # document types are refused before it sees the text

from infra.adoption.drafts import SourceFaults
from infra.adoption.task_scheduler.model import (
    LAST,
    Daily,
    Exec,
    Monthly,
    MonthlyByWeekday,
    NoTime,
    Once,
    OtherAction,
    Repetition,
    Settings,
    Task,
    Trigger,
    Weekly,
    When,
)

_NAMESPACE = "http://schemas.microsoft.com/windows/2004/02/mit/task"
_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?")
_CONDITIONS = ("RunOnlyIfIdle", "RunOnlyIfNetworkAvailable", "WakeToRun", "DeleteExpiredTaskAfter")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_POLICIES = ("Parallel", "Queue", "IgnoreNew", "StopExisting")
_DEFAULT_LIMIT = timedelta(hours=72)
_MONTH_DAYS = 31
_WEEKS = 4


class _Wrong(Exception):  # noqa: N818  # turned into a fault of the file
    pass


def parse(content: bytes, name: str) -> list[Task]:
    """All tasks of a file; `name` is for a task that doesn't say its own.

    Raises:
        SourceFaults: It is no task's XML, or says something that can't be.

    """
    text = _decoded(content)
    if re.search(r"<!\s*(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise SourceFaults([f"{name}: it has a document type, which no exported task has"])
    try:
        root = ET.fromstring(re.sub(r"^\s*<\?xml.*?\?>", "", text, count=1, flags=re.DOTALL))  # noqa: S314
    except (ET.ParseError, ValueError) as error:
        raise SourceFaults([f"{name}: it is no XML: {error}"]) from error
    found = [root] if _tag(root) == "Task" else [each for each in root if _tag(each) == "Task"]
    if not found:
        raise SourceFaults([f"{name}: it is no exported task: its root is <{_tag(root)}>, not <Task> of {_NAMESPACE}"])
    try:
        return [_task(each, name if len(found) == 1 else f"{name}-{n}") for n, each in enumerate(found, 1)]
    except _Wrong as wrong:
        raise SourceFaults([f"{name}: {wrong}"]) from wrong


def _decoded(content: bytes) -> str:
    """By what the bytes are: the declaration is often wrong after a redirection in PowerShell."""
    for bom, encoding in _BOMS:
        if content.startswith(bom):
            return content.decode(encoding, "replace")
    if b"\0" in content[:4]:
        return content.decode("utf-16-le" if content[1:2] == b"\0" else "utf-16-be", "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _task(element: ET.Element, name: str) -> Task:
    uri = _text(element, "RegistrationInfo", "URI")
    actions = _child(element, "Actions")
    triggers = _child(element, "Triggers")
    return Task(
        name=uri.rpartition("\\")[2] if uri else name,
        description=_text(element, "RegistrationInfo", "Description"),
        user=_text(element, "Principals", "Principal", "UserId")
        or _text(element, "Principals", "Principal", "GroupId"),
        triggers=tuple(_trigger(each) for each in triggers if isinstance(each.tag, str))
        if triggers is not None
        else (),
        actions=tuple(_action(each) for each in actions if isinstance(each.tag, str)) if actions is not None else (),
        settings=_settings(_child(element, "Settings")),
        elevated=_text(element, "Principals", "Principal", "RunLevel") == "HighestAvailable",
    )


def _action(element: ET.Element) -> Exec | OtherAction:
    command = _text(element, "Command")
    if _tag(element) != "Exec" or command is None:
        return OtherAction(_tag(element))
    return Exec(command, _text(element, "Arguments"), (_text(element, "WorkingDirectory") or "").strip('"') or None)


def _settings(element: ET.Element | None) -> Settings:
    if element is None:
        element = ET.Element("Settings")
    policy = _text(element, "MultipleInstancesPolicy") or "IgnoreNew"
    if policy not in _POLICIES:
        raise _Wrong(f"MultipleInstancesPolicy is {policy!r}: it must be one of {', '.join(_POLICIES)}")
    limit = _duration(element, "ExecutionTimeLimit")
    return Settings(
        enabled=_flag(element, "Enabled"),
        multiple_instances=policy,  # type: ignore[arg-type]  # one of the four
        limit=(_DEFAULT_LIMIT if limit is None else limit) or None,
        restarts=_number(element, "RestartOnFailure", "Count") or 0,
        restart_interval=_duration(element, "RestartOnFailure", "Interval") or timedelta(),
        conditions=tuple(name for name in _CONDITIONS if _is_set(element, name)),
        starts_when_available=_is_set(element, "StartWhenAvailable"),
    )


def _trigger(element: ET.Element) -> Trigger:
    repetition = None
    if interval := _duration(element, "Repetition", "Interval"):
        repetition = Repetition(interval, _duration(element, "Repetition", "Duration") or None)
    return Trigger(
        when=_when(element),
        enabled=_flag(element, "Enabled"),
        start=_moment(element, "StartBoundary"),
        end=_moment(element, "EndBoundary"),
        repetition=repetition,
        random_delay=_duration(element, "RandomDelay") or _duration(element, "Delay") or None,
        limit=_duration(element, "ExecutionTimeLimit") or None,
        stops_at_end=_is_set(element, "Repetition", "StopAtDurationEnd"),
    )


def _when(element: ET.Element) -> When:
    if _tag(element) == "TimeTrigger":
        return Once()
    if _tag(element) != "CalendarTrigger":
        return NoTime(_tag(element))
    for part in element:
        match _tag(part):
            case "ScheduleByDay":
                return Daily(_every(part, "DaysInterval"))
            case "ScheduleByWeek":
                return Weekly(_every(part, "WeeksInterval"), _named(part, "DaysOfWeek", _WEEKDAYS, 0))
            case "ScheduleByMonth":
                days = frozenset(_numbered(part, "DaysOfMonth", "Day", _MONTH_DAYS))
                return Monthly(days, _months(part))
            case "ScheduleByMonthDayOfWeek":
                weeks = frozenset(_numbered(part, "Weeks", "Week", _WEEKS))
                return MonthlyByWeekday(weeks, _named(part, "DaysOfWeek", _WEEKDAYS, 0), _months(part))
    raise _Wrong(
        "a CalendarTrigger has none of ScheduleByDay, ScheduleByWeek, ScheduleByMonth, ScheduleByMonthDayOfWeek"
    )


def _every(element: ET.Element, name: str) -> int:
    number = _number(element, name)
    if number == 0:
        raise _Wrong(f"{name} is 0: at least 1")
    return number or 1


def _months(element: ET.Element) -> frozenset[int]:
    if _child(element, "Months") is None:
        return frozenset(range(1, len(_MONTHS) + 1))
    return _named(element, "Months", _MONTHS, 1)


def _named(element: ET.Element, name: str, allowed: tuple[str, ...], first: int) -> frozenset[int]:
    within = _child(element, name)
    names = [_tag(each) for each in within if isinstance(each.tag, str)] if within is not None else []
    if wrong := [each for each in names if each not in allowed]:
        raise _Wrong(f"{name} has {wrong[0]!r}: it must be of {', '.join(allowed)}")
    if not names:
        raise _Wrong(f"{_tag(element)} has no {name}")
    return frozenset(allowed.index(each) + first for each in names)


def _numbered(element: ET.Element, outer: str, inner: str, highest: int) -> Iterator[int]:
    within = _child(element, outer)
    texts = [(each.text or "").strip() for each in within if _tag(each) == inner] if within is not None else []
    if not texts:
        raise _Wrong(f"{_tag(element)} has no {inner}")
    for text in texts:
        if text.lower() == "last":
            yield LAST
        elif text.isascii() and text.isdigit() and 1 <= int(text) <= highest:
            yield int(text)
        else:
            raise _Wrong(f"{inner} is {text!r}: it goes from 1 to {highest}, or Last")


def _moment(element: ET.Element, name: str) -> datetime | None:
    text = _text(element, name)
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).replace(microsecond=0)
    except ValueError as error:
        raise _Wrong(f"{name} is {text!r}, which is no date and time") from error


def _duration(element: ET.Element, *names: str) -> timedelta | None:
    text = _text(element, *names)
    if text is None:
        return None
    found = _DURATION.fullmatch(text)
    if not found or text in ("P", "PT"):
        raise _Wrong(f"{names[-1]} is {text!r}: days, hours, minutes and seconds are understood, such as P1DT2H")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    try:
        return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError as error:
        raise _Wrong(f"{names[-1]} is {text!r}, which is too long") from error


def _number(element: ET.Element, *names: str) -> int | None:
    text = _text(element, *names)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 6:  # noqa: PLR2004  # more is no count of anything
        raise _Wrong(f"{names[-1]} is {text!r}, which is no number")
    return int(text)


def _flag(element: ET.Element, name: str) -> bool:
    return (_text(element, name) or "true").lower() in ("true", "1")


def _is_set(element: ET.Element, *names: str) -> bool:
    return (_text(element, *names) or "false").lower() not in ("false", "0")


def _text(element: ET.Element, *names: str) -> str | None:
    found: ET.Element | None = element
    for name in names:
        found = _child(found, name) if found is not None else None
    return (found.text or "").strip() or None if found is not None else None


def _child(element: ET.Element, name: str) -> ET.Element | None:
    return next((each for each in element if _tag(each) == name), None)


def _tag(element: ET.Element) -> str:
    """Without the namespace; what has another one is not the task's."""
    if not isinstance(element.tag, str):
        return ""
    namespace, brace, name = element.tag.rpartition("}")
    return name if not brace or namespace == f"{{{_NAMESPACE}" else element.tag
