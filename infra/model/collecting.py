"""Findings while they come up: each gets its place in the files."""

from __future__ import annotations

from infra.model.errors import Finding, KeyPath, StackErrors, dotted
from infra.model.loading import Sources


class Findings:
    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._found: list[tuple[KeyPath, Finding]] = []

    def add(self, path: KeyPath, message: str, *, hint: str | None = None, of_key: bool = False) -> None:
        place = self._sources.place(path, of_key=of_key)
        file, mark = place or (None, None)
        line, column = mark or (None, None)
        text = dotted(path)
        self._found.append((path, Finding(path=text, message=message, hint=hint, file=file, line=line, column=column)))

    def add_files(self) -> None:
        """What is wrong with the files themselves."""
        for file in (self._sources.own, self._sources.base):
            if file is not None and file.exists:
                self._found.extend(file.findings())

    def any_at(self, *path: str | int) -> bool:
        """Whether something is wrong there or below: what follows from it needn't be told as well."""
        return any(found[: len(path)] == path for found, _ in self._found)

    def has(self, path: KeyPath) -> bool:
        return any(found == path for found, _ in self._found)

    def raise_if_any(self) -> None:
        if self._found:
            raise StackErrors(finding for _, finding in self._found)
