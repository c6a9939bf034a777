"""`prefect-infra drift`: what is not as the stack declares, and when that was changed."""

from __future__ import annotations

import json
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from infra.cli.console import checkout, err, fail, out, step
from infra.cli.options import StackName
from infra.cli.pulumi import Pulumi
from infra.cli.server_traces import traces
from infra.drift import Difference, Observed, ReadingError, Report, differences, observed
from infra.model import StackErrors, load_stack_file
from infra.model.recurrence import ScheduleError, interval_seconds
from infra.provider.connection import Connection
from infra.provider.errors import ProviderError

DRIFT = 2
Format = Literal["text", "json", "markdown"]


class DriftUnknown(Exception):  # noqa: N818  # not an error of the stack: it could not be looked at
    """It could not be found out."""


@dataclass(frozen=True)
class Look:
    """A stack that is looked at."""

    root: Path
    stack: str
    timezone: str

    def found(self) -> tuple[Observed, ...]:
        """All that is not as declared. Nothing is changed. Raises DriftUnknown."""
        pulumi = Pulumi(self.root, self.stack)
        answer = pulumi.ask("preview", "--refresh", "--json", "--stack", self.stack)
        try:
            return observed(answer.stdout, failed=answer.returncode != 0)
        except ReadingError as error:
            told = [str(error)] if answer.stdout.lstrip().startswith("{") else []
            raise DriftUnknown("\n".join([*told, answer.stderr.strip()]).strip() or str(error)) from error

    def report(self) -> Report:
        """Raises DriftUnknown."""
        found = self.found()
        return Report(self.stack, self.timezone, self.differences(found))

    def differences(self, found: tuple[Observed, ...]) -> tuple[Difference, ...]:
        if not found:
            return ()
        try:
            return differences(found, traces(self.connection(), found))
        except (ProviderError, DriftUnknown) as error:
            err.print(f"When it was changed is not known: {error}", style="yellow", markup=False)
            return differences(found)

    def connection(self) -> Connection:
        """The way to the stack's server, from its outputs. Raises DriftUnknown."""
        answer = Pulumi(self.root, self.stack).ask("stack", "output", "--json", "--show-secrets", "--stack", self.stack)
        if answer.returncode != 0:
            raise DriftUnknown(answer.stderr.strip())
        outputs = json.loads(answer.stdout)
        if "api_url" not in outputs:
            raise DriftUnknown(f"the stack {self.stack} has no server yet: run `pulumi up --stack {self.stack}`")
        known = {key: outputs.get(key) for key in ("auth_string", "ca_certificate")}
        return Connection(api_url=outputs["api_url"], **known)


def look(stack: str) -> Look:
    """At a stack that is up; ends the command where there is none."""
    root = checkout()
    try:
        declared = load_stack_file(root, stack)
    except StackErrors as errors:
        fail(str(errors))
    if not Pulumi(root, stack).exists():
        fail(f"there is no stack {stack} that is up: `pulumi stack ls` shows those that are")
    return Look(root, stack, declared.timezone)


def drift(
    stack: StackName = "dev",
    *,
    form: Annotated[
        Format, typer.Option("--format", help="text for people; json; markdown for an issue or a comment.")
    ] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Look again and again, and tell when it changes.")] = False,
    every: Annotated[str, typer.Option(metavar="TIME", help="With --watch: how often; 30s, 10m, 1h.")] = "10m",
    looks: Annotated[int | None, typer.Option(min=1, help="With --watch: end after so many.")] = None,
) -> None:
    """Show what is not as the stack declares: edits in the UI, deletions, containers changed by hand. Changes nothing.

    Field by field: what is declared, what is there and, as far as the server tells, when that was changed. It is
    Pulumi's own look (`pulumi preview --refresh`). What the files declare and no `up` has applied yet is told apart,
    and is no drift.

    Exit code 0 without drift, 2 with drift, 1 when it could not be found out. With `--watch`, SIGINT and SIGTERM end
    it with the code of the last look.

    Example: `prefect-infra drift --stack prod --format markdown`, or `prefect-infra drift --watch --every 10m`
    """
    if as_json:
        form = "json"
    seconds = _seconds(every)
    at = look(stack)
    if watch:
        raise typer.Exit(_watch(at, form, seconds, looks))
    try:
        with step(f"Comparing {stack} with its server ..."):
            report = at.report()
    except DriftUnknown as error:
        fail(str(error))
    tell(report, form)
    if report.drifted:
        raise typer.Exit(DRIFT)


def tell(report: Report, form: Format) -> None:
    match form:
        case "json":
            typer.echo(json.dumps(report.table(), ensure_ascii=False, indent=2))
        case "markdown":
            typer.echo(report.markdown(), nl=False)
        case _:
            for line in report.lines():
                out.print(line, markup=False)


def _watch(at: Look, form: Format, seconds: float, looks: int | None) -> int:
    """Look until told to end. The code of the last look."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    code, last, count = 0, None, 0
    while not ended.is_set():
        try:
            report = at.report()
            code, told = (DRIFT if report.drifted else 0), report.table()
            if told != last:
                tell(report, form)
            last = told
        except DriftUnknown as error:
            if ended.is_set():  # the signal reached Pulumi as well
                break
            code, last = 1, None
            err.print(f"error: {error}", markup=False)
        count += 1
        if count == looks:
            break
        ended.wait(seconds)
    return code


def _seconds(written: str) -> float:
    try:
        return interval_seconds(int(written) if written.isdigit() else written)
    except ScheduleError as error:
        fail(f"--every: {str(error).replace('interval', 'time')} ({error.hint})", 2)
