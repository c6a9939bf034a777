"""`prefect-infra timeline`: when all schedules of a stack fire, and where too many do at once."""

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import typer

from infra.adoption.application import write_whole
from infra.cli.console import checkout, err, fail, out, step
from infra.cli.history import connection, mean_durations
from infra.cli.options import StackName, complete_pool
from infra.model import Stack, StackErrors, load_stack_file
from infra.model.naming import suggestion
from infra.model.recurrence import ScheduleError, interval_seconds
from infra.provider.errors import ProviderError
from infra.timeline import Timeline, Window, calculate
from infra.timeline.picture import picture
from infra.timeline.png import PillowMissing, png
from infra.timeline.svg import html, svg
from infra.timeline.table import table
from infra.timeline.text import cell_minutes, lines

_PICTURES = (".svg", ".html", ".png")
_MANY_RUNS_A_DAY = 20_000
"""From so many on, it takes more than a second or two."""


def timeline(
    stack: StackName = "dev",
    days: Annotated[Literal["1", "7"], typer.Option(help="How many days.")] = "1",
    since: Annotated[str | None, typer.Option("--from", metavar="DATE", help="First day; else today.")] = None,
    pool: Annotated[
        list[str] | None, typer.Option(help="Only this work pool; may be repeated.", autocompletion=complete_pool)
    ] = None,
    assume: Annotated[
        str, typer.Option(metavar="TIME", help="How long a run is taken to last: 30s, 5m, 1h30m.")
    ] = "5m",
    format_: Annotated[
        Literal["text", "json"] | None, typer.Option("--format", help="On stdout; text unless --output is given.")
    ] = None,
    output: Annotated[Path | None, typer.Option(help="A picture: a file ending with .svg, .html or .png.")] = None,
    *,
    history: Annotated[bool, typer.Option("--history", help="Ask the stack's server how long runs last.")] = False,
    inactive: Annotated[bool, typer.Option("--inactive", help="Show what inactive schedules would run, too.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 1 when a limit is exceeded.")] = False,
) -> None:
    """Show when all schedules fire, by work pool, in the stack's time zone, and where a limit is exceeded.

    Files alone are read. How long a run lasts they don't say: each is taken to last as long as `--assume` says or,
    with `--history`, as its deployment's runs did on average among the last 200 completed ones. That asks the server
    of the stack's profile or, where that isn't registered, the one that `prefect` itself would ask.

    Example: `prefect-infra timeline --stack prod --days 7 --output horarios.html`
    """
    if output is not None and output.suffix.lower() not in _PICTURES:
        fail(f"--output is {str(output)!r}: it must end with {', '.join(_PICTURES)}", 2)
    seconds = _seconds(assume)
    first = _date(since)
    try:
        declared = load_stack_file(checkout(), stack)
    except StackErrors as errors:
        fail(str(errors))
    _check_pools(declared, pool or [])
    first = first or datetime.now(ZoneInfo(declared.timezone)).date()
    measured = _history(declared) if history else {}
    made = _calculated(declared, Window(first, int(days), declared.timezone), seconds, measured, pool or [])
    if output is not None:
        _write(output, made, inactive=inactive)
    if format_ == "json":
        typer.echo(json.dumps(table(made), ensure_ascii=False, indent=2))
    elif format_ == "text" or output is None:
        for line in lines(made, cell_minutes(made, out.width if out.is_terminal else None), inactive=inactive):
            out.print(line)
    if strict and made.overlaps:
        raise typer.Exit(1)


def _calculated(
    declared: Stack, window: Window, seconds: float, measured: dict[str, float], pools: list[str]
) -> Timeline:
    often = [s.interval for area in declared.areas for each in area.deployments for s in each.schedules if s.interval]
    if sum(86400 / each for each in often) * window.days < _MANY_RUNS_A_DAY:
        return calculate(declared, window, seconds, measured, pools)
    with step("Counting runs ..."):
        return calculate(declared, window, seconds, measured, pools)


def _history(declared: Stack) -> dict[str, float]:
    try:
        server = connection(declared)
        with step(f"Asking {server.api_url} how long runs last ..."):
            return mean_durations(server, declared)
    except ProviderError as error:
        fail(f"{error}. Without --history each run is taken to last as long as --assume says")


def _write(file: Path, made: Timeline, *, inactive: bool) -> None:
    drawn = picture(made, inactive=inactive)
    try:
        match file.suffix.lower():
            case ".png":
                content = png(drawn)
            case ".html":
                content = html(drawn).encode()
            case _:
                content = svg(drawn).encode()
        write_whole(file, content)
    except PillowMissing as missing:
        fail(str(missing))
    except OSError as error:
        fail(f"{file} can't be written: {error}")
    err.print(f"written: {file}", markup=False)


def _seconds(written: str) -> float:
    try:
        return interval_seconds(int(written) if written.isdigit() else written)
    except ScheduleError as error:
        fail(f"--assume: {str(error).replace('interval', 'time')} ({error.hint})", 2)


def _date(written: str | None) -> date | None:
    try:
        return None if written is None else date.fromisoformat(written)
    except ValueError:
        fail(f"--from is {written!r}, which is no date: write it as {date(2026, 1, 31)}", 2)


def _check_pools(declared: Stack, pools: list[str]) -> None:
    names = [area.pool.name for area in declared.areas]
    wrong = [
        f"the stack {declared.stack} has no work pool {name!r}: {suggestion(name, names) or 'it has none at all'}"
        for name in pools
        if name not in names
    ]
    if wrong:
        fail("\n".join(wrong), 2)
