"""What ends a container that hangs counts, and spares whoever answers or never did. That it ends one: tests/stack."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.end_if_silent import silent

GIVEN, NONE = ["true"], ["false"]


@pytest.fixture
def count(tmp_path: Path) -> Path:
    return tmp_path / "silent"


def test_checks_without_a_sign_of_life_count_from_the_last_one_with(count: Path) -> None:
    count.touch()
    assert [silent(count, NONE) for _ in range(3)] == [1, 2, 3]
    assert silent(count, GIVEN) == 0
    assert [silent(count, NONE) for _ in range(2)] == [1, 2]


def test_who_has_not_answered_yet_is_given_the_time_that_his_start_takes(count: Path) -> None:
    assert [silent(count, NONE) for _ in range(3)] == [0, 0, 0]
    assert not count.exists()


def test_a_check_that_the_engine_ends_since_life_takes_too_long_counts_already(count: Path, tmp_path: Path) -> None:
    count.touch()
    meanwhile = tmp_path / "meanwhile"
    assert silent(count, ["cp", str(count), str(meanwhile)]) == 0
    assert len(meanwhile.read_bytes()) == 1
