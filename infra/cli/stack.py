"""`prefect-infra stack`: throwaway stacks, a whole platform per person or pull request."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from infra.cli import platform_up, stack_removal
from infra.cli.columns import plain
from infra.cli.console import checkout, err, fail, out
from infra.cli.engine import engine_here
from infra.cli.options import complete_stack
from infra.cli.pulumi import Pulumi
from infra.cli.stack_options import complete_base_area, complete_throwaway
from infra.model import DEFAULT_PROJECT, Stack, StackErrors, load_stack_file
from infra.throwaway import note, stack_file
from infra.throwaway.engine import EngineError
from infra.throwaway.inventory import Standing, called, inventory
from infra.throwaway.lifetime import Lifetime, LifetimeError, in_words
from infra.throwaway.note import Note
from infra.throwaway.request import Request, areas_asked_for

app = typer.Typer(
    help="Throwaway stacks: a whole platform per person or pull request, and away with it.\n\n"
    "Example: `prefect-infra stack new ana --from dev --ttl 8h`",
    no_args_is_help=True,
)

_COLUMNS = ("stack", "age", "expires", "UI", "running", "areas", "checkout")
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout; all else on stderr.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do none of it.")]


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Such as `ana` or `pr-123`: the stack is then dev-ana, dev-pr-123.")],
    *,
    base: Annotated[
        str, typer.Option("--from", help="The stack that it is like.", autocompletion=complete_stack)
    ] = "dev",
    ttl: Annotated[str, typer.Option("--ttl", help="How long it lives: 90m, 8h, 2d.")] = "8h",
    areas: Annotated[
        list[str] | None,
        typer.Option("--areas", help="Only these, by commas or repeated.", autocompletion=complete_base_area),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Bring up a throwaway stack like another one, run a flow of each area, and say where everything is.

    It has containers, networks, volumes, a port and a profile of its own; its schedules make no runs. Called again, it
    changes nothing but its end: it lives for `--ttl` from then on. `prefect-infra stack rm --expired` collects it.

    Example: `prefect-infra stack new pr-123 --from dev --ttl 8h --areas compras`
    """
    root = checkout()
    request = Request(root, name, base, ttl, areas_asked_for(areas or ()))
    engine = engine_here(root)
    clock = platform_up.Clock()
    with clock.part("request"):
        try:
            faults = request.faults(note.read_all(engine, DEFAULT_PROJECT))
            life = _life(request) if not faults else None
        except EngineError as error:
            fail(str(error))
        if life is None:
            fail("\n       ".join(faults), 2)
    if dry_run:
        out.print(f"{request.file.name} would be:\n", markup=False, style="bold")
        out.print(stack_file.text(request, life), markup=False)
        return
    declared = _declare(request, life)
    try:
        note.write(engine, DEFAULT_PROJECT, Note(request.stack, base, root, life))
    except EngineError as error:
        fail(str(error))
    outputs = _bring_up(request, clock, quiet=as_json)
    trials = platform_up.try_out(declared, outputs, clock, again=False)
    gone_by = f"prefect-infra stack rm {request.stack}"
    if as_json:
        told = _told(Standing(request.stack, engine.parts(DEFAULT_PROJECT)[request.stack], life, base, root))
        runs = [{"area": t.area, "deployment": t.deployment, "state": t.state, "seconds": t.seconds} for t in trials]
        extra = {"api_url": outputs["api_url"], "profile": next(iter(outputs["profiles"]), None), "runs": runs}
        typer.echo(json.dumps({**told, **extra, "seconds": clock.seconds}, ensure_ascii=False, indent=2))
    else:
        platform_up.tell(declared, outputs, trials, gone_by=gone_by)
        parts = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in clock.seconds.items())
        out.print(f"\nExpires   {life.expires.isoformat(' ', 'minutes')}, in {in_words(life.expires - life.made)}")
        out.print(f"Took      {sum(clock.seconds.values()):.0f} s: {parts}", markup=False)
    if not all(trial.completed for trial in trials):
        fail("not every area's flow ended well")


def _life(request: Request) -> Lifetime:
    """From now on; one that is there already was made when it was made."""
    before = stack_file.life(request.file)
    zone = ZoneInfo(load_stack_file(request.root, request.base).timezone)
    try:
        return Lifetime.of(request.ttl, datetime.now(zone), made=before.made if before else None)
    except LifetimeError as error:
        fail(str(error), 2)


def _declare(request: Request, life: Lifetime) -> Stack:
    """The file; it goes again if it isn't sound."""
    path = request.root / request.file.name
    before = path.read_text(encoding="utf-8") if path.is_file() else None
    path.write_text(stack_file.text(request, life), encoding="utf-8")
    try:
        declared = load_stack_file(request.root, request.stack)
    except StackErrors as errors:
        path.unlink() if before is None else path.write_text(before, encoding="utf-8")
        fail(str(errors))
    if stack_file.keep_out_of_git(request.root, request.file.name):
        err.print(f"git: {request.file.name} is ignored in this clone", markup=False)
    return declared


