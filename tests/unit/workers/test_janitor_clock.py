"""How far apart the server's clock and the janitor's are, as an answer's Date tells."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from workers.janitor.server import apart

SENT = datetime(2026, 1, 5, 12, 0, 0, 400_000, tzinfo=UTC)
RECEIVED = SENT + timedelta(seconds=20)


@pytest.mark.parametrize(
    ("what", "told", "seconds"),
    [
        ("an answer that took long says nothing of the clocks", "Mon, 05 Jan 2026 12:00:05 GMT", 0),
        ("a Date has no fractions of seconds", "Mon, 05 Jan 2026 12:00:00 GMT", 0),
        ("ahead by an hour", "Mon, 05 Jan 2026 13:00:20 GMT", 3599.6),
        ("behind by an hour", "Mon, 05 Jan 2026 11:00:00 GMT", -3599.4),
        ("no Date", None, 0),
    ],
)
def test_clocks_are_apart_by_what_the_answers_way_can_not_explain(what: str, told: str | None, seconds: float) -> None:
    assert apart(told, SENT, RECEIVED).total_seconds() == pytest.approx(seconds), what
