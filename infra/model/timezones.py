"""Time zones: IANA names, never UTC, with the ways people write Buenos Aires understood."""

from __future__ import annotations

import re
from functools import cache
from zoneinfo import available_timezones

from infra.model.naming import meant
from infra.model.rules import Rule, times

BUENOS_AIRES = "America/Argentina/Buenos_Aires"

_UTC_NAMES = frozenset(
    {"utc", "uct", "gmt", "gmt0", "z", "zulu", "universal", "greenwich", "coordinated_universal_time"}
)
_OFFSET = re.compile(r"(utc|gmt|uct|z)?[+\u2212-]?\d{0,2}(:?\d{2})?(:?\d{2})?")
_NOT_PLACES = frozenset({"Factory", "localtime", "posixrules"})


class TimezoneError(ValueError):
    """Not a time zone that a schedule may have."""

    def __init__(self, message: str, hint: str, *, rule: Rule = times.UNKNOWN_TIMEZONE) -> None:
        super().__init__(message)
        self.hint, self.rule = hint, rule


@cache
def normalise(written: str) -> str:
    """The IANA name for what was written, or TimezoneError."""
    text = re.sub(r"\s*/\s*", "/", written.strip())
    text = re.sub(r"\s+", "_", text)
    folded = text.casefold()
    if _is_utc(folded):
        raise TimezoneError(
            f"the time zone is UTC, written {written!r}",
            f"write where the people are, for example {BUENOS_AIRES}",
            rule=times.UTC,
        )
    if folded in ("buenos_aires", "america/buenos_aires", "argentina/buenos_aires"):
        return BUENOS_AIRES
    if folded and (_OFFSET.fullmatch(folded) or folded.startswith("etc/")):
        raise TimezoneError(
            f"the time zone is {written!r}, an offset and no place", f"write the place, for example {BUENOS_AIRES}"
        )
    by_folded = _by_folded()
    if folded in by_folded:
        return by_folded[folded]
    return _unknown(written, folded)


def _is_utc(folded: str) -> bool:
    name = folded.removeprefix("etc/")
    if name in _UTC_NAMES:
        return True
    digits = re.sub(r"[^0-9]", "", name)
    return bool(name and _OFFSET.fullmatch(name) and not digits.strip("0") and (digits or name in _UTC_NAMES))


def _unknown(written: str, folded: str) -> str:
    by_folded = _by_folded()
    by_city: dict[str, str] = {}
    for zone in (BUENOS_AIRES, *sorted(by_folded.values())):
        by_city.setdefault(zone.rpartition("/")[2].casefold(), zone)
    city = folded.rpartition("/")[2]
    close_city = meant(city, by_city)
    close = by_city[close_city] if close_city else meant(folded, by_folded.values())
    raise TimezoneError(
        f"there is no time zone {written!r}",
        f"did you mean {close}?" if close else f"an IANA name, for example {BUENOS_AIRES}",
    )


@cache
def _by_folded() -> dict[str, str]:
    return {zone.casefold(): zone for zone in available_timezones() - _NOT_PLACES if not _is_utc(zone.casefold())}
