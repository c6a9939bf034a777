"""A fault struck, and the wait until the stack has got over it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from benchmarks.reliability.faults import Fault
from benchmarks.reliability.stack import Stack

WELL_SECONDS: Final = 300


def strike(stack: Stack, fault: Fault, tell: Callable[[str], None]) -> float | None:
    """Seconds from the blow until every container was healthy. None: not within WELL_SECONDS of it.

    A fault that lasts, or that takes as long as an `up`, counts from its beginning.
    """
    began = time.monotonic()
    fault.strike(stack)
    # A health check that has not failed yet says nothing: the engine asks every few seconds.
    unwell, until = ["?"], max(began, time.monotonic()) + WELL_SECONDS
    while unwell and time.monotonic() < until:
        time.sleep(1)
        unwell = stack.unwell()
    if unwell:
        tell(f"  not healthy {WELL_SECONDS} s after it: {', '.join(unwell)}")
        return None
    recovered = round(time.monotonic() - began, 1)
    tell(f"  healthy again {recovered} s after it")
    return recovered
