"""`prefect-infra deploy`: a flow into the file that declares it, by questions or options. `pulumi up` applies it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from infra.adoption.application import Change
from infra.adoption.stack_edit import EditError
from infra.cli.console import checkout, err, fail, out
from infra.cli.deploy_questions import complete, tell_firings
from infra.cli.dialogue import can_ask, yes
from infra.cli.options import StackName, complete_area, complete_entrypoint
from infra.guided.answers import parameter
from infra.guided.request import Request, Surroundings, firings, in_words, report
from infra.guided.spoken import SpokenError, schedules
from infra.guided.writing import deployed
from infra.model import Deployment, StackErrors, load_stack_file
from infra.model.entrypoints import EntrypointError, Flow

INTERRUPTED = 130


def deploy(
    entrypoint: Annotated[
        str | None, typer.Option(help="path/file.py:function.", autocompletion=complete_entrypoint)
    ] = None,
    area: Annotated[
        str | None, typer.Option("--area", "-a", help="Whose workers run it.", autocompletion=complete_area)
    ] = None,
    name: Annotated[str | None, typer.Option("--name", "-n", help="Of the deployment; unique in the stack.")] = None,
    schedule: Annotated[
        list[str] | None,
        typer.Option(help='In words ("cada día a las 7", "every 15 minutes") or as a cron; may be repeated.'),
    ] = None,
    cron: Annotated[list[str] | None, typer.Option(help="Five fields; may be repeated.")] = None,
    interval: Annotated[list[str] | None, typer.Option(help="15m, 2h, 1d; may be repeated.")] = None,
    rrule: Annotated[list[str] | None, typer.Option(help="RFC 5545; may be repeated.")] = None,
    given: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="May be repeated.")
    ] = None,
    queue: Annotated[str | None, typer.Option(help="One of the area's queues.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="May be repeated.")] = None,
    description: Annotated[str | None, typer.Option(help="Else the function's docstring.")] = None,
    concurrency_limit: Annotated[int | None, typer.Option(min=1, help="How many of its runs go at once.")] = None,
    stack: StackName = "dev",
    *,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Of its schedules.")] = None,
    agreed: Annotated[bool, typer.Option("--yes", "-y", help="Write without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the change, write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The outcome as JSON on stdout; asks nothing.")] = False,
) -> None:
    """Declare a flow as a deployment: asks for what the options leave open, shows the change, writes it.

    What it writes to is the stack's file, or the area's; `pulumi up` applies it, after a review. Of a deployment that
    is there already, only what is said changes. Without a terminal nothing is asked: what is missing is told, exit
    code 2.

    Example: `prefect-infra deploy --entrypoint flows/compras/pedidos.py:revisar --area compras --name revisar-pedidos
    --schedule "lunes a viernes 07:30" --parameter minimo=5 --yes`
    """
    root = checkout()
    try:
        around = Surroundings(root, load_stack_file(root, stack))
    except StackErrors as errors:
        fail(f"the stack {stack} has faults: mend them first\n{errors}")
    request = Request(
        entrypoint=entrypoint,
        area=area,
        name=name,
        queue=queue,
        tags=None if tag is None else tuple(tag),
        description=description,
        concurrency_limit=concurrency_limit,
    )
    problems = list(_read(request, around, [*(schedule or [])], cron or [], interval or [], rrule or [], given or []))
    missing = list(_missing(request, around))
    asks = can_ask() and not as_json
    if problems or (not asks and (missing or not (agreed or dry_run))):
        _refuse(problems, missing, confirmation=not (asks or agreed or dry_run))
    try:
        if missing:
            complete(request, around, active=active)
        if active is not None and request.schedules:
            request.schedules = tuple({**each, "active": active} for each in request.schedules)
        made, deployment = _change(root, stack, around, request)
        if made.difference() and not as_json:
            _show(made, request, around)
            if not missing:
                tell_firings(deployment)
        written = _written(made, agreed=agreed, dry_run=dry_run)
        if as_json:
            outcome = _outcome(made, deployment, request, around, written=written)
            typer.echo(json.dumps(outcome, ensure_ascii=False, indent=2))
        else:
            _tell(made, request, around, written=written)
    except (KeyboardInterrupt, EOFError) as stopped:
        err.print("\nInterrupted: nothing was written.")
        raise typer.Exit(INTERRUPTED if isinstance(stopped, KeyboardInterrupt) else 1) from stopped


def _read(
    request: Request,
    around: Surroundings,
    words: list[str],
    crons: list[str],
    intervals: list[str],
    rrules: list[str],
    parameters: list[str],
) -> Iterator[str]:
    """Take the options over; each that can't be used is told."""
    made: list[dict[str, Any]] = []
    for text in words:
        try:
            made += schedules(text)
        except SpokenError as error:
            yield f"--schedule: {error} ({error.hint})"
    made += [{"cron": text} for text in crons]
    made += [{"interval": text} for text in intervals]
    made += [{"rrule": text} for text in rrules]
    if made:
        request.schedules = tuple(made)
    flow: Flow | None = None
    if request.entrypoint is not None:
        try:
            flow = around.flow(request.entrypoint)
        except EntrypointError as error:
            if not error.file_is_missing:  # of another repository's file, only the stack's rules can tell
                yield f"--entrypoint: {error}" + (f" ({error.hint})" if error.hint else "")
    yield from _read_parameters(request, flow, parameters)
    if request.name is not None and (wrong := in_words(report(around, request).errors, of="name")):
        yield f"--name: {wrong}"


