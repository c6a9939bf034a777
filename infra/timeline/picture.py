"""A timeline as a picture: where each shape goes, in pixels from the top left, whatever file it becomes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

from infra.timeline import words
from infra.timeline.calculation import Lane, Pool, Timeline
from infra.timeline.overlaps import Overlap, Run
from infra.timeline.window import Cell, elapsed

Anchor: TypeAlias = Literal["start", "middle", "end"]

_CELL_MINUTES: Final = {1: 15, 7: 60}
_MARGIN: Final = 16
_CHART: Final = 960
_LETTER: Final = 6.6  # a letter's width at the size below, at most
_SIZE: Final = 12
_LANE: Final = 18
_LOAD: Final = 44
_FIGURES: Final = 150
INK: Final = "#1f2430"
FAINT: Final = "#6b7280"
_GRID: Final = "#d8dce3"
_EMPTY: Final = "#f3f5f8"
_HEAT: Final = ((8, "#08519c"), (4, "#3182bd"), (2, "#6baed6"), (1, "#9ecae1"))
_OFF: Final = "#c9ccd3"
_LOAD_BAR: Final = "#74a9cf"
_OVER: Final = "#d62728"
_CLOCK: Final = "#b7791f"


@dataclass(frozen=True)
class Box:
    """`hover`: what it tells who points at it."""

    x: float
    y: float
    width: float
    height: float
    fill: str
    hover: str | None = None


@dataclass(frozen=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float
    colour: str
    dashed: bool = False


@dataclass(frozen=True)
class Label:
    """`y`: of the line that the letters stand on."""

    x: float
    y: float
    text: str
    size: int = _SIZE
    colour: str = INK
    bold: bool = False
    anchor: Anchor = "start"
    hover: str | None = None


Shape: TypeAlias = Box | Line | Label


@dataclass(frozen=True)
class Picture:
    title: str
    width: int
    height: int
    shapes: tuple[Shape, ...]


def picture(timeline: Timeline, *, inactive: bool = False) -> Picture:
    drawing = _Drawing(timeline, inactive=inactive)
    shapes = tuple(drawing.shapes())
    return Picture(words.title(timeline), round(drawing.width), round(drawing.y + _MARGIN), shapes)


class _Drawing:
    """From top to bottom; `y` is how far it has come."""

    def __init__(self, timeline: Timeline, *, inactive: bool) -> None:
        self._timeline = timeline
        self._inactive = inactive
        self._window = timeline.window
        self._cells = self._window.cells(_CELL_MINUTES[self._window.days])
        self._scale = _CHART / elapsed(self._window.start, self._window.end)
        names = [f"  {_name(lane)}" for pool in timeline.pools for lane in self._lanes(pool)]
        longest = max(map(len, (*names, *(pool.name for pool in timeline.pools))), default=0)
        self._left = _MARGIN + longest * _LETTER + 12
        self.width = self._left + _CHART + _FIGURES + _MARGIN
        self.y: float = _MARGIN

    def shapes(self) -> Iterator[Shape]:
        yield Label(_MARGIN, self.y + 16, words.title(self._timeline), size=16, bold=True)
        yield Label(_MARGIN, self.y + 36, words.basis(self._timeline), colour=FAINT)
        self.y += 64
        top = self.y
        yield from self._axis()
        chart = [shape for pool in self._timeline.pools for shape in self._pool(pool)]
        yield from self._grid(top)
        yield from chart
        yield from self._changes(top)
        yield from self._notes()

    def _axis(self) -> Iterator[Shape]:
        days = self._window.days
        for cell in self._cells:
            first = cell.start in self._window.midnights
            if days == 1 and cell.start.minute == 0 and cell.start.hour % 2 == 0:
                yield Label(self._x(cell.start), self.y - 6, f"{cell.start:%H:%M}", colour=FAINT, anchor="middle")
            elif days > 1 and first:
                yield Label(self._x(cell.start) + 4, self.y - 6, f"{cell.start:%a %d %b}", colour=FAINT)
        right = self._left + _CHART
        for x, head in ((right + 44, "runs"), (right + 92, "peak"), (right + 144, "limit")):
            yield Label(x, self.y - 6, head, colour=FAINT, anchor="end")

    def _grid(self, top: float) -> Iterator[Shape]:
        often = 2 if self._window.days == 1 else 24
        for cell in self._cells:
            if cell.start in self._window.midnights or (cell.start.minute == 0 and cell.start.hour % often == 0):
                yield Line(self._x(cell.start), top, self._x(cell.start), self.y, _GRID)

    def _pool(self, pool: Pool) -> Iterator[Shape]:
        self.y += 10
        loads = pool.peaks(self._cells)
        peak = max(loads, default=0)
        highest = max(peak, pool.concurrency_limit or 0, 1)
        bottom = self.y + _LOAD
        hover = f"{pool.name}: {'no limit' if pool.concurrency_limit is None else f'limit {pool.concurrency_limit}'}"
        yield Label(_MARGIN, bottom - 6, pool.name, bold=True, hover=hover)
        for cell, load, runs in zip(self._cells, loads, _by_cell(pool.runs, self._cells), strict=True):
            if load:
                height = _LOAD * load / highest
                told = f"{pool.name}\n{words.cell(cell, runs, named=True)}\nup to {load} at once"
                yield self._box(cell, bottom - height, height, _LOAD_BAR, told)
        if pool.concurrency_limit is not None:
            at = bottom - _LOAD * pool.concurrency_limit / highest
            yield Line(self._left, at, self._left + _CHART, at, FAINT, dashed=True)
        yield from self._figures(len(pool.runs), peak, pool.concurrency_limit, bottom - 6)
        self.y = bottom + 2
        yield from self._over(each for each in self._timeline.overlaps if _is_of_pool(each, pool))
        self.y += 4
        for lane in self._lanes(pool):
            yield from self._lane(lane)

    def _lane(self, lane: Lane) -> Iterator[Shape]:
        colour = INK if lane.active else FAINT
        yield Label(_MARGIN + 10, self.y + 13, _name(lane), colour=colour, hover=words.lane(lane))
        yield Box(self._left, self.y + 2, _CHART - 1, _LANE - 4, _EMPTY)
        for cell, runs in zip(self._cells, _by_cell(lane.runs, self._cells), strict=True):
            if runs:
                heat = next(shade for least, shade in _HEAT if len(runs) >= least)
                told = f"{lane.deployment}\n{words.cell(cell, runs, named=False)}"
                yield self._box(cell, self.y + 2, _LANE - 4, heat if lane.active else _OFF, told)
        peak = max(lane.peaks(self._cells), default=0) if lane.active else None
        yield from self._figures(len(lane.runs), peak, lane.concurrency_limit, self.y + 13)
        self.y += _LANE
        yield from self._over(
            each for each in self._timeline.overlaps if each.scope == "deployment" and each.name == lane.deployment
        )

    def _over(self, found: Iterable[Overlap]) -> Iterator[Shape]:
        """A red stroke below the row, as long as it lasts."""
        for each in found:
            width = max(1.0, elapsed(each.start, each.end) * self._scale)
            yield Box(self._x(each.start), self.y - 1, width, 3, _OVER, words.overlap(each))

    def _figures(self, runs: int, peak: int | None, limit: int | None, y: float) -> Iterator[Shape]:
        right = self._left + _CHART
        shown = "off" if peak is None else str(peak)
        over = peak is not None and limit is not None and peak > limit
        yield Label(right + 44, y, str(runs), anchor="end")
        yield Label(right + 92, y, shown, colour=_OVER if over else INK, bold=over, anchor="end")
        yield Label(right + 144, y, words.limit(limit), anchor="end")

    def _changes(self, top: float) -> Iterator[Shape]:
        for change in self._timeline.clock_changes:
            x = self._x(change.moment)
            yield Line(x, top, x, self.y, _CLOCK, dashed=True)

    def _notes(self) -> Iterator[Shape]:
        self.y += 14
        found = [(told, _OVER) for told in words.overlaps(self._timeline)]
        notes = found or [("No limit is exceeded.", FAINT)]
        notes += [(f"Clock change: {change}", _CLOCK) for change in self._timeline.clock_changes]
        if not self._inactive and (left_out := words.not_shown(self._timeline)):
            notes.append((f"{left_out}.", FAINT))
        for text, colour in notes:
            self.y += 18
            yield Label(_MARGIN, self.y, text, colour=colour)

    def _box(self, cell: Cell, y: float, height: float, fill: str, hover: str) -> Box:
        x = self._x(cell.start)
        return Box(x, y, max(self._x(cell.end) - x - 1, 1), height, fill, hover)

    def _x(self, moment: datetime) -> float:
        return self._left + elapsed(self._window.start, moment) * self._scale

    def _lanes(self, pool: Pool) -> Sequence[Lane]:
        return (*pool.lanes, *pool.inactive) if self._inactive else pool.lanes


def _name(lane: Lane) -> str:
    return lane.deployment if lane.active else f"{lane.deployment} (inactive)"


def _is_of_pool(found: Overlap, pool: Pool) -> bool:
    return found.scope != "deployment" and found.name.split("/")[0] == pool.name


def _by_cell(runs: Sequence[Run], cells: Sequence[Cell]) -> Iterator[list[Run]]:
    """The runs that start within each cell; both are in the order of time."""
    n = 0
    for cell in cells:
        end, found = cell.end.astimezone(UTC), []
        while n < len(runs) and runs[n].start < end:
            found.append(runs[n])
            n += 1
        yield found
