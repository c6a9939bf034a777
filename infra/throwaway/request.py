"""What `stack new` is asked for, checked before anything is made: all that is wrong with it, at once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.components.naming import Naming
from infra.model import DEFAULT_PROJECT, StackErrors, load_stack_file
from infra.model.files import StackFile
from infra.model.loading import base_of
from infra.model.naming import suggestion
from infra.throwaway.lifetime import LifetimeError, length
from infra.throwaway.note import Note

_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_HOST_NAME: Final = 63  # the containers' names are their hosts', too
_LONGEST_ROLE: Final = "socket-proxy"


@dataclass(frozen=True)
class Request:
    """A stack to be made, or to be renewed. `areas`: none are all that the base has."""

    root: Path
    name: str
    base: str
    ttl: str
    areas: tuple[str, ...] = ()

    @property
    def stack(self) -> str:
        """Begins with its base's name: by that it finds the base's file."""
        return self.name if self.name.startswith(f"{self.base}-") else f"{self.base}-{self.name}"

    @property
    def file(self) -> StackFile:
        return StackFile(self.root, f"Pulumi.{self.stack}.yaml")

    def faults(self, notes: dict[str, Note]) -> list[str]:
        return [*self._of_the_name(), *self._of_the_base(), *self._of_others(notes), *self._of_the_ttl()]

    def _of_the_name(self) -> Iterator[str]:
        if not _NAME.fullmatch(self.name):
            bare = unicodedata.normalize("NFKD", self.name).encode("ascii", "ignore").decode()
            plain = re.sub(r"[^a-z0-9]+", "-", bare.lower()).strip("-")
            example = f", such as {plain}" if _NAME.fullmatch(plain) else ""
            yield f"the name {self.name!r} must be of small letters, digits and single hyphens{example}"

    def _of_the_base(self) -> Iterator[str]:
        try:
            declared = load_stack_file(self.root, self.base)
        except StackErrors as errors:
            yield f"it can't be made from {self.base}:\n{errors}"
            return
        if declared.server.api_url is not None:
            yield f"{self.base} is on a server of others, {declared.server.api_url}: what is there isn't thrown away"
        there = [area.name for area in declared.areas]
        for area in dict.fromkeys(self.areas):
            if area not in there:
                yield f"{self.base} has no area {area!r}: {suggestion(area, there) or 'it has none at all'}"
        naming = Naming(DEFAULT_PROJECT, self.stack)
        longest = max((naming.of(_LONGEST_ROLE, area) for area in there), key=len, default="")
        if (over := len(longest) - LONGEST_HOST_NAME) > 0:
            yield f"the name {self.name!r} is too long by {over}: a container {longest} could have no host name"
        found = base_of(self.root, self.stack)
        if found is not None and found.name != f"Pulumi.{self.base}.yaml":
            yield f"{self.stack} would take what it doesn't say from {found.name}, as names go: choose another name"

    def _of_others(self, notes: dict[str, Note]) -> Iterator[str]:
        note = notes.get(self.stack)
        if note is not None and note.checkout != self.root:
            yield f"there is a {self.stack} already, made in {note.checkout}: choose another name"
        elif self.file.exists:
            try:
                ours = "throwaway" in self.file.keys
            except StackErrors as errors:
                yield str(errors)
                return
            if not ours:
                yield f"{self.file.name} is there and no throwaway stack's: choose another name"

    def _of_the_ttl(self) -> Iterator[str]:
        try:
            length(self.ttl)
        except LifetimeError as error:
            yield f"--ttl: {error}"


def areas_asked_for(written: Sequence[str]) -> tuple[str, ...]:
    """`--areas compras,ventas`, or the option repeated."""
    return tuple(dict.fromkeys(name for text in written for name in re.split(r"[\s,]+", text) if name))
