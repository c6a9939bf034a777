"""How long a throwaway stack lives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.throwaway.lifetime import Lifetime, LifetimeError, in_words, length

NOW = datetime(2026, 11, 25, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "hours"), [("8h", 8), ("90m", 1.5), ("2d", 48), ("1d12h", 36), ("1m", 1 / 60), ("30d", 720)]
)
def test_it_ends_so_long_from_now(written: str, hours: float) -> None:
    life = Lifetime.of(written, NOW)

    assert life.expires == NOW + timedelta(hours=hours)
    assert not life.is_over(life.expires - timedelta(seconds=1))
    assert life.is_over(life.expires)


@pytest.mark.parametrize("written", ["", "ocho", "8", "-1h", "30s", "31d", "8 horas", "1e9h"])
def test_what_is_no_such_length_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(LifetimeError, match=r"8h|1 minute to 30 days"):
        length(written)


def test_renewed_it_was_made_when_it_was_made() -> None:
    life = Lifetime.of("1h", NOW, made=NOW - timedelta(days=3))

    assert (life.made, life.expires) == (NOW - timedelta(days=3), NOW + timedelta(hours=1))


def test_both_moments_read_back() -> None:
    life = Lifetime.of("8h", NOW)

    assert Lifetime.read(life.made.isoformat(), life.expires.isoformat()) == life
    with pytest.raises(ValueError, match="offset"):
        Lifetime.read("2026-11-25T18:30:00", "2026-11-26T18:30:00")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3600 * 8 - 1, "7 h 59 min"), (90061, "1 d 1 h"), (-3600, "1 h")],
)
def test_a_span_is_told_in_its_two_largest_units(seconds: int, words: str) -> None:
    assert in_words(timedelta(seconds=seconds)) == words