def _read_parameters(request: Request, flow: Flow | None, parameters: list[str]) -> Iterator[str]:
    for text in parameters:
        key, equals, value = text.partition("=")
        if not equals or not key:
            yield f"--parameter is {text!r}: write NAME=VALUE"
            continue
        try:
            request.parameters[key] = parameter(key, value, flow.signature) if flow else value
        except ValueError as error:
            yield f"--parameter {key}: {error}"


def _missing(request: Request, around: Surroundings) -> Iterator[str]:
    if request.entrypoint is None:
        yield "--entrypoint path/file.py:function"
    if request.area is None:
        yield f"--area ({', '.join(around.areas)})" if around.areas else "--area"
    if request.name is None:
        suggested = around.suggested_name(request.entrypoint)
        yield f"--name (such as {suggested})" if suggested else "--name"
    if request.schedules:
        yield from (f"--parameter {name}=..." for name in around.missing_parameters(request))


def _refuse(problems: list[str], missing: list[str], *, confirmation: bool) -> NoReturn:
    if confirmation:
        missing = [*missing, "--yes, or --dry-run"]
    lines = [*problems, *(["missing, and there is no terminal to ask on:"] if missing else [])]
    fail("\n".join([*lines, *(f"  {each}" for each in missing)]), 2)


def _change(root: Path, stack: str, around: Surroundings, request: Request) -> tuple[Change, Deployment]:
    """The change, and the deployment as the stack has it then."""
    assert request.area is not None
    there = around.taken().get(str(request.name))
    if there is not None and there != request.area:
        fail(f"there is a deployment {request.name!r} in the area {there} already: names are unique in a stack")
    try:
        made = deployed(root, stack, around.stack.environment, request.area, request.declared())
        (area,) = [each for each in made.check()[stack].areas if each.name == request.area]
    except EditError as error:
        fail(str(error))
    except StackErrors as errors:
        fail(f"with it, the stack would not be valid; nothing was written\n{errors}")
    return made, next(each for each in area.deployments if each.name == request.name)


def _show(made: Change, request: Request, around: Surroundings) -> None:
    for line in made.difference().splitlines():
        style = "green" if line.startswith("+") else "red" if line.startswith("-") else ""
        out.print(line, style=style, markup=False)
    for warning in report(around, request).warnings:
        err.print(f"warning: {in_words([warning])}", style="yellow", markup=False)
    if any("active" not in each for each in request.schedules or ()) and not around.schedules_active:
        err.print(f"In {around.stack.stack} its schedules are inactive: --active makes them run.", markup=False)
    if others := [each for each in made.stacks if each != around.stack.stack]:
        err.print(f"{made.file} counts for {', '.join(others)} too.", style="yellow", markup=False)


def _written(made: Change, *, agreed: bool, dry_run: bool) -> bool:
    if dry_run or not made.difference() or not (agreed or yes(f"Write {made.file}?", default=False)):
        return False
    try:
        made.write()
    except (EditError, OSError) as error:
        fail(str(error))
    except StackErrors as errors:
        fail(f"with it, the stack would not be valid; nothing was written\n{errors}")
    return True


def _tell(made: Change, request: Request, around: Surroundings, *, written: bool) -> None:
    if not made.difference():
        err.print(f"{request.name} is declared so already in {made.file}: nothing to write.", markup=False)
    elif written:
        err.print(f"written: {made.file}. Applied by:", markup=False)
        out.print(f"pulumi up --stack {around.stack.stack}", markup=False)
    else:
        err.print("Nothing was written.")


def _outcome(
    made: Change, deployment: Deployment, request: Request, around: Surroundings, *, written: bool
) -> dict[str, Any]:
    now = datetime.now(UTC)
    times = {slug: [time.isoformat() for time in found] for slug, found in firings(deployment, now)}
    return {
        "stack": around.stack.stack,
        "stacks": list(made.stacks),
        "area": request.area,
        "work_pool": around.pool(request.area),
        "file": made.file,
        "deployment": request.declared(),
        "next_runs": times,
        "changed": bool(made.difference()),
        "written": written,
        "difference": made.difference(),
        "warnings": [in_words([each]) for each in report(around, request).warnings],
        "apply": f"pulumi up --stack {around.stack.stack}",
    }
