"""`prefect-infra upgrade-test`: another release of Prefect, tried on a copy of a stack's database."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from packaging.version import InvalidVersion, Version

from infra.backup import DatabaseError, check, database_of
from infra.cli import platform_down, platform_up
from infra.cli import upgrade_rehearsal as rehearsal
from infra.cli.backup import BAD_INPUT, project_of
from infra.cli.console import checkout, err, fail, out, step
from infra.cli.engine import engine_here
from infra.cli.options import StackName
from infra.cli.pulumi import Pulumi
from infra.components.naming import Naming
from infra.model import Stack, StackErrors, load_stack_file
from infra.provider.errors import ProviderError
from infra.throwaway import note
from infra.throwaway.engine import Engine, EngineError
from infra.throwaway.lifetime import Lifetime
from infra.throwaway.note import Note
from infra.toolchain.facts import read_facts
from infra.upgrade.checkout import STAND_IN, TTL, Copy, RehearsalError, copy_of, pin
from infra.upgrade.report import Rehearsal, changes, in_words


def upgrade_test(
    stack: StackName = "prod",
    *,
    to: Annotated[str, typer.Option("--to", help="The release of Prefect, such as 3.9.1.", metavar="VERSION")],
    backup: Annotated[
        Path | None,
        typer.Option("--backup", help="A file of `prefect-infra backup`, rather than the stack's own data."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the throwaway stack up, to be looked at.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON on stdout; all else on stderr.")] = False,
) -> None:
    """Try another release of Prefect on a copy of a stack's database, before the stack gets it.

    A throwaway stack gets images with that release and the copy, migrates it, deploys what the stack declares, and
    runs a flow of its own on each area's worker. In the copy schedules, automations and runs are off, and blocks hold
    no secret: nothing of the real platform is used. It is taken down again whatever came of it.

    Exit code 0: all well; 1: not, and the report says what; 2: it can't be tried.

    Example: `prefect-infra upgrade-test --stack prod --to 3.9.1`
    """
    root = checkout()
    try:
        wanted = Version(to)
    except InvalidVersion:
        fail(f"--to: {to!r} is no version: write one such as 3.9.1", BAD_INPUT)
    declared = _declared(root, stack)
    if declared.host is not None and backup is None:
        reason = f"{stack} is on {declared.host.machine}, and the copy is tried on this machine"
        fail(f"{reason}: give it --backup, a file of `prefect-infra backup --stack {stack}`", BAD_INPUT)
    project = project_of(root)
    folder = root / ".state" / f"upgrade-test-{stack}"
    engine = engine_here(root)
    _nobody_else(engine, project, f"{stack}-upgrade")
    file = backup or folder.with_suffix(".backup")
    try:
        done, manifest = _copied(file, project, stack, wanted, own=backup is None)
        with _interruptible():
            _rehearse(
                Try(root, folder, project, declared, engine, file, manifest), wanted, done, keep=keep, quiet=as_json
            )
    finally:
        if backup is None:
            file.unlink(missing_ok=True)
    if as_json:
        typer.echo(json.dumps(done.told(), ensure_ascii=False, indent=2))
    else:
        out.print(in_words(done), markup=False)
    if not done.well:
        raise typer.Exit(1)


@dataclass(frozen=True)
class Try:
    root: Path
    folder: Path
    project: str
    declared: Stack
    engine: Engine
    file: Path
    manifest: dict[str, Any]


def _declared(root: Path, stack: str) -> Stack:
    try:
        declared = load_stack_file(root, stack)
    except StackErrors as errors:
        fail(str(errors), BAD_INPUT)
    if declared.server.api_url is not None:
        fail(f"{stack} is on a server elsewhere, {declared.server.api_url}: its release is its owner's", BAD_INPUT)
    return declared


def _nobody_else(engine: Engine, project: str, copy: str) -> None:
    try:
        if copy in note.read_all(engine, project):
            fail(f"there is a {copy} already: `prefect-infra stack rm {copy}` takes it away", BAD_INPUT)
    except EngineError as error:
        fail(str(error))


def _copied(file: Path, project: str, stack: str, wanted: Version, *, own: bool) -> tuple[Rehearsal, dict[str, Any]]:
    """The backup, made now or given, checked; an older release than its own is refused."""
    try:
        if own:
            with step(f"Backing up {stack}'s database ..."):
                file.parent.mkdir(parents=True, exist_ok=True)
                with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
                    database_of(project, stack).pack(target)
        manifest = check(file)
    except DatabaseError as error:
        fail(str(error), BAD_INPUT)
    has = Version(manifest["prefect"])
    if wanted < has:
        reason = f"the database is of Prefect {has}, and {wanted} is older: it doesn't know its migrations"
        fail(f"{reason}. Give --to {has} or newer; to go back, restore a backup made before the upgrade", BAD_INPUT)
    done = Rehearsal(stack, manifest["kind"], str(has), str(wanted), schema_from=manifest.get("schema"))
    return done, manifest


def _rehearse(trial: Try, wanted: Version, done: Rehearsal, *, keep: bool, quiet: bool) -> None:
    clock = platform_up.Clock(done.seconds)
    copy: Copy | None = None
    images: list[str] = []
    try:
        with step(f"Copying the checkout, with Prefect {wanted} in its requirements ..."), clock.part("requirements"):
            copy = copy_of(trial.root, done.stack, trial.folder)
            pin(copy.root, wanted)
        names = [area.name for area in trial.declared.areas]
        images = rehearsal.images_of(copy.root, read_facts(copy.root).base_image, names)
        images = [image for image in images if not rehearsal.there(image)]
        _try(trial, copy, done, clock, quiet=quiet)
    except (RehearsalError, DatabaseError, EngineError, StackErrors, ProviderError) as error:
        done.errors.append(str(error))
    finally:
        if copy is not None:
            if keep:
                err.print(f"{copy.stack} is left up: `prefect-infra stack rm {copy.stack}` takes it away", markup=False)
            else:
                with clock.part("taken down"):
                    done.left = _take_down(trial, copy, images, quiet=quiet)


def _try(trial: Try, copy: Copy, done: Rehearsal, clock: platform_up.Clock, *, quiet: bool) -> None:
    pulumi = _pulumi(copy)
    now = datetime.now(UTC).replace(microsecond=0)
    note.write(trial.engine, trial.project, Note(copy.stack, copy.base, copy.root, Lifetime(now, now + TTL)))
    copy.declare(whole=False)
    made = pulumi.ask("stack", "init", copy.stack, "--no-select")
    if made.returncode != 0:
        raise RehearsalError(f"`pulumi stack init {copy.stack}`: {made.stderr.strip()}")
    if names := copy.secret_names:
        words = [word for name in names for word in ("--secret", f"prefect-infra:{name}={STAND_IN}")]
        told = pulumi.ask("config", "set-all", "--stack", copy.stack, *words)
        if told.returncode != 0:
            raise RehearsalError(f"`pulumi config set-all`: {told.stderr.strip()}")
    with clock.part("server up"):
        _up(pulumi, "the server", quiet=quiet)
    with step("Restoring the copy, disarmed, and migrating it ..."), clock.part("restore"):
        rehearsal.restore(trial.file, trial.project, copy.stack, trial.manifest, done)
    connection = platform_up.connection(pulumi.outputs())
    before = rehearsal.deployments(connection)
    copy.declare(whole=True)
    try:
        with clock.part("deploy"):
            _up(pulumi, "what the stack declares", quiet=quiet)
        done.deployments = changes(before, rehearsal.deployments(connection))
        with step("Running a flow of our own on each area's worker ..."), clock.part("smoke runs"):
            rehearsal.smoke(connection, pulumi.outputs(), done)
    finally:
        rehearsal.read_logs(trial.project, copy.stack, done)


def _up(pulumi: Pulumi, what: str, *, quiet: bool) -> None:
    if (
        pulumi.show("up", "--yes", "--skip-preview", "--suppress-outputs", "--stack", pulumi.stack, on_stderr=quiet)
        != 0
    ):
        raise RehearsalError(f"`pulumi up` of {what} did not end well: see above")


def _pulumi(copy: Copy) -> Pulumi:
    """With a state and profiles of its own, whatever the user's environment says."""
    return Pulumi(
        copy.root,
        copy.stack,
        {
            "PULUMI_BACKEND_URL": f"file://{copy.root}/.state/pulumi?metadata=skip",
            "PREFECT_PROFILES_PATH": str(copy.root / ".state" / "profiles.toml"),
        },
    )


def _take_down(trial: Try, copy: Copy, images: list[str], *, quiet: bool) -> list[str]:
    """What is left of it, in words."""
    pulumi, naming = _pulumi(copy), Naming(trial.project, copy.stack)
    if pulumi.has_state() and (fault := platform_down.destroy(pulumi, "--skip-preview", on_stderr=quiet)) is not None:
        err.print(f"{fault}\nWhat is left of it goes by its labels.", markup=False)
    try:
        left = trial.engine.sweep(naming, keep=[note.volume(naming)])
        if not left:
            note.remove(trial.engine, naming)
    except EngineError as error:
        left = [str(error)]
    rehearsal.remove_images(images)
    if not left:
        shutil.rmtree(copy.root, ignore_errors=True)
    return left


@contextmanager
def _interruptible() -> Iterator[None]:
    """A SIGTERM ends it as Ctrl-C does: everything is taken down first."""

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        del number, frame
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
