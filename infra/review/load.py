"""How many runs pools are asked to hold at once, before and after, against their limits; and what newly collides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from infra.model import Stack
from infra.timeline import Timeline, Window, calculate, words
from infra.timeline.calculation import Pool
from infra.timeline.overlaps import Overlap
from infra.timeline.picture import FAINT, INK, Box, Label, Line, Picture, Shape
from infra.timeline.window import elapsed

DAYS: Final = 7
ASSUMED_SECONDS: Final = 300.0
"""How long a run is taken to last, as `prefect-infra timeline` does."""
_HOUR: Final = 60
_BARS: Final = "▁▂▃▄▅▆▇█"
_NONE: Final = "·"

_MARGIN, _LEFT, _CHART, _ROW, _BAR = 16, 190, 672, 58, 40
_BEFORE: Final = "#c9ccd3"
_AFTER: Final = "#3182bd"
_OVER: Final = "#d62728"


@dataclass(frozen=True)
class Load:
    """A pool's most runs at once in each hour of a week; empty where it isn't there."""

    pool: str
    before: tuple[int, ...]
    after: tuple[int, ...]
    limit_before: int | None
    limit_after: int | None

    @property
    def peak_before(self) -> int:
        return max(self.before, default=0)

    @property
    def peak_after(self) -> int:
        return max(self.after, default=0)

    @property
    def is_over(self) -> bool:
        return self.limit_after is not None and self.peak_after > self.limit_after

    def drawn(self, *, after: bool) -> str:
        """A sign for each hour of the day: the most of any day."""
        hours = self.after if after else self.before
        highest = max(self.peak_before, self.peak_after, self.limit_after or 0, 1)
        days = [hours[n : n + 24] for n in range(0, len(hours), 24)]
        most = [max((day[hour] for day in days if hour < len(day)), default=0) for hour in range(24)]
        return "".join(_NONE if not each else _BARS[(each * len(_BARS) - 1) // highest] for each in most)


@dataclass(frozen=True)
class Collision:
    """A limit that is exceeded now, and wasn't before, or not as much."""

    scope: str
    name: str
    told: str


def week(stack: Stack | None, first: date, timezone: str) -> Timeline | None:
    return calculate(stack, Window(first, DAYS, timezone), ASSUMED_SECONDS) if stack else None


def loads(before: Timeline | None, after: Timeline | None) -> tuple[Load, ...]:
    """Of the pools whose load or limit changes."""
    old, new = _pools(before), _pools(after)
    found = []
    for name in sorted(old.keys() | new.keys()):
        load = Load(
            pool=name,
            before=_hours(old.get(name), before),
            after=_hours(new.get(name), after),
            limit_before=old[name].concurrency_limit if name in old else None,
            limit_after=new[name].concurrency_limit if name in new else None,
        )
        runs = [[each.start for each in pool[name].runs] if name in pool else [] for pool in (old, new)]
        if runs[0] != runs[1] or load.limit_before != load.limit_after:
            found.append(load)
    return tuple(found)


def collisions(before: Timeline | None, after: Timeline | None) -> tuple[Collision, ...]:
    known = _by_limit(before)
    found = []
    for key, overlaps in _by_limit(after).items():
        had = known.get(key, [])
        worse = max(each.peak for each in overlaps) > max((each.peak for each in had), default=0)
        if not worse and len(overlaps) <= len(had):
            continue
        worst = max(overlaps, key=lambda each: each.peak)
        often = f"; {len(overlaps)} times in the week" if len(overlaps) > 1 else ""
        found.append(Collision(*key, f"{words.overlap(worst)}{often}"))
    return tuple(found)


def picture(found: tuple[Load, ...], title: str, first: date, timezone: str) -> Picture:
    """A row for each pool: grey before, blue after, red over the limit, which is a dashed line."""
    height = _MARGIN + 40 + max(len(found), 1) * _ROW + _MARGIN
    return Picture(title, _LEFT + _CHART + 90, height, tuple(_shapes(found, title, Window(first, DAYS, timezone))))


def _shapes(found: tuple[Load, ...], title: str, window: Window) -> Iterator[Shape]:
    scale = _CHART / elapsed(window.start, window.end)
    cells = window.cells(_HOUR)
    yield Label(_MARGIN, _MARGIN + 10, title, size=14, bold=True)
    top = _MARGIN + 40
    for midnight in window.midnights[:-1]:
        x = _LEFT + elapsed(window.start, midnight) * scale
        yield Label(x + 3, top - 6, f"{midnight:%a %d}", colour=FAINT, size=11)
        yield Line(x, top, x, top + len(found) * _ROW, _BEFORE)
    for number, load in enumerate(found):
        bottom = top + number * _ROW + _BAR + 8
        highest = max(load.peak_before, load.peak_after, load.limit_after or 0, load.limit_before or 0, 1)
        yield Label(_MARGIN, bottom - 8, load.pool, bold=True)
        for n, cell in enumerate(cells):
            x, width = _LEFT + elapsed(window.start, cell.start) * scale, elapsed(cell.start, cell.end) * scale
            was, is_ = _at(load.before, n), _at(load.after, n)
            if was:
                yield Box(x, bottom - _BAR * was / highest, width - 0.5, _BAR * was / highest, _BEFORE)
            if is_:
                colour = _OVER if load.limit_after is not None and is_ > load.limit_after else _AFTER
                told = f"{cell.start:%a %d %b %H:%M}: up to {is_} at once, {was} before"
                yield Box(x + 1, bottom - _BAR * is_ / highest, max(width - 2.5, 1), _BAR * is_ / highest, colour, told)
        if load.limit_after is not None:
            at = bottom - _BAR * load.limit_after / highest
            yield Line(_LEFT, at, _LEFT + _CHART, at, FAINT, dashed=True)
        shown = f"peak {load.peak_before} → {load.peak_after}"
        yield Label(_LEFT + _CHART + 8, bottom - 20, shown, colour=_OVER if load.is_over else INK, size=11)
        limits = [words.limit(each) for each in (load.limit_before, load.limit_after)]
        told = f"limit {limits[1]}" if limits[0] == limits[1] else f"limit {limits[0]} → {limits[1]}"
        yield Label(_LEFT + _CHART + 8, bottom - 6, told, colour=FAINT, size=11)


def _at(hours: tuple[int, ...], n: int) -> int:
    return hours[n] if n < len(hours) else 0


def _pools(timeline: Timeline | None) -> dict[str, Pool]:
    return {pool.name: pool for pool in timeline.pools} if timeline else {}


def _hours(pool: Pool | None, timeline: Timeline | None) -> tuple[int, ...]:
    return tuple(pool.peaks(timeline.window.cells(_HOUR))) if pool and timeline else ()


def _by_limit(timeline: Timeline | None) -> dict[tuple[str, str], list[Overlap]]:
    found: dict[tuple[str, str], list[Overlap]] = {}
    for each in timeline.overlaps if timeline else ():
        found.setdefault((each.scope, each.name), []).append(each)
    return found
