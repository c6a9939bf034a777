"""What is seen of the API meanwhile: the proxy's figures of what workers ask, and who asks from inside and outside."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final, Self

import httpx

from benchmarks.reliability.inside import Inside, error_rate
from benchmarks.reliability.stack import Stack

PROBE_SECONDS: Final = 1.0
PROXY_SECONDS: Final = 5.0
_ANSWERS: Final = re.compile(
    r'^haproxy_frontend_http_responses_total\{proxy="inner",code="(\w+)"\} (\d+)', re.MULTILINE
)


def answers(metrics: str) -> dict[str, int]:
    """By class of status: the answers that the stack's own containers got since the proxy started."""
    return {code: int(number) for code, number in _ANSWERS.findall(metrics)}


def since(before: dict[str, int], now: dict[str, int]) -> dict[str, int]:
    """What was added. A figure that is smaller than before counts from nothing: the proxy has started again."""
    return {
        code: number - (earlier if number >= (earlier := before.get(code, 0)) else 0) for code, number in now.items()
    }


@dataclass
class Seen:
    """Within some time."""

    inner: Counter[str] = field(default_factory=Counter)
    inside: Counter[str] = field(default_factory=Counter)
    unwell: Counter[str] = field(default_factory=Counter)
    probes: int = 0
    unanswered: int = 0
    longest_unanswered: float = 0.0

    def add(self, other: Seen) -> None:
        self.inner.update(other.inner)
        self.inside.update(other.inside)
        self.unwell.update(other.unwell)
        self.probes += other.probes
        self.unanswered += other.unanswered
        self.longest_unanswered = max(self.longest_unanswered, other.longest_unanswered)

    def result(self) -> dict[str, Any]:
        asked = sum(self.inner.values())
        failed = self.inner["5xx"]
        return {
            "workers_requests": asked,
            "workers_5xx": failed,
            "workers_error_rate": round(failed / asked, 5) if asked else None,
            "unwell_looks": dict(self.unwell),
            "inside": dict(self.inside),
            "inside_error_rate": error_rate(self.inside),
            "probes": self.probes,
            "probes_unanswered": self.unanswered,
            "longest_unanswered_seconds": round(self.longest_unanswered, 1),
        }


class Watch:
    """Looks from `with` to its end, in threads of its own."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._over = threading.Event()
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._probe, self._count)]
        self._inside = Inside(stack, lambda told: self._saw(Seen(inside=Counter([told]))))
        self._url = f"{stack.outputs['api_url']}/ready"
        self._verify = stack.connection.verification()
        self._counting = threading.Lock()
        self._answers: dict[str, int] = {}
        self._adding = threading.Lock()
        self._all = Seen()
        self._since = Seen()

    def __enter__(self) -> Self:
        self._answers = answers(self._stack.proxy_metrics())
        self._inside.start()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._inside.end()
        for thread in self._threads:
            thread.join(PROXY_SECONDS * 4)

    def _probe(self) -> None:
        well = time.monotonic()
        with httpx.Client(verify=self._verify, timeout=5) as client:
            while not self._over.wait(PROBE_SECONDS):
                try:
                    answered = client.get(self._url).is_success
                except httpx.HTTPError:
                    answered = False
                now = time.monotonic()
                if answered:
                    well = now
                silent = 0.0 if answered else now - well
                self._saw(Seen(probes=1, unanswered=int(not answered), longest_unanswered=silent))

    def _count(self) -> None:
        while not self._over.wait(PROXY_SECONDS):
            self._look()
            self._saw(Seen(unwell=Counter(self._stack.unwell_roles())))

    def _look(self) -> None:
        with self._counting:
            now = answers(self._stack.proxy_metrics())
            if now:
                self._saw(Seen(inner=Counter(since(self._answers, now))))
                self._answers = now

    def _saw(self, seen: Seen) -> None:
        with self._adding:
            self._all.add(seen)
            self._since.add(seen)

    def split(self) -> dict[str, Any]:
        """What was seen since the last call, or since the beginning."""
        self._look()
        with self._adding:
            seen, self._since = self._since, Seen()
        return seen.result()

    def result(self) -> dict[str, Any]:
        """What was seen in all."""
        self._look()
        return self._all.result()
