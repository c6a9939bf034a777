"""The course of a burst: faults in turn while its runs go on, spread over what is left of them."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from benchmarks.reliability import checkout, load
from benchmarks.reliability.burst.course import Course, Strike, kept
from benchmarks.reliability.burst.place import Place
from benchmarks.reliability.faults import FAULTS
from benchmarks.reliability.load import Burst
from benchmarks.reliability.stack import BroughtUpError
from infra.provider.errors import ProviderError

URGENT: Final = 5
URGENT_SECONDS: Final = 10.0
"""Between one urgent run and the next, the first of which is due at the blow."""
LEAD_SECONDS: Final = 8.0  # for the urgent runs to be made before the blow
SETTLING_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 3.0
TELL_SECONDS: Final = 15.0

Tell = Callable[[str], None]


async def begin(place: Place, runs: int, faults: list[str], seconds: float) -> Course:
    """The burst's runs, all due at one moment that is still to come."""
    burst = await load.make(place.api, place.in_turn(), runs, seconds)
    return Course(tag=burst.tag, due=burst.due, runs=list(burst.runs), faults=faults, seconds=seconds)


async def go_on(course: Course, place: Place, until: float, tell: Tell, file: Path | None = None) -> dict[str, int]:
    """Until every run is Completed, or `until` by time.monotonic(). Returns runs by state, as they were last seen.

    Crashed isn't the end where the janitor runs it again: such a run counts as under way.
    """
    for strike in course.strikes:
        if strike.took is None:
            strike.problem = strike.problem or "cut off in the midst of it"
    faults = _InTurn(course, place, tell, file)
    now, told = dict.fromkeys(load.STATES, 0), 0.0
    try:
        while time.monotonic() < until:
            runs = tuple(course.dues())
            try:
                now = await load.counts(place.api, Burst(course.tag, course.due, runs))
            except ProviderError as error:
                tell(f"  the API doesn't answer: {str(error)[:100]}")
            else:
                if time.monotonic() - told > TELL_SECONDS:
                    told = time.monotonic()
                    tell(
                        f"  {_clock()} {', '.join(f'{count} {state.lower()}' for state, count in now.items() if count)}"
                    )
                if faults.at_rest() and now["COMPLETED"] == len(runs):
                    break
                faults.look(now["COMPLETED"], len(runs))
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await faults.over()
    return now


class _InTurn:
    """The faults, one at a time, spread evenly over the runs that are left when the one before is got over."""

    def __init__(self, course: Course, place: Place, tell: Tell, file: Path | None) -> None:
        self._course, self._place, self._tell, self._file = course, place, tell, file
        self._striking: asyncio.Task[None] | None = None
        self._next_at: int | None = None

    def at_rest(self) -> bool:
        """Whether none is being struck. Raises: what went wrong with the last one, if nobody foresaw it."""
        if self._striking is not None and self._striking.done():
            self._striking.result()
            self._striking = self._next_at = None
        return self._striking is None

    def look(self, completed: int, runs: int) -> None:
        """Strike the next one, if it is its turn."""
        if not self.at_rest() or not self._course.left:
            return
        if self._next_at is None:
            # Half of what is left goes on while faults are struck and got over.
            self._next_at = max(1, completed + (runs - completed) // (2 * len(self._course.left) + 1))
        if completed >= self._next_at:
            strike = _strike(self._course, self._place, completed, self._tell, self._file)
            self._striking = asyncio.create_task(strike)

    async def over(self) -> None:
        """What is being struck has to be undone, too."""
        if self._striking is not None:
            await asyncio.gather(self._striking, return_exceptions=True)


async def _strike(course: Course, place: Place, completed: int, tell: Tell, file: Path | None) -> None:
    fault = FAULTS[course.left[0]]
    at = datetime.now(UTC) + timedelta(seconds=LEAD_SECONDS)
    strike = Strike(fault=course.left[0], says=fault.says, at=at, completed=completed)
    with kept(file, course):
        course.strikes.append(strike)
        try:
            await _urgent(course, strike, place)
        except ProviderError as error:
            tell(f"  no urgent runs: {str(error)[:100]}")
    await asyncio.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))
    await asyncio.to_thread(place.split)
    strike.at, began = datetime.now(UTC), time.monotonic()
    tell(f"  {_clock()} {len(course.strikes)}/{len(course.faults)} {fault.says} ...")
    with kept(file, course):
        try:
            strike.recovered_after = await asyncio.to_thread(place.strike, strike.fault)
        except (RuntimeError, subprocess.SubprocessError, BroughtUpError) as error:
            strike.problem = f"{type(error).__name__}: {error}"[:600]
            tell(f"  NOT STRUCK: {strike.problem}")
        strike.took = round(time.monotonic() - began, 1)
        await asyncio.sleep(SETTLING_SECONDS)
        strike.seen = await asyncio.to_thread(place.split)


async def _urgent(course: Course, strike: Strike, place: Place) -> None:
    """Runs in the queue that goes first: how long they wait is the fault's doing, not the burst's."""
    areas = place.deployments[:1] if FAULTS[strike.fault].of_first_area else place.deployments
    for number in range(URGENT):
        area = areas[number % len(areas)]
        due = strike.at + timedelta(seconds=number * URGENT_SECONDS)
        run = await load.one(
            place.api,
            area[number % len(area)],
            due,
            course.seconds,
            course.tag,
            f"urgent-{len(course.strikes)}-{number}",
            checkout.URGENT,
        )
        strike.urgent[run] = due


def _clock() -> str:
    return time.strftime("%H:%M:%S")
