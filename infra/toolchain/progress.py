"""Tells how far the set-up is: a line when a step begins something long, one now and then, a table at the end."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self, TextIO

_SILENT_FOR = 2.0  # seconds that a step may take without a word
_EVERY = 15.0  # seconds between two lines of one step, where no terminal shows a running one
_TTY_EVERY = 1.0


@dataclass(eq=False)
class Step:
    """One row of the table; `doing` is what it is at now, `result` what came of it."""

    name: str
    progress: Progress
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None
    doing: str = ""
    result: str = ""
    told: float = 0.0

    @property
    def seconds(self) -> float:
        return (self.ended or time.monotonic()) - self.started

    def now(self, doing: str) -> None:
        """What follows may take a while: said at once, then repeated with the time it has taken."""
        self.doing = doing
        self.told = time.monotonic()
        self.progress.say(f"{self.name}: {doing}")

    def done(self, result: str) -> None:
        self.result = result


class Progress:
    """The steps of one run, printed to one stream from however many threads."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = sys.stderr if out is None else out
        self._tty = self._out.isatty()
        self._lock = threading.Lock()
        self._status = ""
        self._stop = threading.Event()
        self._started = time.monotonic()
        self.steps: list[Step] = []

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def __enter__(self) -> Self:
        self._ticker = threading.Thread(target=self._tick, daemon=True)
        self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._ticker.join()
        with self._lock:
            self._clear()

    def say(self, text: str) -> None:
        with self._lock:
            self._clear()
            print(text, file=self._out, flush=True)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[Step]:
        step = Step(name, self)
        self.steps.append(step)
        try:
            yield step
        finally:
            step.ended = time.monotonic()
        if step.told:
            self.say(f"{name}: {step.result or 'done'} ({step.seconds:.1f} s)")

    def table(self) -> str:
        """Each step with its time and what came of it; steps that ran side by side overlap."""
        width = max((len(step.name) for step in self.steps), default=0)
        return "\n".join(f"  {step.name:<{width}}  {step.seconds:7.1f} s  {step.result}" for step in self.steps)

    def _tick(self) -> None:
        while not self._stop.wait(_TTY_EVERY):
            running = [step for step in self.steps if step.ended is None and step.seconds >= _SILENT_FOR]
            if self._tty:
                with self._lock:
                    self._clear()
                    self._status = " | ".join(f"{s.name} {s.seconds:.0f} s" for s in running)[:100]
                    print(self._status, end="", file=self._out, flush=True)
                continue
            for step in running:
                if time.monotonic() - step.told >= _EVERY:
                    step.told = time.monotonic()
                    self.say(f"{step.name}: {step.doing or 'working'} … {step.seconds:.0f} s")

    def _clear(self) -> None:
        if self._status:
            print("\r" + " " * len(self._status) + "\r", end="", file=self._out, flush=True)
            self._status = ""