def _bring_up(request: Request, clock: platform_up.Clock, *, quiet: bool) -> dict[str, Any]:
    """`pulumi up` without a preview: nobody looks at one of a stack that is all new."""
    stack, pulumi = request.stack, Pulumi(request.root, request.stack)
    up = ("up", "--yes", "--skip-preview", "--suppress-outputs", "--stack", stack)
    with clock.part("state"):
        # Without a look whether it is there, which takes as long.
        made = pulumi.ask("stack", "init", stack, "--no-select")
        if made.returncode != 0 and "already exists" not in made.stderr:
            fail(f"`pulumi stack init {stack}`: {made.stderr.strip()}")
    with clock.part("pulumi up"):
        if pulumi.show(*up, on_stderr=quiet) != 0:
            again = f"`prefect-infra stack new` again, or `prefect-infra stack rm {stack}`"
            fail(f"`pulumi up` of {stack} did not end well: see above. It is safe to run {again}")
    with clock.part("outputs"):
        return pulumi.outputs()


@app.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """List the stacks of this machine, whichever checkout made them: age, end, address, containers, areas.

    Example: `prefect-infra stack list --json`
    """
    root = checkout()
    try:
        standing = inventory(root, engine_here(root))
    except EngineError as error:
        fail(str(error))
    if as_json:
        typer.echo(json.dumps([_told(each) for each in standing], ensure_ascii=False, indent=2))
        return
    if not standing:
        err.print("There is no stack: `prefect-infra stack new ana` makes one, `make dev` brings up dev.", markup=False)
        return
    rows = [_row(each, root) for each in standing]
    if not out.is_terminal:
        typer.echo(plain([_COLUMNS, *rows]))
        return
    table = Table(box=None, pad_edge=False)
    for heading in _COLUMNS:
        table.add_column(heading, style="bold" if heading == "stack" else "", overflow="fold")
    for each, row in zip(standing, rows, strict=True):
        table.add_row(*row, style="red" if each.life is not None and each.life.is_over(datetime.now(UTC)) else "")
    out.print(table)


@app.command()
def rm(
    names: Annotated[
        list[str] | None, typer.Argument(help="The stacks, such as dev-ana or ana.", autocompletion=complete_throwaway)
    ] = None,
    *,
    expired: Annotated[bool, typer.Option("--expired", help="All whose time is over, of any checkout.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Stacks that were not made by `stack new`, too.")] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Remove throwaway stacks: containers, networks, volumes, profile, state and file. Their data is gone.

    One that isn't there is removed already. One that wasn't made by `stack new` takes `--force`, and keeps its file.

    Example: `prefect-infra stack rm --expired --dry-run`
    """
    root = checkout()
    if bool(names) == expired:
        fail("name the stacks, or say --expired", 2)
    engine = engine_here(root)
    try:
        standing = inventory(root, engine)
        chosen = [each for each in standing if each.life is not None and each.life.is_over(datetime.now(UTC))]
        if not expired:
            chosen = _named(names or [], standing, root)
        if guarded := [each.name for each in chosen if each.life is None and not force]:
            fail(f"no throwaway stacks: {', '.join(guarded)}; --force removes them all the same", 2)
        results = stack_removal.remove(chosen, root, engine, dry_run=dry_run, quiet=as_json)
    except EngineError as error:
        fail(str(error))
    if as_json:
        typer.echo(json.dumps([result.told() for result in results], ensure_ascii=False, indent=2))
    elif not results:
        out.print("Nothing to remove.")
    else:
        for result in results:
            out.print(result.in_words(), markup=False)
    if any(result.left for result in results if not result.dry_run):
        raise typer.Exit(1)


def _named(names: list[str], standing: list[Standing], root: Path) -> list[Standing]:
    chosen: dict[str, Standing] = {}
    for name in names:
        found = called(name, standing) or stack_removal.in_state_alone(name, root)
        if found is None:
            err.print(f"There is no stack {name}: nothing to remove.", markup=False)
        else:
            chosen[found.name] = found
    return list(chosen.values())


def _row(each: Standing, root: Path) -> tuple[str, ...]:
    now, since = datetime.now(UTC), _since(each)
    where = "-" if each.checkout is None else str(each.checkout)
    return (
        each.name,
        in_words(now - since) if since else "-",
        _end(each, now),
        each.parts.url or "-",
        f"{each.parts.running}/{each.parts.containers}",
        ", ".join(sorted(each.parts.areas)) or "-",
        "here" if each.checkout == root else where,
    )


def _since(each: Standing) -> datetime | None:
    return each.life.made if each.life is not None else each.parts.since


def _end(each: Standing, now: datetime) -> str:
    if each.life is None:
        return "never"
    span = in_words(each.life.expires - now)
    return f"{span} ago" if each.life.is_over(now) else f"in {span}"


def _told(each: Standing) -> dict[str, Any]:
    now = datetime.now(UTC)
    since = _since(each)
    return {
        "name": each.name,
        "throwaway": each.life is not None,
        "base": each.base,
        "made": since.isoformat() if since else None,
        "age_seconds": int((now - since).total_seconds()) if since else None,
        "expires": each.life.expires.isoformat() if each.life else None,
        "expired": each.life.is_over(now) if each.life else False,
        "ui_url": each.parts.url,
        "containers": {"running": each.parts.running, "all": each.parts.containers},
        "areas": sorted(each.parts.areas),
        "checkout": str(each.checkout) if each.checkout else None,
    }
