"""`prefect-infra import`: what another scheduler runs, as deployments of a stack file."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from infra.adoption import Imported, SourceFaults, crontab, prefect_yaml, task_scheduler
from infra.adoption.application import change
from infra.adoption.stack_edit import EditError, rendered
from infra.cli.console import checkout, err, fail
from infra.cli.import_server import import_server
from infra.cli.options import complete_area, complete_stack
from infra.model import StackErrors, timezones
from infra.model.declared import AREA_NAME
from infra.model.loading import from_file
from infra.model.overlays import composed

app = typer.Typer(
    help="Turn what another scheduler runs into deployments of a stack file.\n\n"
    "Example: `prefect-infra import crontab tareas.cron --area compras`",
    no_args_is_help=True,
)

app.command("server")(import_server)

Source = Annotated[Path, typer.Argument(help="What to import.", exists=True, readable=True)]
AreaName = Annotated[
    str, typer.Option("--area", "-a", help="The area whose workers run it.", autocompletion=complete_area)
]
StackName = Annotated[
    str, typer.Option("--stack", "-s", help="The stack whose file takes it.", autocompletion=complete_stack)
]
Write = Annotated[bool, typer.Option("--write", help="Write the flows and the stack file, after showing the diff.")]


@app.command("crontab")
def import_crontab(
    file: Source,
    area: AreaName = "importados",
    stack: StackName = "dev",
    *,
    write: Write = False,
    system: Annotated[bool, typer.Option("--system", help="As /etc/crontab: a user before each command.")] = False,
) -> None:
    """Turn the lines of a crontab into deployments, each with a flow that runs the command.

    Shows what it would write, and reports what has no equal. Nothing is changed without `--write`.

    Example: `crontab -l > tareas.cron; prefect-infra import crontab tareas.cron --area compras --write`
    """
    root = _checked_root(area)
    try:
        parsed = crontab.parse(_text(file), system=system)
    except SourceFaults as faults:
        fail(f"{file} is no crontab; nothing was imported\n{faults}")
    finish(root, stack, area, crontab.translate(parsed, area, taken=_names(root, stack)), write=write)


@app.command("task-scheduler")
def import_task_scheduler(
    source: Source,
    area: AreaName = "importados",
    stack: StackName = "dev",
    timezone: Annotated[
        str | None, typer.Option("--timezone", help="Of the machine they come from; else the stack's.")
    ] = None,
    *,
    write: Write = False,
) -> None:
    """Turn tasks exported from Windows Task Scheduler into deployments, each with a flow that runs the command.

    A file, or a folder of them. The schedules fire when the triggers did, which is computed both ways; what has no
    equal is reported. Nothing is changed without `--write`.

    Example: `prefect-infra import task-scheduler tareas/ --area compras --write`
    """
    root = _checked_root(area)
    zone = _timezone(root, stack, timezone)
    files = sorted(source.rglob("*.xml")) if source.is_dir() else [source]
    tasks: list[task_scheduler.Task] = []
    faults: list[str] = []
    for file in files:
        try:
            tasks += task_scheduler.parse(file.read_bytes(), file.stem)
        except SourceFaults as wrong:
            faults += [f"{file}: {each}" for each in wrong.faults]
        except OSError as error:
            faults.append(f"{file}: {error}")
    if faults or not files:
        fail("\n".join([*faults, f"{source}: nothing was imported" + ("" if files else ", it has no .xml file")]))
    now = datetime.now(ZoneInfo(zone))
    names, say_timezone = _names(root, stack), timezone is not None
    imported = task_scheduler.translate(tasks, area, zone, now, taken=names, say_timezone=say_timezone)
    finish(root, stack, area, imported, write=write)


@app.command("prefect-yaml")
def import_prefect_yaml(
    file: Source = Path("prefect.yaml"),
    area: AreaName = "importados",
    stack: StackName = "dev",
    *,
    write: Write = False,
) -> None:
    """Turn the deployments of a prefect.yaml into those of a stack file.

    What `prefect deploy` would have filled in or asked for, and what has no equal, is reported. Schedules in UTC are
    moved to the stack's time zone. Nothing is changed without `--write`.

    Example: `prefect-infra import prefect-yaml prefect.yaml --area compras --write`
    """
    root = _checked_root(area)
    zone = _timezone(root, stack, None)
    surroundings = prefect_yaml.Surroundings(
        timezone=zone,
        taken=_names(root, stack),
        queues=_queues(root, stack, area),
        is_here=lambda path: (root / path).is_file(),
        now=datetime.now(ZoneInfo(zone)),
    )
    try:
        imported = prefect_yaml.translate(_text(file), surroundings)
    except SourceFaults as faults:
        fail(f"{file} is no prefect.yaml; nothing was imported\n{faults}")
    finish(root, stack, area, imported, write=write)


def finish(root: Path, stack: str, area: str, imported: Imported, *, write: bool) -> None:
    """Show what there is, and write it if wanted and if the stack stays valid."""
    for remark in imported.remarks:
        err.print(str(remark), markup=False)
    if not imported.drafts:
        fail("nothing in it can be imported: see above")
    try:
        made = change(root, stack, area, imported.drafts)
        if not write:
            typer.echo(_preview(area, imported, made.file))
        made.check()
        if write:
            typer.echo(made.difference())
            made.write()
    except EditError as error:
        fail(str(error))
    except StackErrors as errors:
        fail(f"with it, the stack would not be valid; nothing was written\n{errors}")
    if len(made.stacks) > 1:
        err.print(f"{made.file} counts for the stacks {', '.join(made.stacks)}", markup=False)
    if write:
        err.print(f"written: {', '.join(made.texts)}", markup=False)
    else:
        err.print(f"Nothing was written: --write writes {made.file} and the flows.", markup=False)


def _preview(area: str, imported: Imported, file: str) -> str:
    deployments = {"deployments": [draft.deployment for draft in imported.drafts]}
    text = f"# in {file}\n" + rendered(deployments if not file.startswith("Pulumi.") else {area: deployments})
    files = [draft.flow_file.path for draft in imported.drafts if draft.flow_file is not None]
    return text + "".join(f"# makes {path}\n" for path in files)


def _checked_root(area: str) -> Path:
    if not re.fullmatch(AREA_NAME, area):
        fail(f"--area is {area!r}: small letters, digits and _, a letter first", 2)
    return checkout()


def _timezone(root: Path, stack: str, given: str | None) -> str:
    try:
        written = given or from_file(root, stack).raw.get("timezone") or timezones.BUENOS_AIRES
        return timezones.normalise(str(written))
    except timezones.TimezoneError as error:
        fail(f"{error} ({error.hint})", 2)
    except StackErrors as errors:
        fail(str(errors))


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} can't be read as UTF-8: {error}")


def _queues(root: Path, stack: str, area: str) -> set[str]:
    """Of the area, if there is such an area."""
    areas = composed(from_file(root, stack).raw).values.get("areas")
    found = areas.get(area) if isinstance(areas, dict) else None
    queues = found.get("queues") if isinstance(found, dict) else None
    return set(queues) if isinstance(queues, dict) else set()


def _names(root: Path, stack: str) -> set[str]:
    """Of the deployments that the stack has."""
    try:
        areas = from_file(root, stack).raw.get("areas") or {}  # those of other environments are taken too
    except StackErrors as errors:
        fail(str(errors))
    areas = areas if isinstance(areas, dict) else {}
    listed = [each for area in areas.values() if isinstance(area, dict) for each in area.get("deployments") or ()]
    return {str(each.get("name")) for each in listed if isinstance(each, dict)}
