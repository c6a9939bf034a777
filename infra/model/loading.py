"""What a stack's files add up to: which ones count, what they say together, and where each value stands."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.model.area_files import AreaFile, with_their_files
from infra.model.errors import Finding, KeyPath, StackErrors, dotted
from infra.model.files import StackFile
from infra.model.naming import suggestion
from infra.model.rules import Rule, reading

if TYPE_CHECKING:
    from infra.model.positions import Mark


@dataclass(frozen=True)
class Sources:
    """A stack's files, and the values they add up to."""

    given: Mapping[str, Any]
    """As the stack has it, before areas are read from their files."""
    secrets: frozenset[str]
    own: StackFile
    base: StackFile | None
    """Of a personal stack: where the keys come from that it doesn't set itself."""
    inherited: frozenset[str] = field(default_factory=frozenset)
    raw: Mapping[str, Any] = field(default_factory=dict)
    """All values, each area's file read into it."""
    area_files: Mapping[str, AreaFile] = field(default_factory=dict)
    faults: tuple[tuple[KeyPath, Finding], ...] = ()
    """What is wrong with area files as files."""

    def place(self, path: KeyPath, *, of_key: bool = False) -> tuple[str, Mark | None] | None:
        """The file and place of a value, or of the nearest that holds it; None if the value is in no file."""
        area = self.area_files.get(str(path[1])) if len(path) > 1 and path[0] == "areas" else None
        if area is not None and area.says(path):
            return area.name, area.nearest_mark(path[2:], of_key=of_key)
        top = str(path[0]) if path else ""
        file = self.base if top in self.inherited else self.own
        if file is None or not file.exists or (top in self.given and top not in self._as_written):
            return None
        return file.name, file.mark(path, of_key=of_key)

    def environments(self) -> frozenset[str] | None:
        """Those that some stack of the checkout is for; None if not all stack files can be read."""
        found = [self.raw.get("environment")]
        try:
            found += [StackFile(self.own.root, name).keys.get("environment") for name in stack_files(self.own.root)]
        except StackErrors:
            return None
        return frozenset(each for each in found if isinstance(each, str))

    @cached_property
    def _as_written(self) -> frozenset[str]:
        """The keys whose value is the file's own: none that came with `-c` has a place."""
        own = self.own.keys if self.own.exists else {}
        base = self.base.keys if self.base is not None else {}
        return frozenset(
            key for key, value in self.given.items() if _same(value, (base if key in self.inherited else own).get(key))
        )


def stack_files(root: Path) -> list[str]:
    return sorted(path.name for path in root.glob("Pulumi.*.yaml"))


def from_file(root: Path, stack: str) -> Sources:
    """Everything from the files alone. Raises StackErrors."""
    own, base = StackFile(root, _file_name(stack)), base_of(root, stack)
    if not own.exists:
        if base is None:
            raise _no_stack(root, stack)
        return _together({}, (), own, base)
    return _together(own.keys, own.secrets, own, base)


def from_values(raw: Mapping[str, Any], secrets: Collection[str], root: Path, stack: str) -> Sources:
    """Values that Pulumi gives, and the base stack's for what they leave out. Raises StackErrors."""
    own, base = StackFile(root, _file_name(stack)), base_of(root, stack)
    if not raw and not own.exists and base is None:
        raise _no_stack(root, stack)
    return _together({key: value for key, value in raw.items() if key not in secrets}, secrets, own, base)


def _no_stack(root: Path, stack: str) -> StackErrors:
    others = [path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in root.glob("Pulumi.*.yaml")]
    name = _file_name(stack)
    hint = suggestion(stack, others) or f"write {name}; what it may say: docs/stack-files.md"
    message = f"there is no file for the stack {stack!r}"
    return StackErrors([Finding(rule=reading.NO_STACK_FILE, path="", message=message, file=name, hint=hint)])


def _together(values: Mapping[str, Any], secrets: Collection[str], own: StackFile, base: StackFile | None) -> Sources:
    # A base's secrets stay with it: they are encrypted with its own key.
    added = {k: v for k, v in base.keys.items() if k not in values and k not in secrets} if base is not None else {}
    sources = Sources({**added, **values}, frozenset(secrets), own, base, frozenset(added))
    faults: list[tuple[KeyPath, Finding]] = []

    def report(rule: Rule, path: KeyPath, message: str, hint: str | None) -> None:
        file, mark = sources.place(path, of_key=len(path) > 2 and path[-1] != "file") or (None, None)  # noqa: PLR2004  # a key of an area
        line, column = mark or (None, None)
        finding = Finding(rule=rule, path=dotted(path), message=message, hint=hint, file=file, line=line, column=column)
        faults.append((path, finding))

    areas, files, wrong = with_their_files(sources.given.get("areas"), own.root, report)
    raw = {**sources.given, "areas": areas} if "areas" in sources.given else sources.given
    return dataclasses.replace(sources, raw=raw, area_files=files, faults=(*faults, *wrong))


def _file_name(stack: str) -> str:
    return f"Pulumi.{stack.rpartition('/')[2]}.yaml"


def base_of(root: Path, stack: str) -> StackFile | None:
    """Of dev-ana it is dev; of prod-eu-ana it is prod-eu if there is one, else prod."""
    name = stack.rpartition("/")[2]
    while "-" in name:
        name = name.rpartition("-")[0]
        if (file := StackFile(root, _file_name(name))).exists:
            return file
    return None


def _same(given: object, written: object) -> bool:
    """Whether a value that Pulumi gave is the one in the file; it hands scalars over as text."""
    if isinstance(given, dict) and isinstance(written, dict):
        return given.keys() == written.keys() and all(_same(given[k], written[k]) for k in given)
    if isinstance(given, list) and isinstance(written, list):
        return len(given) == len(written) and all(map(_same, given, written))
    return given == written or str(given).lower() == str(written).lower()
