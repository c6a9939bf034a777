"""What several commands take, and what a shell may complete of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.console import checkout
from infra.discovery import find_flows
from infra.discovery.uses import stacks
from infra.model import Stack, StackErrors, load_stack_file


def complete_stack(incomplete: str) -> Iterator[str]:
    for root in _checkout():
        yield from (name for name in stacks(root) if name.startswith(incomplete))


def complete_area(context: typer.Context, incomplete: str) -> Iterator[str]:
    for stack in _stack(context):
        yield from (area.name for area in stack.areas if area.name.startswith(incomplete))


def complete_pool(context: typer.Context, incomplete: str) -> Iterator[str]:
    for stack in _stack(context):
        yield from (area.pool.name for area in stack.areas if area.pool.name.startswith(incomplete))


def complete_entrypoint(incomplete: str) -> Iterator[str]:
    for root in _checkout():
        yield from (each.entrypoint for each in find_flows(root).flows if each.entrypoint.startswith(incomplete))


StackName = Annotated[
    str, typer.Option("--stack", "-s", help="The stack: `dev`, or any that has a file.", autocompletion=complete_stack)
]


def _checkout() -> Iterator[Path]:
    try:
        yield checkout()
    except typer.Exit:
        return  # nothing to complete outside of one


def _stack(context: typer.Context) -> Iterator[Stack]:
    for root in _checkout():
        try:
            yield load_stack_file(root, context.params.get("stack") or "dev")
        except StackErrors:
            return  # the command itself will say what is wrong
