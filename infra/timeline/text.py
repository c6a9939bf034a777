"""A timeline for a terminal: a row for each pool and deployment, a sign for each cell. It reads without colour too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from infra.timeline import words
from infra.timeline.calculation import Lane, Pool, Timeline
from infra.timeline.overlaps import Overlap
from infra.timeline.window import Cell

_NONE = "·"
_MANY = "+"
_HEAT = ((1, "black on #c6dbef"), (2, "black on #9ecae1"), (4, "black on #6baed6"), (8, "white on #2171b5"))
_TOO_MANY = "white on red"
_GAP = "  "
_FIGURES = ("runs", "peak", "limit")
_CELL_MINUTES = {1: (30, 60), 7: (180, 360)}


def cell_minutes(timeline: Timeline, width: int | None) -> int:
    """The finest cells that fit a terminal of that many columns; None: there is none, take the finest."""
    for minutes in _CELL_MINUTES[timeline.window.days]:
        cells = timeline.window.cells(minutes)
        if width is None or _names(timeline, inactive=True) + len(_axis(cells, timeline)) + 22 <= width:
            return minutes
    return _CELL_MINUTES[timeline.window.days][-1]


def lines(timeline: Timeline, minutes: int, *, inactive: bool = False) -> Iterator[Text]:
    """All of it. `minutes`: of each cell."""
    cells = timeline.window.cells(minutes)
    width = _names(timeline, inactive=inactive)
    yield Text(words.title(timeline), style="bold")
    yield Text(f"{words.basis(timeline)} A sign is {words.duration(minutes * 60)}: how many runs start in it.")
    yield Text()
    axis = _axis(cells, timeline)
    yield Text(" " * width + _GAP + axis + _GAP + _GAP.join(_FIGURES), style="dim")
    for pool in timeline.pools:
        yield from _pool(pool, timeline, cells, width, inactive=inactive)
    yield from _notes(timeline, inactive=inactive)


def _pool(pool: Pool, timeline: Timeline, cells: Sequence[Cell], width: int, *, inactive: bool) -> Iterator[Text]:
    over = [each for each in timeline.overlaps if each.scope != "deployment" and each.name.split("/")[0] == pool.name]
    peak = max(pool.peaks(cells), default=0)
    yield _row(pool.name, "bold", pool.counts(cells), cells, over, width, (peak, pool.concurrency_limit), timeline)
    for lane in pool.lanes:
        over = [each for each in timeline.overlaps if each.scope == "deployment" and each.name == lane.deployment]
        yield _row(
            f"  {lane.deployment}",
            "",
            lane.counts(cells),
            cells,
            over,
            width,
            (max(lane.peaks(cells), default=0), lane.concurrency_limit),
            timeline,
        )
    for lane in pool.inactive if inactive else ():
        yield _inactive(lane, cells, width, timeline)


def _row(
    name: str,
    style: str,
    counts: Sequence[int],
    cells: Sequence[Cell],
    over: Sequence[Overlap],
    width: int,
    bounds: tuple[int, int | None],
    timeline: Timeline,
) -> Text:
    row = Text()
    row.append(name.ljust(width) + _GAP, style=style)
    for n, (cell, count) in enumerate(zip(cells, counts, strict=True)):
        if n and _begins_day(cell, timeline):
            row.append("|", style="dim")
        row.append(_sign(count), style=_style(count, cell, over))
    figures = (str(sum(counts)), str(bounds[0]), words.limit(bounds[1]))
    row.append(_GAP + _GAP.join(value.rjust(len(head)) for head, value in zip(_FIGURES, figures, strict=True)))
    return row


def _inactive(lane: Lane, cells: Sequence[Cell], width: int, timeline: Timeline) -> Text:
    row = Text(f"  {lane.deployment}".ljust(width) + _GAP, style="dim")
    for n, (cell, count) in enumerate(zip(cells, lane.counts(cells), strict=True)):
        row.append(("|" if n and _begins_day(cell, timeline) else "") + _sign(count), style="dim")
    row.append(f"{_GAP}{len(lane.runs):>{len(_FIGURES[0])}}{_GAP}inactive", style="dim")
    return row


def _notes(timeline: Timeline, *, inactive: bool) -> Iterator[Text]:
    yield Text()
    if not timeline.overlaps:
        yield Text("No limit is exceeded.")
    for told in words.overlaps(timeline):
        yield Text.assemble(("over the limit: ", "bold red"), told)
    for change in timeline.clock_changes:
        yield Text.assemble(("clock change: ", "bold yellow"), str(change))
    if not inactive and (left_out := words.not_shown(timeline)):
        yield Text(f"{left_out}: --inactive shows what would run.", style="dim")


def _sign(count: int) -> str:
    return _NONE if count == 0 else str(count) if count < 10 else _MANY  # noqa: PLR2004  # one sign


def _style(count: int, cell: Cell, over: Sequence[Overlap]) -> str:
    if any(each.start < cell.end and each.end > cell.start for each in over):
        return _TOO_MANY
    return next((style for least, style in reversed(_HEAT) if count >= least), "dim")


def _axis(cells: Sequence[Cell], timeline: Timeline) -> str:
    """Hours of one day, or the days of a week; above the cell that begins with it."""
    text, behind = "", 0
    for n, cell in enumerate(cells):
        if n and _begins_day(cell, timeline):
            text += "|"
        if timeline.window.days == 1:
            mark = f"{cell.start:%H}" if cell.start.minute == 0 and cell.start.hour % 3 == 0 else ""
        else:
            mark = f"{cell.start:%a %d}" if _begins_day(cell, timeline) else ""
        if mark and not behind:
            text, behind = text + mark[: _room(n, cells, timeline)], len(mark) - 1
            behind = min(behind, _room(n, cells, timeline) - 1)
        elif behind:
            behind -= 1
        else:
            text += " "
    return text


def _room(n: int, cells: Sequence[Cell], timeline: Timeline) -> int:
    """Cells from the n-th one to the end of its day."""
    ends = (m for m in range(n + 1, len(cells)) if _begins_day(cells[m], timeline))
    return next(ends, len(cells)) - n


def _begins_day(cell: Cell, timeline: Timeline) -> bool:
    return cell.start in timeline.window.midnights


def _names(timeline: Timeline, *, inactive: bool) -> int:
    names = [pool.name for pool in timeline.pools]
    names += [
        f"  {lane.deployment}"
        for pool in timeline.pools
        for lane in (*pool.lanes, *(pool.inactive if inactive else ()))
    ]
    return max(map(len, names), default=0)
