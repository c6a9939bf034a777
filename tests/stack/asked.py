"""Whether the API answers all the while, as different clients ask it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import httpx

EVERY_SECONDS = 0.2
FEWEST = 10
AFTERWARDS_SECONDS = 60


class Wrong(NamedTuple):
    at: float
    """In seconds, when it was asked."""
    what: str


@contextmanager
def asked_all_the_time(*ways: Callable[[], httpx.Response]) -> Iterator[list[Wrong]]:
    """What went wrong, of all that was asked meanwhile."""
    wrong: list[Wrong] = []
    asked, ended = [0] * len(ways), threading.Event()

    def ask(number: int, way: Callable[[], httpx.Response]) -> None:
        while not ended.wait(EVERY_SECONDS):
            at = time.monotonic()
            try:
                answer = way()
                if not answer.is_success:
                    wrong.append(Wrong(at, f"{answer.request.method}: {answer.status_code}"))
            except httpx.HTTPError as error:
                wrong.append(Wrong(at, repr(error)))
            asked[number] += 1

    asking = [threading.Thread(target=partial(ask, number, way)) for number, way in enumerate(ways)]
    for thread in asking:
        thread.start()
    try:
        yield wrong
        # What is over sooner than so many questions is looked at for a while after it, too.
        until = time.monotonic() + AFTERWARDS_SECONDS
        while min(asked) <= FEWEST and time.monotonic() < until:
            time.sleep(EVERY_SECONDS)
    finally:
        ended.set()
        for thread in asking:
            thread.join()
    assert min(asked) > FEWEST
