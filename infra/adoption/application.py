"""Drafts put into a checkout: first on a copy that the stack's own rules check, then for good, or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from infra.adoption.drafts import Draft
from infra.adoption.stack_edit import EditError, add_deployments, difference
from infra.model import Finding, Stack, StackErrors, load_stack_file
from infra.model.loading import from_file, stack_files


@dataclass(frozen=True)
class Change:
    """New texts by path, relative to the checkout, and the ones that they replace (None: a new file)."""

    root: Path
    file: str
    """The one that the deployments go into: the stack's, or the area's own."""
    stacks: tuple[str, ...]
    """Those that it counts for."""
    copied: tuple[str, ...]
    """Files that a copy of the checkout must hold itself."""
    texts: Mapping[str, str]
    before: Mapping[str, str | None]

    def difference(self) -> str:
        return "\n".join(difference(self.before[path] or "", text, path) for path, text in self.texts.items())

    def check(self) -> dict[str, Stack]:
        """All its stacks as they would be, by name. Raises StackErrors."""
        kept = {path: (self.root / path).read_bytes().decode("utf-8") for path in self.copied}
        with overlaid(self.root, {**kept, **self.texts}) as copy:
            findings: list[Finding] = []
            made: dict[str, Stack] = {}
            for stack in self.stacks:
                try:
                    made[stack] = load_stack_file(copy, stack)
                except StackErrors as errors:
                    findings += errors.findings
            if findings:
                raise StackErrors(findings)
            return made

    def write(self) -> None:
        """Flows first: a stack file never names one that isn't there.

        Raises, before anything is written:
            StackErrors: A stack would not be valid.
            EditError: Somebody else has written to a file meanwhile.

        """
        self.check()
        for path, before in self.before.items():
            if before is not None and (self.root / path).read_bytes().decode("utf-8-sig") != before:
                raise EditError(f"{path} was changed meanwhile: nothing was written, do it again")
        for path, text in sorted(self.texts.items(), key=lambda each: each[0].endswith(".yaml")):
            write_whole(self.root / path, text.encode())


@dataclass(frozen=True)
class Target:
    """The file that an area's deployments stand in."""

    file: str
    within: str | None
    """The area's name, or None where the file is the area's own."""
    stacks: tuple[str, ...]
    copied: tuple[str, ...]
    text: str


def target(root: Path, stack: str, area: str) -> Target:
    """Where the area's deployments belong.

    Raises:
        StackErrors: The stack's file can't be read.
        EditError: There is none, or the areas are another stack's.

    """
    file = f"Pulumi.{stack}.yaml"
    path = root / file
    if not path.is_file():
        raise EditError(f"there is no {file}: make the stack's file first, or name another with --stack")
    sources = from_file(root, stack)
    if "areas" in sources.inherited and sources.base is not None:
        raise EditError(
            f"the areas of {stack} are those of {sources.base.name}: name that stack with --stack, since areas of its "
            f"own would replace all of them"
        )
    stacks: tuple[str, ...] = (stack,)
    within: str | None = area
    area_file = sources.area_files.get(area)
    if area_file is not None and "deployments" not in area_file.beside:
        file, within, stacks = area_file.name, None, tuple(_stacks_of(root, area_file.name, stack))
    elif sources.faults:
        raise StackErrors(finding for _, finding in sources.faults)
    text = (root / file).read_bytes().decode("utf-8-sig")
    copied = sorted({each.name for name in stacks for each in from_file(root, name).area_files.values()})
    return Target(file, within, stacks, tuple(copied), text)


def change(root: Path, stack: str, area: str, drafts: tuple[Draft, ...]) -> Change:
    """What the drafts come to. Nothing is written.

    Raises:
        StackErrors: The stack's file can't be read.
        EditError: It can't be added to, or a flow's file is there already and says something else.

    """
    to = target(root, stack, area)
    texts = {to.file: add_deployments(to.text, to.within, [draft.deployment for draft in drafts], file=to.file)}
    old: dict[str, str | None] = {to.file: to.text}
    for flow_file in (draft.flow_file for draft in drafts if draft.flow_file is not None):
        there = root / flow_file.path
        if there.exists():
            if there.read_text(encoding="utf-8") != flow_file.text:
                raise EditError(f"{flow_file.path} is there already and says something else: move it away first")
            continue
        texts[flow_file.path], old[flow_file.path] = flow_file.text, None
    return Change(root, to.file, to.stacks, to.copied, texts, old)


def _stacks_of(root: Path, area_file: str, stack: str) -> Iterator[str]:
    """The stack, and those others that name the area's file."""
    yield stack
    for name in stack_files(root):
        other = name.removeprefix("Pulumi.").removesuffix(".yaml")
        with suppress(StackErrors):  # one that can't be read can't be harmed either
            if other != stack and area_file in {each.name for each in from_file(root, other).area_files.values()}:
                yield other


def write_whole(path: Path, content: bytes) -> None:
    """All of it or nothing; an existing file keeps its mode. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def overlaid(root: Path, texts: Mapping[str, str]) -> Iterator[Path]:
    """The checkout with the new texts in it: real folders where they go, links to all the rest."""
    with tempfile.TemporaryDirectory(prefix="prefect-infra-import-") as folder:
        copy = Path(folder)
        real = {PurePosixPath()} | {parent for path in texts for parent in PurePosixPath(path).parents}
        for each in sorted(real):
            (copy / each).mkdir(exist_ok=True)
            for entry in (root / each).iterdir() if (root / each).is_dir() else ():
                relative = each / entry.name
                if relative not in real and str(relative) not in texts:
                    (copy / relative).symlink_to(entry)
        for path, text in texts.items():
            (copy / path).write_text(text, encoding="utf-8", newline="")
        yield copy
