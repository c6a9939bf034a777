from __future__ import annotations

import pytest

from infra.model import Schedule
from infra.review.when import words, written

ZONE = "America/Argentina/Buenos_Aires"


@pytest.mark.parametrize(
    ("cron", "told"),
    [
        ("30 1,13,17 * * *", "every day at 01:30, 13:30 and 17:30"),
        ("0 7 * * 1-5", "Mon to Fri at 07:00"),
        ("0 7 * * 0,6", "Sat and Sun at 07:00"),
        ("0 7 * * 5-7", "Fri to Sun at 07:00"),
        ("* * * * *", "every minute"),
        ("*/15 * * * *", "every 15 minutes"),
        ("5-59/15 * * * *", "every 15 minutes from :05 on"),
        ("*/15 8-18 * * 1-5", "Mon to Fri every 15 minutes from 08:00 to 18:45"),
        ("20 * * * *", "every hour at :20"),
        ("0 8-18 * * *", "every hour from 08:00 to 18:00"),
        ("0 */2 * * *", "every 2 hours from 00:00 to 22:00"),
        ("0 6 1 * *", "on day 1 of the month at 06:00"),
        ("0 6 1,15 * *", "on days 1 and 15 of the month at 06:00"),
        ("0 6 L * *", "on the last day of the month at 06:00"),
        ("0 6 * * 5#2", "on the second Fri of the month at 06:00"),
        ("0 6 * * L5", "on the last Fri of the month at 06:00"),
        ("0 6 24 12 *", "on day 24 of the month in Dec at 06:00"),
        ("0 6 13 * 5", "Fri or on day 13 of the month at 06:00"),
        ("1,7,31 3,5,9 * * *", "by the cron 1,7,31 3,5,9 * * *"),
    ],
)
def test_a_cron(cron: str, told: str) -> None:
    assert words(Schedule(slug="s", cron=cron, timezone=ZONE, active=True, parameters={})) == told


def test_an_interval() -> None:
    schedule = Schedule(
        slug="s", interval=5400, anchor_date="2026-01-01T08:00:00-03:00", timezone=ZONE, active=True, parameters={}
    )

    assert words(schedule) == "every 1h30m, counted from 2026-01-01 08:00"
    assert written(schedule) == "interval 1h30m"


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("FREQ=WEEKLY;BYDAY=MO,WE;BYHOUR=7,9;BYMINUTE=0;BYSECOND=0", "Mon and Wed at 07:00 and 09:00"),
        ("FREQ=DAILY;BYHOUR=7;BYMINUTE=5", "every day at 07:05"),
        ("FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=7", "by the rule FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=7"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;BYHOUR=7", "by the rule FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;BYHOUR=7"),
    ],
)
def test_a_rule(rule: str, told: str) -> None:
    text = f"DTSTART:20200101T000000\n{rule}"

    assert words(Schedule(slug="s", rrule=text, timezone=ZONE, active=True, parameters={})) == told
