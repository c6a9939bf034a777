"""What a burst is, and how far it has come: kept in a file after each step, so that one that was cut off goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel


class Strike(BaseModel):
    fault: str
    says: str
    at: datetime
    completed: int
    """Runs that were Completed then."""
    urgent: dict[str, datetime] = {}
    """Runs that go before all others, and when each was due: from the blow on."""
    took: float | None = None
    """Seconds that the fault lasted, and the stack took to be healthy again. None: it isn't over."""
    recovered_after: float | None = None
    problem: str | None = None
    """Why it could not be struck."""
    seen: dict[str, Any] = {}
    """Of the API, from the blow to some seconds after the recovery."""


class Course(BaseModel):
    tag: str
    due: datetime
    runs: list[str]
    """Of the burst."""
    faults: list[str]
    """In their order."""
    seconds: float
    """That a run's flow sleeps."""
    strikes: list[Strike] = []

    @property
    def left(self) -> list[str]:
        return self.faults[len(self.strikes) :]

    def dues(self) -> dict[str, datetime]:
        """Every run that was made, and when it was due."""
        return dict.fromkeys(self.runs, self.due) | {
            run: due for strike in self.strikes for run, due in strike.urgent.items()
        }

    def keep(self, file: Path) -> None:
        """Whole or not at all."""
        beside = file.with_suffix(".new")
        beside.write_text(self.model_dump_json(indent=1))
        beside.replace(file)


@contextlib.contextmanager
def kept(file: Path | None, course: Course) -> Iterator[None]:
    """The course in the file afterwards, whatever happens. None: it can't be gone on with anyway."""
    try:
        yield
    finally:
        if file is not None:
            course.keep(file)
