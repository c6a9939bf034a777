"""What a shell completes of throwaway stacks."""

from __future__ import annotations

from collections.abc import Iterator

import typer

from infra.cli.console import checkout
from infra.cli.engine import engine_here
from infra.model import StackErrors, load_stack_file
from infra.throwaway.engine import EngineError
from infra.throwaway.inventory import inventory


def complete_base_area(context: typer.Context, incomplete: str) -> Iterator[str]:
    *before, last = incomplete.split(",")
    try:
        declared = load_stack_file(checkout(), context.params.get("base") or "dev")
    except (StackErrors, typer.Exit):
        return  # the command itself will say what is wrong
    yield from (",".join([*before, area.name]) for area in declared.areas if area.name.startswith(last))


def complete_throwaway(incomplete: str) -> Iterator[str]:
    try:
        root = checkout()
        standing = inventory(root, engine_here(root))
    except (EngineError, OSError, typer.Exit):
        return
    yield from (each.name for each in standing if each.life is not None and each.name.startswith(incomplete))
