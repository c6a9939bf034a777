"""Cron, interval and rrule are really parsed: taken is what the server takes and nobody would trip over."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.model import recurrence, rrules
from infra.model.cron import ALIASES, CronError, parse
from infra.model.recurrence import ScheduleError


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "this one 0"),
        ("* * *", "this one 3"),
        ("0 * * * * *", "this one 6"),
        ("60 * * * *", "the minute is 60"),
        ("0 24 * * *", "the hour is 24"),
        ("0 0 0 * *", "the day of month is 0"),
        ("0 0 32 * *", "the day of month is 32"),
        ("0 0 * 13 *", "the month is 13"),
        ("0 0 * * 8", "the day of week is 8"),
        ("0 0 * foo *", "the month is 'foo'"),
        ("a * * * *", "the minute is 'a'"),
        ("-1 * * * *", "the minute is '-1'"),
        ("1.5 * * * *", "the minute is '1.5'"),
        ("1,,2 * * * *", "the minute is ''"),
        ("\u0661 * * * *", "the minute is"),
        ("*/0 * * * *", "the minute step is '0'"),
        ("*/90 * * * *", "the minute step is '90'"),
        ("*/x * * * *", "the minute step is 'x'"),
        ("50-10 * * * *", "ends before it begins"),
        ("5-5 * * * *", "begins where it ends"),
        ("0 0 * * fri-mon/2", "ends before it begins"),
        ("0 0 * * 6/1", "begins where it ends"),
        ("59/5 * * * *", "begins where it ends"),
        ("0 0 31 2 *", "never fires"),
        ("0 0 30 feb *", "never fires"),
        ("0 0 31 2,4,6,9,11 *", "never fires"),
        ("0 0 31 4 1", "never fires"),  # the server looks for the 31st apart, and its scheduler fails
        ("0 0 1 * 5#2", "ignores the day of month"),
        ("0 0 * * 5#2,1", "mixes"),
        ("0 0 * * 5#6", "mixes"),
        ("@reboot", "there is no '@reboot'"),
        ("H * * * *", "the minute is 'h'"),
        ("R * * * *", "the minute is 'r'"),
    ],
)
def test_a_cron_that_would_not_do_what_it_says_is_refused(expression: str, message: str) -> None:
    with pytest.raises(CronError, match="(?s)" + message.replace("(", r"\(")):
        parse(expression)


@pytest.mark.parametrize(
    "expression",
    [
        *ALIASES,
        "0 0 29 2 *",
        "0 0 29 feb mon",
        "*/15 9-17 * * mon-fri",
        "0 0 ? * 7",
        "0 22 * * fri-mon",
        "5/20 * * * *",
        "0 0 L * *",
        "0 0 1,L * 1-5",
    ],
)
def test_usual_crons_are_taken_here_and_by_the_server(expression: str) -> None:
    from prefect.server.schemas.schedules import CronSchedule

    parse(expression)
    assert CronSchedule(cron=expression).cron == expression


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="0123456789*/,-#?LlHRmonfeb@ ", max_size=24))
def test_what_is_taken_here_the_server_takes_too(expression: str) -> None:
    from prefect.server.schemas.schedules import CronSchedule

    try:
        parse(expression)
    except CronError:
        return
    CronSchedule(cron=" ".join(expression.split()))


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (1, 1),
        (3600, 3600),
        (90.0, 90),
        ("30s", 30),
        ("15m", 900),
        ("2h", 7200),
        ("1d", 86_400),
        ("1h30m", 5400),
        ("1 h 30 m", 5400),
        ("15M", 900),
    ],
)
def test_an_interval_is_seconds_or_says_its_unit(written: object, seconds: int) -> None:
    assert recurrence.interval_seconds(written) == seconds


@pytest.mark.parametrize(
    "written", [0, -5, 1.5, True, "", "15", "m", "15 minutes", "1w", "0s", 10**12, "9999999d", None, []]
)
def test_other_intervals_are_refused(written: object) -> None:
    with pytest.raises(ScheduleError):
        recurrence.interval_seconds(written)


@pytest.mark.parametrize(
    ("written", "zone", "moment"),
    [
        (None, "America/Argentina/Buenos_Aires", "2020-01-01T00:00:00-03:00"),
        (None, "America/Santiago", "2020-01-01T00:00:00-03:00"),
        ("2026-06-01T08:00:00", "America/Santiago", "2026-06-01T08:00:00-04:00"),
        ("2026-06-01", "America/Argentina/Buenos_Aires", "2026-06-01T00:00:00-03:00"),
        ("2026-06-01T08:00:00-03:00", "America/Santiago", "2026-06-01T07:00:00-04:00"),
    ],
)
def test_an_anchor_is_local_and_the_default_one_never_moves(written: str | None, zone: str, moment: str) -> None:
    assert recurrence.anchor(written, zone) == moment


@pytest.mark.parametrize("written", ["2026-06-01T08:00:00Z", "2026-06-01T08:00:00+00:00"])
def test_an_anchor_in_utc_is_refused(written: str) -> None:
    with pytest.raises(ScheduleError, match="is in UTC"):
        recurrence.anchor(written, "America/Argentina/Buenos_Aires")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("FREQ=SOMETIMES", "can't be read"),
        ("BYDAY=MO", "can't be read"),
        ("FREQ=DAILY;BYHOURS=9", "unknown part 'BYHOURS'"),
        ("every day", "unknown part"),
        ("", "can't be read"),
        ("FREQ=DAILY;BYHOUR=25", "BYHOUR '25': it goes from 0 to 23"),
        ("FREQ=DAILY;BYHOUR=", "BYHOUR ''"),
        ("FREQ=DAILY;BYMONTHDAY=0", "without 0"),
        ("FREQ=DAILY;BYSECOND=-1", "BYSECOND"),
        ("FREQ=HOURLY;INTERVAL=24;BYHOUR=1", "can't be read"),
        ("FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30", "never fires"),
        ("FREQ=HOURLY;BYSETPOS=2", "BYSETPOS"),
        ("FREQ=DAILY;INTERVAL=7;BYDAY=TU", "never fires"),
        ("DTSTART:99991231T000000\nRRULE:FREQ=DAILY", "begins in the year 9999"),
        ("DTSTART:x\nRRULE:FREQ=DAILY", "can't be read"),
        ("EXDATE:20260101T000000", "can't be read|never fires"),
        ("RRULE:FREQ=DAILY\nRDATE:20260101T000000+0300", "time zone"),
        ("RRULE:FREQ=DAILY\nEXRULE:FREQ=DAILY", "has the line"),
        ("DTSTART:20260101T000000\nRRULE:FREQ=MINUTELY;BYMONTH=6;BYMONTHDAY=31", "never fires"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL '0'"),
        ("FREQ=DAILY;UNTIL=20300101T000000Z", "its own time zone"),
        ("DTSTART;TZID=UTC:20200101T000000\nRRULE:FREQ=DAILY", "time zone"),
        ("EXRULES:FREQ=DAILY", "has the line"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31", "never fires"),
        ("FREQ=DAILY;BYMONTH=4;BYMONTHDAY=31", "never fires"),
        ("FREQ=YEARLY;BYWEEKNO=1;BYMONTH=7", "never fires"),
        ("FREQ=MINUTELY;INTERVAL=5", "use `interval`|each minute"),
        ("FREQ=DAILY;X=" + "1" * 7000, "at most 6500"),
    ],
)
def test_a_rule_that_would_not_do_what_it_says_is_refused(written: str, message: str) -> None:
    with pytest.raises(ScheduleError, match=message):
        rrules.normal(written)


def test_a_rule_without_a_beginning_gets_the_one_that_the_server_would_add() -> None:
    from prefect._internal.schemas.validators import normalize_rrule_string

    written = "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9"

    assert rrules.normal(written) == normalize_rrule_string(written)
    assert normalize_rrule_string(rrules.normal(written)) == rrules.normal(written)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ({"cron": "30 1,13,17 * * *"}, "cron-30-1-13-17"),
        ({"cron": "0 9 * * 1-5"}, "cron-0-9-x-x-1to5"),
        ({"cron": "0 9 * * 1,5"}, "cron-0-9-x-x-1-5"),
        ({"cron": "*/15 * * * *"}, "cron-each15"),
        ({"cron": "* 15 * * *"}, "cron-x-15"),
        ({"cron": "* * * * *"}, "cron-every-minute"),
        ({"cron": "@daily"}, "cron-daily"),
        ({"interval": 900}, "each-15m"),
        ({"interval": 5400}, "each-90m"),
        ({"interval": 7200}, "each-2h"),
        ({"interval": 172_800}, "each-2d"),
        ({"interval": 61}, "each-61s"),
        ({"rrule": "FREQ=WEEKLY;BYDAY=MO;BYHOUR=9"}, "rrule-weekly-byday-mo-byhour-9"),
        ({"rrule": "DTSTART:20200101T000000\nRRULE:FREQ=DAILY"}, "rrule-daily"),
    ],
)
def test_a_schedule_without_a_slug_is_called_by_its_rule(written: dict[str, object], name: str) -> None:
    assert recurrence.slug(**written) == name
