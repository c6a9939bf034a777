"""A burst from its beginning to its figures, on a stack or on bare Prefect."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.reliability import bare, blow, evidence
from benchmarks.reliability.burst import figures, go
from benchmarks.reliability.burst.course import Course
from benchmarks.reliability.burst.place import Place
from benchmarks.reliability.checkout import Size
from benchmarks.reliability.faults import FAULTS
from benchmarks.reliability.load import Burst
from benchmarks.reliability.stack import Stack
from benchmarks.reliability.watch import Watch
from infra.provider.api import Api

QUIET_MOMENTS: Final = 4
"""As often, urgent runs are made where no fault is struck, for what is to be compared."""


@dataclass(frozen=True)
class Asked:
    size: Size
    runs: int
    seconds: float
    minutes: float
    """From when the runs were made: the most that they may take."""
    faults: tuple[str, ...]
    """In their order. Empty: the same burst without any."""

    def moments(self) -> list[str]:
        return list(self.faults) or ["none"] * QUIET_MOMENTS


Keep = Callable[[dict[str, Any]], None]
Tell = Callable[[str], None]


async def on_stack(stack: Stack, asked: Asked, tell: Tell, keep: Keep, *, resume: bool) -> None:
    """`keep` is called with what is known after each fault, and with the figures in the end.

    `resume`: go on with a burst that was cut off, where there is one.
    """
    file = stack.folder / ".state" / ("burst.json" if asked.faults else "burst-quiet.json")
    api = Api(stack.connection)
    try:
        with Watch(stack) as watch:

            def strike(name: str) -> float | None:
                recovered = blow.strike(stack, FAULTS[name], tell) if name != "none" else 0.0
                keep(_so_far(course, asked))
                return recovered

            place = Place(api, _by_area(stack), strike, watch.split)
            course = (_cut_off(file, tell) if resume else None) or await _begun(place, asked, tell)
            course.keep(file)
            before = os.getloadavg()[0]
            await go.go_on(course, place, time.monotonic() + asked.minutes * 60, tell, file)
            seen = await asyncio.to_thread(watch.result)
        tell("  counting ...")
        broken = await asyncio.to_thread(stack.database_faults)
        found = await _traces(api, course, stack.notes)
        result = {**_figures(found, course, asked, before), "database_faults": broken, **seen}
        keep(result)
        if not result["unfinished"]:
            file.unlink()
    finally:
        await api.close()


async def on_bare(asked: Asked, tell: Tell, keep: Keep, *, install: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="reliability-") as folder:
        async with bare.up(Path(folder), asked.size, tell, install=install) as up:
            place = Place(up.api, up.deployments, lambda _: 0.0, dict)
            course = await _begun(place, asked, tell)
            before = os.getloadavg()[0]
            await go.go_on(course, place, time.monotonic() + asked.minutes * 60, tell)
            found = await _traces(up.api, course, up.notes)
            keep(_figures(found, course, asked, before))


def _cut_off(file: Path, tell: Tell) -> Course | None:
    if not file.is_file():
        return None
    course = Course.model_validate_json(file.read_text())
    tell(f"  going on with {course.tag}: {len(course.runs)} runs, {len(course.left)} faults left")
    return course


async def _begun(place: Place, asked: Asked, tell: Tell) -> Course:
    tell(f"  making {asked.runs} runs ...")
    return await go.begin(place, asked.runs, asked.moments(), asked.seconds)


def _by_area(stack: Stack) -> list[list[str]]:
    """The deployments are dealt out to the areas in turn, by the number in their names."""
    by_number = {int(name.rpartition("-")[2]): row["id"] for name, row in stack.outputs["deployments"].items()}
    areas = stack.size.areas
    return [
        [by_number[number] for number in sorted(by_number) if (number - 1) % areas == area] for area in range(areas)
    ]


async def _traces(api: Api, course: Course, notes: Callable[[], str]) -> list[evidence.Traces]:
    return await evidence.traces(api, Burst(course.tag, course.due, tuple(course.dues())), notes)


def _so_far(course: Course, asked: Asked) -> dict[str, Any]:
    """Of a burst that isn't over: what was struck, and how many runs were Completed when it was."""
    strikes = [strike.model_dump(mode="json", exclude={"urgent", "seen"}) for strike in course.strikes]
    return {"over": False, **asdict(asked.size), "runs": len(course.runs), "strikes": strikes}


def _figures(found: list[evidence.Traces], course: Course, asked: Asked, load_before: float) -> dict[str, Any]:
    return {
        "over": True,
        **asdict(asked.size),
        "seconds_of_a_run": course.seconds,
        **figures.whole(found, course),
        "faults": [figures.near(strike, found) for strike in course.strikes] if asked.faults else [],
        "not_struck": course.left if asked.faults else [],
        "load_before": round(load_before, 1),
        "load_after": round(os.getloadavg()[0], 1),
        "measured": datetime.now(UTC).strftime("%Y-%m-%d"),
    }
