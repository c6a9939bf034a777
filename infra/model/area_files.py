"""Areas that have a file of their own: `compras: areas/compras.yaml`, or `file` beside keys that the stack adds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from infra.model.errors import Finding, KeyPath, StackErrors
from infra.model.files import DeclaringFile
from infra.model.naming import meant
from infra.model.rules import Rule, keys, reading

Report = Callable[[Rule, KeyPath, str, str | None], None]
"""Takes a fault of the stack's own file: the rule, the path, what is wrong, a hint."""


@dataclass(frozen=True)
class AreaFile(DeclaringFile):
    """One area's keys, the same that may stand below its name in a stack file."""

    area: str
    beside: Mapping[str, Any]
    """The keys that the stack has beside `file`."""

    def says(self, path: KeyPath) -> bool:
        """Whether the value at the path, which begins with the area, is this file's."""
        return len(path) > len(("areas", self.area)) and path[2] not in self.beside

    @property
    def values(self) -> dict[str, Any]:
        """Raises StackErrors."""
        values = self.document.values
        if values is None:
            return {}
        if not isinstance(values, dict):
            message = "an area's file must be a mapping of the area's keys"
            raise StackErrors(
                [self.finding(keys.WRONG_TYPE, "", self.document.mark(()), message, "for example title: Compras")]
            )
        return values

    def findings(self) -> Iterator[tuple[KeyPath, Finding]]:
        """Secrets in it: those of a stack are encrypted with the stack's key, in the stack's file."""
        yield from self.nested_secrets(self.values, ("areas", self.area), ())


def with_their_files(
    areas: object, root: Path, report: Report
) -> tuple[Any, dict[str, AreaFile], list[tuple[KeyPath, Finding]]]:
    """The areas with what their files say, the files by area, and what is wrong in the files."""
    if not isinstance(areas, dict):
        return areas, {}, []
    whole: dict[str, Any] = {}
    files: dict[str, AreaFile] = {}
    wrong: list[tuple[KeyPath, Finding]] = []
    for name, given in areas.items():
        beside = dict(given) if isinstance(given, dict) else {}
        path: KeyPath = ("areas", str(name), "file") if "file" in beside else ("areas", str(name))
        written = beside.pop("file", None) if isinstance(given, dict) else given
        if not isinstance(written, str):
            if "file" in path:
                report(
                    keys.WRONG_TYPE,
                    path,
                    "'file' must be the path of the area's file",
                    "for example areas/compras.yaml",
                )
            whole[name] = beside if isinstance(given, dict) else given
            continue
        whole[name] = beside
        if (fault := _fault(written, root)) is not None:
            rule, message, hint = fault
            report(rule, path, message, hint)
            continue
        file = AreaFile(root, str(PurePosixPath(written)), str(name), beside)
        try:
            said = file.values
            wrong += file.findings()
        except StackErrors as errors:
            wrong += [(path, finding) for finding in errors.findings]
            continue
        files[str(name)] = file
        for key in sorted(beside.keys() & said.keys()):
            message = f"{key!r} stands here and in {file.name}"
            hint = "keep it in one of the two; what differs by environment: `in`"
            report(reading.SAID_TWICE, ("areas", str(name), key), message, hint)
        whole[name] = {**said, **beside}
    return whole, files, wrong


def _fault(written: str, root: Path) -> tuple[Rule, str, str | None] | None:
    """Why the path leads to no area's file."""
    path = PurePosixPath(written)
    if "\\" in written:
        return reading.NO_AREA_FILE, f"the path {written!r} has \\ in it", f"write {written.replace(chr(92), '/')}"
    if not written.isprintable() or path.suffix not in (".yaml", ".yml"):
        return (
            reading.NO_AREA_FILE,
            f"the area is {written!r}: it must be a mapping, or the path of its .yaml file",
            "areas/compras.yaml",
        )
    try:
        outside = path.is_absolute() or PureWindowsPath(written).drive or ".." in path.parts
        there = (root / path).resolve()
        if outside or not there.is_relative_to(root.resolve()):
            return (
                reading.OUTSIDE,
                f"the path {written!r} leads out of the project",
                "it is relative to the folder of Pulumi.yaml",
            )
        if there.is_file():
            return None
        names = [entry.name for entry in there.parent.iterdir() if entry.suffix == path.suffix]
    except (OSError, ValueError):
        names = []
    close = meant(path.name, names)
    return (
        reading.NO_AREA_FILE,
        f"there is no file {written}",
        f"did you mean {path.parent / close}?" if close else None,
    )
