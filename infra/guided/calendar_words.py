"""Days in words, Spanish or English, as fields of a cron: weekdays, days of the month, dates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

_SPANISH: Final = "cero un dos tres cuatro cinco seis siete ocho nueve diez once doce"
_ENGLISH: Final = "zero one two three four five six seven eight nine ten eleven twelve"
NUMBERS: Final = {
    **{word: str(n) for words in (_SPANISH, _ENGLISH) for n, word in enumerate(words.split())},
    "una": "1",
    "quince": "15",
    "fifteen": "15",
    "veinte": "20",
    "twenty": "20",
    "treinta": "30",
    "thirty": "30",
}
_WEEKDAYS: Final = {
    name: number
    for names in (
        "domingo lunes martes miercoles jueves viernes sabado",
        "dom lun mar mie jue vie sab",
        "domingos lunes martes miercoles jueves viernes sabados",
        "sunday monday tuesday wednesday thursday friday saturday",
        "sundays mondays tuesdays wednesdays thursdays fridays saturdays",
        "sun mon tue wed thu fri sat",
    )
    for number, name in enumerate(names.split())
}
_MONTHS: Final = {
    name: number
    for names in (
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "january february march april may june july august september october november december",
    )
    for number, name in enumerate(names.split(), 1)
} | {"setiembre": 9}
_ORDINALS: Final = {
    **dict.fromkeys(("primer", "primero", "first", "1ro", "1er"), 1),
    **dict.fromkeys(("segundo", "second", "2do"), 2),
    **dict.fromkeys(("tercer", "tercero", "third", "3er", "3ro"), 3),
    **dict.fromkeys(("cuarto", "fourth", "4to"), 4),
}
_LAST: Final = frozenset({"ultimo", "last"})
_DAY: Final = frozenset({"dia", "dias", "day", "days"})
_DAILY: Final = frozenset({"diario", "diariamente", "daily"})
_MONTH: Final = frozenset({"mes", "meses", "month", "months"})
_WORKING: Final = frozenset(
    {"habil", "habiles", "laborable", "laborables", "laboral", "laborales", "working", "business"}
)
_FILLERS: Final = frozenset(
    {
        "el",
        "los",
        "la",
        "las",
        "the",
        "on",
        "of",
        "de",
        "del",
        "en",
        "in",
        "todos",
        "todas",
        "cada",
        "every",
        "each",
        ",",
    }
)
_TO: Final = frozenset({"a", "al", "hasta", "to", "through", "thru", "-"})
_AND: Final = frozenset({"y", "e", "and"})
_TOKEN: Final = re.compile(r"\d+(?:st|nd|rd|th|ro|er|do|to)?|[a-z]+|\S")


class UnknownWords(ValueError):  # noqa: N818  # said as it is
    """The words that are not understood."""


class Days(NamedTuple):
    """Fields of a cron, or a recurrence rule where a cron can't say it."""

    of_month: str = "*"
    month: str = "*"
    of_week: str = "*"
    rule: str | None = None


EACH_DAY: Final = Days()


def days(text: str) -> Days:
    """Nothing at all means each day. Raises: UnknownWords."""
    said = [token for token in _TOKEN.findall(text) if token not in _FILLERS]
    words = [word for word in said if word not in _AND]
    for read in (_each_day, _weekdays, _of_the_month, _dates):
        if (found := read(words)) is not None:
            return found
    raise UnknownWords(" ".join(said))


def _each_day(words: Sequence[str]) -> Days | None:
    match words:
        case []:
            return EACH_DAY
        case [word] if word in _DAY | _DAILY:
            return EACH_DAY
    return None


def _weekdays(words: Sequence[str]) -> Days | None:
    match words:
        case ["weekdays" | "weekday"]:
            return Days(of_week="1-5")
        case ["dias" | "dia", "semana"]:
            return Days(of_week="1-5")
        case ["weekends" | "weekend"] | ["fin" | "fines", "semana"]:
            return Days(of_week="0,6")
        case [first, second] if {first, second} & _DAY and {first, second} & _WORKING:
            return Days(of_week="1-5")
    found: list[int] = []
    rest = list(words)
    while rest and rest[0] in _WEEKDAYS:
        begins = _WEEKDAYS[rest.pop(0)]
        if len(rest) > 1 and rest[0] in _TO and rest[1] in _WEEKDAYS:
            last = _WEEKDAYS[rest[1]]
            found += [day % 7 for day in range(begins, (last if last > begins else last + 7) + 1)]
            rest = rest[2:]
        else:
            found.append(begins)
    return Days(of_week=_field(found)) if found and not rest else None


def _of_the_month(words: Sequence[str]) -> Days | None:
    """`El primer día del mes`, `el último viernes del mes`, `los días 1 y 15 de cada mes`."""
    if not words or not {words[0], words[-1]} & _MONTH:
        return None
    match words[:-1] if words[-1] in _MONTH else words[1:]:
        case [which, day] if day in _DAY and which in _LAST:
            return Days(of_month="L")
        case [which, day] if day in _DAY and which in _ORDINALS:
            return Days(of_month=str(_ORDINALS[which]))
        case [which, one, other] if {one, other} & _DAY and {one, other} & _WORKING and which in _LAST | {*_ORDINALS}:
            position = -1 if which in _LAST else _ORDINALS[which]
            return Days(rule=f"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS={position}")
        case [which, day] if day in _WEEKDAYS and which in _LAST:
            return Days(of_week=f"L{_WEEKDAYS[day]}")
        case [which, day] if day in _WEEKDAYS and which in _ORDINALS:
            return Days(of_week=f"{_WEEKDAYS[day]}#{_ORDINALS[which]}")
        case numbers:
            found = [_day_of_month(word) for word in numbers if word not in _DAY]
            return Days(of_month=_field(n for n in found if n)) if found and all(found) else None


def _dates(words: Sequence[str]) -> Days | None:
    """`El 24 de diciembre`, `december 24`."""
    match words:
        case [day, month] if month in _MONTHS and (number := _day_of_month(day)):
            return Days(of_month=str(number), month=str(_MONTHS[month]))
        case [month, day] if month in _MONTHS and (number := _day_of_month(day)):
            return Days(of_month=str(number), month=str(_MONTHS[month]))
    return None


def _day_of_month(word: str) -> int | None:
    digits = re.match(r"\d+", word)
    number = int(digits[0]) if digits else _ORDINALS.get(word)
    return number if number and number <= 31 else None  # noqa: PLR2004  # days of a month


def _field(numbers: Iterable[int]) -> str:
    """A range where it is one, else a list."""
    found = sorted(set(numbers))
    if len(found) > 2 and found[-1] - found[0] == len(found) - 1:  # noqa: PLR2004  # two are as short with a comma
        return "*" if len(found) == 7 and found[0] == 0 else f"{found[0]}-{found[-1]}"  # noqa: PLR2004  # a week
    return ",".join(map(str, found))
