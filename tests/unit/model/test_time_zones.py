"""Time zones: the ways of writing Buenos Aires are one, and UTC is refused however it is spelled."""

from __future__ import annotations

from zoneinfo import ZoneInfo, available_timezones

import pytest

from infra.model.timezones import BUENOS_AIRES, TimezoneError, normalise


@pytest.mark.parametrize(
    "written",
    [
        BUENOS_AIRES, "America / Buenos Aires", "America/Buenos_Aires", "Buenos Aires", "buenos aires", "Buenos_Aires",
        "Argentina/Buenos_Aires", "america/argentina/buenos_aires", " America/Argentina/Buenos Aires ",
        "America / Argentina / Buenos Aires",
    ],
)  # fmt: skip
def test_buenos_aires_is_understood(written: str) -> None:
    assert normalise(written) == BUENOS_AIRES


@pytest.mark.parametrize(
    "written",
    [
        "UTC", "utc", " Utc ", "Etc/UTC", "etc/utc", "Etc / UTC", "Z", "z", "GMT", "gmt", "Etc/GMT", "GMT0", "Etc/GMT0",
        "GMT+0", "GMT-0", "Etc/GMT+0", "Etc/GMT-0", "+00:00", "-00:00", "+0000", "+00", "00:00", "UTC+0", "UTC+00:00",
        "UCT", "Etc/UCT", "Universal", "Etc/Universal", "Zulu", "Etc/Zulu", "Greenwich", "Etc/Greenwich",
        "Coordinated Universal Time", "uct", "universal", "zulu", "greenwich", "gmt0", "etc/gmt", "etc/gmt+0",
        "etc/zulu",
        "ETC/UTC", "Z ", "utc ", "UTC+00", "GMT+00:00", "gmt-0",
    ],
)  # fmt: skip
def test_utc_is_refused_in_any_spelling(written: str) -> None:
    with pytest.raises(TimezoneError, match="is UTC") as raised:
        normalise(written)
    assert BUENOS_AIRES in raised.value.hint


def test_every_zone_that_is_a_name_of_utc_is_refused() -> None:
    names = [name for name in available_timezones() if str(ZoneInfo(name).tzname(None) or "") == "UTC"]

    assert names
    for name in names:
        with pytest.raises(TimezoneError):
            normalise(name)


@pytest.mark.parametrize("written", ["-03:00", "UTC-3", "GMT-3", "Etc/GMT+3", "+5", "3"])
def test_an_offset_is_no_time_zone(written: str) -> None:
    with pytest.raises(TimezoneError, match="an offset and no place"):
        normalise(written)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("America/Buenos Aire", BUENOS_AIRES),
        ("Santiago", "America/Santiago"),
        ("America/Sao Pablo", "America/Sao_Paulo"),
        ("Europe/Madird", "Europe/Madrid"),
        ("localtime", ""),
        ("Factory", ""),
        ("", ""),
        ("\u0000", ""),
    ],
)
def test_an_unknown_zone_is_refused_with_the_one_that_was_meant(written: str, meant: str) -> None:
    with pytest.raises(TimezoneError, match="there is no time zone") as raised:
        normalise(written)
    assert meant in raised.value.hint


def test_any_other_place_is_taken_as_it_is() -> None:
    places = {zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")}

    assert len(places) > 400
    for zone in places:
        assert normalise(zone) in (zone, BUENOS_AIRES)
