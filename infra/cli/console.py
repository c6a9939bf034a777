"""Where the command line writes: results to stdout, progress and complaints to stderr; colour on a terminal only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

import typer
from rich.console import Console

out: Final = Console(highlight=False, soft_wrap=True)
err: Final = Console(stderr=True, highlight=False, soft_wrap=True)


def fail(message: str, code: int = 1) -> NoReturn:
    err.print("error:", style="bold red", end=" ")
    err.print(message, markup=False)
    raise typer.Exit(code)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Something that takes a while: a spinner on a terminal, a line elsewhere."""
    if err.is_terminal:
        with err.status(text):
            yield
    else:
        err.print(text, markup=False)
        yield


def checkout() -> Path:
    """The checkout that the command was called in, or in a folder of."""
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "Pulumi.yaml").is_file() and (folder / "infra").is_dir():
            return folder
    fail(f"{here} is not in a checkout: no folder above it has a Pulumi.yaml and an infra/", 2)
