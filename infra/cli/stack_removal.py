"""Throwaway stacks removed: by Pulumi where their state is, then whatever the engine still has of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.cli import platform_down
from infra.cli.console import err
from infra.cli.pulumi import Pulumi
from infra.components.naming import Naming
from infra.model import DEFAULT_PROJECT, StackErrors
from infra.model.files import StackFile
from infra.model.throwaway import profile_name
from infra.provider.profiles_file import ProfilesFile, default_path, locked
from infra.throwaway import note, stack_file
from infra.throwaway.engine import Engine, Parts
from infra.throwaway.inventory import Standing
from infra.throwaway.lifetime import in_words


@dataclass(frozen=True)
class Result:
    standing: Standing
    dry_run: bool
    parts: tuple[str, ...]
    """What there was of it on the engine."""
    left: tuple[str, ...] = ()

    def in_words(self) -> str:
        name, life = self.standing.name, self.standing.life
        if self.dry_run:
            what = ", ".join(self.parts) or "nothing on the engine"
            left = life.expires - datetime.now(UTC) if life else None
            ends = "" if left is None else f" (expired {in_words(left)} ago)" if left.days < 0 else " (not yet expired)"
            return f"{name}{ends} would go: {what}"
        return f"{name}: left behind: {', '.join(self.left)}" if self.left else f"{name} is gone"

    def told(self) -> dict[str, Any]:
        return {
            "name": self.standing.name,
            "removed": not self.dry_run and not self.left,
            "dry_run": self.dry_run,
            "parts": list(self.parts),
            "left": list(self.left),
        }


def remove(
    chosen: Sequence[Standing], root: Path, engine: Engine, *, dry_run: bool, quiet: bool = False
) -> list[Result]:
    """One after the other. Raises: EngineError."""
    results: list[Result] = []
    for each in chosen:
        naming = Naming(DEFAULT_PROJECT, each.name)
        remains = engine.remains(naming, without=[note.volume(naming)])
        parts = tuple(f"{kind} {name}" for kind, names in remains.items() for name in names)
        if dry_run:
            results.append(Result(each, dry_run, parts))
        elif (now := _renewed(each, engine)) is not None:
            err.print(f"{each.name} has been renewed meanwhile: it stays until {now}", markup=False)
        else:
            results.append(Result(each, dry_run, parts, tuple(_remove(each, naming, root, engine, quiet=quiet))))
    return results


def in_state_alone(name: str, root: Path) -> Standing | None:
    """A stack that nothing is known of but its state, such as one whose `up` never began."""
    return Standing(name, Parts()) if Pulumi(root, name).has_state() else None


def _renewed(each: Standing, engine: Engine) -> str | None:
    """Until when; the other end of a race between one who collects and one who goes on."""
    told = note.read_all(engine, DEFAULT_PROJECT).get(each.name)
    if told is None or each.life is None or told.life.expires <= each.life.expires:
        return None
    return told.life.expires.isoformat(" ", "minutes")


def _remove(each: Standing, naming: Naming, root: Path, engine: Engine, *, quiet: bool) -> list[str]:
    """Returns what is left, in words."""
    where = each.checkout or root
    pulumi = Pulumi(where, each.name)
    if not where.is_dir():
        err.print(f"{each.name}: its checkout {where} is gone: it goes by the engine's labels", markup=False)
    elif pulumi.has_state():
        fault = platform_down.destroy(pulumi, "--skip-preview", on_stderr=quiet)
        if fault is not None and each.life is None:
            return [fault]
        if fault is not None:
            err.print(f"{fault}\nWhat is left of it goes by its labels.", markup=False)
            pulumi.show("stack", "rm", "--yes", "--force", "--preserve-config", each.name, on_stderr=quiet)
    left = engine.sweep(naming, keep=[note.volume(naming)])
    _forget_profile(each.name)
    if where.is_dir():
        platform_down.forget(pulumi)
        _forget_file(where, each.name)
    if not left:
        note.remove(engine, naming)
    return left


def _forget_profile(stack: str) -> None:
    """The one of a stack whose state is lost; Pulumi has removed the others."""
    path, name = default_path(), profile_name(DEFAULT_PROJECT, stack)
    if not path.is_file() or ProfilesFile.load(path).owner(name) != f"{DEFAULT_PROJECT}/{stack}":
        return
    with locked(path):
        document = ProfilesFile.load(path)
        if document.table(name) is not None:
            if document.active == name:
                document.activate(None)
            document.remove(name)
            document.save()


def _forget_file(where: Path, stack: str) -> None:
    file = StackFile(where, f"Pulumi.{stack}.yaml")
    try:
        if stack_file.is_throwaway(file):
            (where / file.name).unlink()
            stack_file.let_git_see(where, file.name)
    except StackErrors as errors:
        err.print(f"{file.name} stays, as it can't be read:\n{errors}", markup=False)
