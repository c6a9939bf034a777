"""`prefect-infra ci`: what a pipeline needs around `review`, `drift` and `pulumi up`: its steps are single lines."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from infra.cli import revisions
from infra.cli.console import checkout, fail, out
from infra.cli.options import StackName
from infra.cli.touched import shared_stacks, touched_stacks
from infra.forge.github import GitHub
from infra.forge.gitlab import GitLab
from infra.forge.notes import Forge, ForgeError, put_comment, put_issue
from infra.review.markdown import marked

app = typer.Typer(
    help="For pipelines: the stacks of a change, its comment, the plan that was reviewed, a report.\n\n"
    "Example: `prefect-infra ci stacks --base origin/main`",
    no_args_is_help=True,
)
Author = Annotated[
    str | None, typer.Option(metavar="USER", help="Whose notes are ours; else the pipeline's own user's.")
]


@app.command()
def stacks(
    base: Annotated[
        str | None, typer.Option(metavar="REV", help="Only those that the changes since then touch.")
    ] = None,
    without: Annotated[list[str] | None, typer.Option(metavar="STACK", help="Not this one; may be repeated.")] = None,
) -> None:
    """Print the stacks that a change touches, as a JSON list: each has a file, and none is a personal one.

    Example: `prefect-infra ci stacks --base origin/main`
    """
    root = checkout()
    try:
        # A branch's first push has nothing to compare with.
        everything = base is None or not base.strip("0")
        names = (
            shared_stacks(root) if everything or base is None else touched_stacks(root, revisions.common(root, base))
        )
    except revisions.GitError as error:
        fail(f"--base {base}: {error}", 2)
    typer.echo(json.dumps([name for name in names if name not in (without or [])]))


@app.command()
def comment(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `review --output` wrote.")],
    pull: Annotated[int, typer.Option(metavar="NUMBER", help="The pull request, or merge request.")],
    author: Author = None,
) -> None:
    """Put a review under a pull request, in the place of the stack's last one.

    Example: `prefect-infra ci comment review.md --pull 12`
    """
    try:
        done = put_comment(_forge(author), pull, _read(file))
    except ForgeError as error:
        fail(str(error))
    out.print(f"comment of pull request {pull}: {done}", markup=False)


@app.command()
def reviewed(
    stack: StackName = "dev",
    commit: Annotated[
        str,
        typer.Option(
            metavar="SHA", envvar=["GITHUB_SHA", "CI_COMMIT_SHA"], help="A commit that a pull request brought in."
        ),
    ] = ...,  # type: ignore[assignment]
    author: Author = None,
) -> None:
    """Print the digest of the plan that was reviewed for a commit, from its pull request's comment.

    Exit code 4: none was.

    Example: `prefect-infra ci reviewed --stack prod --commit "$GITHUB_SHA"`
    """
    try:
        forge = _forge(author)
        pull = forge.pull_of(commit)
        notes = forge.comments(pull) if pull is not None else []
    except ForgeError as error:
        fail(str(error))
    if pull is None:
        fail(f"no pull request brought {commit} in: nobody has reviewed what it does", 4)
    found = [marked(note.text) for note in notes if note.author == forge.author]
    digests = [digest for name, digest in filter(None, found) if name == stack and digest is not None]
    if not digests:
        fail(f"pull request {pull} has no reviewed plan of the stack {stack}", 4)
    typer.echo(digests[-1])


@app.command()
def report(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The report's text; an empty one closes the issue.")],
    about: Annotated[
        str, typer.Option(metavar="NAME", help="What it is about, such as drift-prod: one issue for each.")
    ],
    title: Annotated[str, typer.Option(help="The issue's title.")],
    author: Author = None,
) -> None:
    """Open an issue, update the one that is open, or close it when there is nothing to tell.

    Example: `prefect-infra ci report drift.md --about drift-prod --title "Drift of the stack prod"`
    """
    try:
        mark = f"<!-- prefect-infra report about={about} -->"
        done = put_issue(_forge(author), title, _read(file).strip() or None, mark)
    except ForgeError as error:
        fail(str(error))
    out.print(f"report {about}: {done}", markup=False)


def _forge(author: str | None) -> Forge:
    if os.environ.get("GITLAB_CI"):
        return GitLab(os.environ, author)
    return GitHub(os.environ, author)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} can't be read: {error}", 2)
