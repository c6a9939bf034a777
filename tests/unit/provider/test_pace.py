"""How many requests go at once, after what the server answers."""

from __future__ import annotations

import asyncio

from infra.provider.pace import STEP_UP_AFTER, Pace


def test_no_more_go_at_once_than_its_width_and_all_of_them_come_through() -> None:
    pace, at_once, most = Pace(start=3, most=3), 0, 0

    async def request() -> None:
        nonlocal at_once, most
        async with pace.turn():
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0)
            at_once -= 1

    async def burst() -> None:
        await asyncio.gather(*(request() for _ in range(50)))

    asyncio.run(burst())
    assert (most, at_once) == (3, 0)


def test_a_busy_server_is_asked_half_as_much_at_once_and_never_nothing() -> None:
    pace = Pace(start=8, most=8)
    widths = []
    for _ in range(5):
        pace.was_busy()
        widths.append(pace.width)
    assert widths == [4, 2, 1, 1, 1]


def test_it_is_tried_harder_again_one_by_one_up_to_what_was_said() -> None:
    pace = Pace(start=2, most=2)
    pace.was_busy()
    for _ in range(STEP_UP_AFTER * 3 - 1):  # a long run of good answers first
        pace.went_well()
    assert pace.width == 1
    pace.went_well()
    assert pace.width == 2
    for _ in range(STEP_UP_AFTER * 10):
        pace.went_well()
    assert pace.width == 2


def test_what_it_tried_by_itself_and_was_too_much_it_does_not_try_again() -> None:
    pace = Pace(start=1, most=4)
    for _ in range(STEP_UP_AFTER * (1 + 2 + 3)):
        pace.went_well()
    assert pace.width == 4
    pace.was_busy()
    for _ in range(STEP_UP_AFTER * 100):
        pace.went_well()
    assert pace.width == 2


def test_a_request_that_fails_gives_its_turn_to_the_next_one() -> None:
    pace = Pace(start=1, most=1)

    async def fails() -> None:
        async with pace.turn():
            raise ValueError

    async def both() -> bool:
        await asyncio.gather(fails(), return_exceptions=True)
        async with asyncio.timeout(5), pace.turn():
            return True

    assert asyncio.run(both())
