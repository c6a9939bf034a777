"""`prefect-infra review`: what a plan does, in plain words, for those who have to say yes to it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn
from zoneinfo import ZoneInfo

import typer

from infra.adoption.application import write_whole
from infra.cli import in_flight, revisions
from infra.cli.console import checkout, err, fail, out, step
from infra.cli.history import connection
from infra.cli.options import StackName
from infra.cli.pulumi import Pulumi
from infra.model import Report, StackErrors, check_stack_file
from infra.model.credentials import masked
from infra.model.files import StackFile, is_secret
from infra.provider.errors import ProviderError
from infra.review import plan as plans
from infra.review.changed_lines import OWNERS_FILES, OwnedFiles, owners
from infra.review.load import picture
from infra.review.markdown import markdown
from infra.review.reviewing import Question, Review, Side
from infra.review.reviewing import review as made_of
from infra.review.table import table
from infra.review.terminal import lines
from infra.timeline.png import PillowMissing, png
from infra.timeline.svg import svg

REFUSED, TOO_MANY_DELETES, ANOTHER_PLAN = 1, 3, 4
_POOL, _DEPLOYMENT = "prefect:index:WorkPool", "prefect:index:Deployment"


class Format(StrEnum):
    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"


def review(
    stack: StackName = "dev",
    *,
    base: Annotated[
        str | None, typer.Option(metavar="REV", help="Compare with what this revision declares, such as origin/main.")
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What `pulumi preview --json` wrote (- for stdin); else it is run now."),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="No plan: compare what the files declare alone.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Ask the stack's server for runs in flight.")] = False,
    max_deletes: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Refuse (exit code 3) if more than N things are lost for good."),
    ] = None,
    expect: Annotated[
        str | None,
        typer.Option(metavar="DIGEST", help="Refuse (exit code 4) if the plan isn't the one of this digest."),
    ] = None,
    digest: Annotated[bool, typer.Option("--digest", help="Print the plan's digest, and nothing else.")] = False,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First day of firings; else the day of the commit.")
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="text for the terminal, markdown for a comment, json for programs.")
    ] = Format.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write Markdown there, too.")] = None,
    drawing: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE", help="The pools' load as .svg or .png.")
    ] = None,
) -> None:
    """Tell in plain words what a plan does: schedules, restarts, what is lost, secrets by name, findings of the rules.

    Exit code 0: nothing speaks against it; 1: the rules refuse it, or the preview failed; 2: a wrong call; 3: more is
    lost for good than `--max-deletes` allows; 4: the plan is not the one that `--expect` names. The same plan gives
    the same text: firings are told from the day of the commit on, not from today.

    Example: `prefect-infra review --stack prod --base origin/main --format markdown`
    """
    if plan is not None and offline:
        fail("--plan and --offline can't go together: --offline is without a plan", 2)
    if (digest or expect is not None) and offline:
        fail("--digest and --expect are about the plan, and --offline is without one", 2)
    if drawing is not None and drawing.suffix.lower() not in (".svg", ".png"):
        fail(f"--picture is {str(drawing)!r}: it must end with .svg or .png", 2)
    root = checkout()
    report = check_stack_file(root, stack)
    question = _question(root, stack, report, base, since, max_deletes)
    if not offline and not report.errors:
        question = replace(question, plan=_plan(root, stack, plan))
    if live:
        question = _asked(question)
    made = made_of(question)
    if digest:
        typer.echo(made.digest or "")
    else:
        _tell(made, Format.JSON if as_json else form)
    _write(made, output, drawing)
    _end(made, expect)


def _end(made: Review, expect: str | None) -> None:
    if made.too_many_deletes:
        _refuse(made, TOO_MANY_DELETES)
    if made.refusals:
        _refuse(made, REFUSED)
    if expect is not None and expect != made.digest:
        err.print("refused:", style="bold red", end=" ")
        err.print(f"the plan is {made.digest}, the reviewed one was {expect}: review it again", markup=False)
        raise typer.Exit(ANOTHER_PLAN)


def _refuse(made: Review, exit_code: int) -> NoReturn:
    for told in made.refusals:
        err.print("refused:", style="bold red", end=" ")
        err.print(told, markup=False)
    raise typer.Exit(exit_code)


def _question(
    root: Path, stack: str, report: Report, base: str | None, since: str | None, max_deletes: int | None
) -> Question:
    after = Side(report.stack, report.findings, _secrets(root, stack))
    zone = ZoneInfo(report.stack.timezone) if report.stack else UTC
    first = _date(since) or (revisions.time_of_head(root) or datetime.now(UTC)).astimezone(zone).date()
    question = Question(
        name=stack, root=root, plan=None, after=after, before=None, base=base, first=first, max_deletes=max_deletes
    )
    if base is None:
        return question
    try:
        commit = revisions.common(root, base)
        with revisions.files_at(root, commit) as folder:
            then = check_stack_file(folder, stack)
            before = Side(then.stack, then.findings, _secrets(folder, stack))
        if before.stack is None and (folder_has := f"Pulumi.{stack}.yaml") and then.errors:
            err.print(
                f"{base}: what {folder_has} declares there can't be read; schedules aren't compared", markup=False
            )
        return replace(
            question,
            before=before,
            added=revisions.added(root, commit),
            owners=_owners(root, revisions.changed_files(root, commit)),
        )
    except revisions.GitError as error:
        fail(f"--base {base}: {error}", 2)


def _owners(root: Path, files: list[str]) -> tuple[OwnedFiles, ...]:
    for name in OWNERS_FILES:
        if (root / name).is_file():
            return owners((root / name).read_text(encoding="utf-8"), files)
    return ()


def _secrets(root: Path, stack: str) -> dict[str, str]:
    """Encrypted, by key: what nobody can read, and yet tells whether it was set again."""
    file = StackFile(root, f"Pulumi.{stack}.yaml")
    try:
        # Most have none, and a long file takes its time to read.
        has_some = file.exists and b"secure" in (root / file.name).read_bytes()
        config = file.config if has_some else {}
    except StackErrors:
        return {}
    return {key: str(value["secure"]) for key, value in config.items() if is_secret(value)}


def _plan(root: Path, stack: str, file: Path | None) -> plans.Plan:
    try:
        if file is None:
            return plans.read(_preview(root, stack))
        return plans.read(sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8"))
    except plans.PlanError as error:
        fail(f"{'--plan' if file else '`pulumi preview --json`'}: {error}", 2 if file else 1)
    except (OSError, UnicodeDecodeError) as error:
        fail(f"--plan {file} can't be read: {error}", 2)


def _preview(root: Path, stack: str) -> str:
    with step(f"Planning {stack} (`pulumi preview`) ..."):
        answer = Pulumi(root, stack).ask("preview", "--json", "--stack", stack)
    if answer.returncode != 0 and not answer.stdout.lstrip().startswith("{"):
        fail(f"`pulumi preview` did not end well:\n{masked(answer.stderr.strip() or answer.stdout.strip())}")
    return answer.stdout


def _asked(question: Question) -> Question:
    """With what the server tells of runs."""
    stack, made = question.after.stack, made_of(question)
    if stack is None or question.plan is None:
        return question
    lost = {kind: [each.name for each in made.losses if each.type == kind] for kind in (_POOL, _DEPLOYMENT)}
    touched = {name for each in made.restarts for name in each.flows}
    try:
        server = connection(stack)
        with step(f"Asking {server.api_url} for runs in flight ..."):
            runs, running = in_flight.counts(server, lost[_POOL], lost[_DEPLOYMENT], touched)
    except ProviderError as error:
        fail(f"--live: {error}")
    return replace(question, runs=runs, running=running)


def _tell(made: Review, form: Format) -> None:
    match form:
        case Format.JSON:
            typer.echo(json.dumps(table(made), ensure_ascii=False, indent=2))
        case Format.MARKDOWN:
            typer.echo(markdown(made), nl=False)
        case Format.TEXT:
            for line in lines(made):
                out.print(line)


def _write(made: Review, output: Path | None, drawing: Path | None) -> None:
    try:
        if output is not None:
            write_whole(output, markdown(made).encode())
            err.print(f"written: {output}", markup=False)
        if drawing is not None:
            zone = made.timezone or "UTC"
            drawn = picture(made.loads, f"{made.stack}: runs at once, before and after", made.first, zone)
            write_whole(drawing, png(drawn) if drawing.suffix.lower() == ".png" else svg(drawn).encode())
            err.print(f"written: {drawing}", markup=False)
    except PillowMissing as missing:
        fail(str(missing))
    except OSError as error:
        fail(f"{error.filename or output or drawing} can't be written: {error.strerror}")


def _date(written: str | None) -> date | None:
    try:
        return None if written is None else date.fromisoformat(written)
    except ValueError:
        fail(f"--from is {written!r}, which is no date: write it as {date(2026, 1, 31)}", 2)
