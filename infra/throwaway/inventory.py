"""All stacks that there are: what the engine has, what it was told of them, and this checkout's throwaway files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from infra.model import DEFAULT_PROJECT, StackErrors
from infra.model.files import StackFile
from infra.model.loading import base_of, stack_files
from infra.throwaway import note, stack_file
from infra.throwaway.engine import Engine, Parts
from infra.throwaway.lifetime import Lifetime


@dataclass(frozen=True)
class Standing:
    """A stack. Without a `life` it isn't a throwaway one."""

    name: str
    parts: Parts
    life: Lifetime | None = None
    base: str | None = None
    checkout: Path | None = None
    """Where a throwaway stack was made; of others, the engine doesn't know."""


def inventory(root: Path, engine: Engine) -> list[Standing]:
    """By name. Raises: EngineError."""
    notes, parts = note.read_all(engine, DEFAULT_PROJECT), engine.parts(DEFAULT_PROJECT)
    found = {name: Standing(name, of, None, None, None) for name, of in parts.items()}
    for name, life in _declared(root):
        base = base_of(root, name)
        known = base.name.removeprefix("Pulumi.").removesuffix(".yaml") if base is not None else None
        found[name] = Standing(name, parts.get(name, Parts()), life, known, root)
    for name, told in notes.items():
        found[name] = Standing(name, parts.get(name, Parts()), told.life, told.base, told.checkout)
    return [found[name] for name in sorted(found)]


def called(name: str, there: Iterable[Standing]) -> Standing | None:
    """The stack of that name, or the throwaway one that was made under it: `ana` for dev-ana."""
    standing = {each.name: each for each in there}
    if name in standing:
        return standing[name]
    short = [each for each in standing.values() if each.base is not None and each.name == f"{each.base}-{name}"]
    return short[0] if len(short) == 1 else None


def _declared(root: Path) -> Iterable[tuple[str, Lifetime]]:
    for name in stack_files(root):
        try:
            life = stack_file.life(StackFile(root, name))
        except StackErrors:
            continue  # what can't be read is `prefect-infra check`'s to tell
        if life is not None:
            yield name.removeprefix("Pulumi.").removesuffix(".yaml"), life
