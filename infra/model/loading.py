"""Stack files: which ones count for a stack, what they say, and where they say it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.model.errors import NAMESPACE, Finding, KeyPath, StackErrors, dotted
from infra.model.naming import suggestion
from infra.model.rules import Rule, reading

if TYPE_CHECKING:
    from infra.model.positions import Document, Mark

_PREFIX = f"{NAMESPACE}:"


@dataclass(frozen=True)
class StackFile:
    """`Pulumi.<stack>.yaml`, read when first asked."""

    root: Path
    name: str

    @property
    def exists(self) -> bool:
        return (self.root / self.name).is_file()

    @cached_property
    def document(self) -> Document:
        """Raises StackErrors if it can't be read."""
        from infra.model import positions  # noqa: PLC0415  # a fifth of the start, for who asks for no file

        try:
            return positions.read((self.root / self.name).read_text(encoding="utf-8-sig"))
        except positions.YamlFault as fault:
            raise StackErrors([self._finding(fault.rule, "", fault.mark, fault.message, fault.hint)]) from fault
        except (OSError, UnicodeDecodeError) as error:
            raise StackErrors(
                [Finding(rule=reading.UNREADABLE, path="", message=f"can't be read: {error}", file=self.name)]
            ) from error

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """What stands below `config:`, by full key. Raises StackErrors."""
        values = self.document.values
        if values is None:
            return {}
        config = values.get("config") if isinstance(values, dict) else values
        if config is None:
            return {}
        if not isinstance(config, dict):
            mark = self.document.mark(("config",), of_key=True)
            raise StackErrors(
                [self._finding(reading.NO_CONFIG, "config", mark, f"`config` must be a mapping of {_PREFIX}… keys")]
            )
        return config

    @property
    def keys(self) -> dict[str, Any]:
        """The program's own keys, without the secret ones."""
        return {
            key.removeprefix(_PREFIX): value
            for key, value in self.config.items()
            if key.startswith(_PREFIX) and not is_secret(value)
        }

    @property
    def secrets(self) -> set[str]:
        return {
            key.removeprefix(_PREFIX)
            for key, value in self.config.items()
            if key.startswith(_PREFIX) and is_secret(value)
        }

    def find_mark(self, path: KeyPath, *, of_key: bool) -> Mark | None:
        return self.document.mark(self._full(path), of_key=of_key)

    def holds(self, path: KeyPath) -> bool:
        return self.document.find(self._full(path)) is not None

    def findings(self) -> Iterator[tuple[KeyPath, Finding]]:
        """What is wrong with the file itself, whatever its keys mean."""
        for key, value in self.config.items():
            if ":" not in key:
                mark = self.document.mark(("config", key), of_key=True)
                yield (
                    (),
                    self._finding(reading.NO_NAMESPACE, key, mark, "a key has a namespace", f"write {_PREFIX}{key}"),
                )
            elif key.startswith(_PREFIX) and not is_secret(value):
                for path in _nested_secrets(value, (key.removeprefix(_PREFIX),)):
                    yield (
                        path,
                        self._finding(
                            reading.NESTED_SECRET,
                            dotted(path),
                            self.find_mark((*path, "secure"), of_key=True),
                            "a secret can't stand within another value: in there it is kept in plain",
                            f"give it a key of its own: pulumi config set --secret {_PREFIX}<name>",
                        ),
                    )

    def _finding(self, rule: Rule, path: str, mark: Mark | None, message: str, hint: str | None = None) -> Finding:
        line, column = mark or (None, None)
        return Finding(rule=rule, path=path, message=message, hint=hint, file=self.name, line=line, column=column)

    @staticmethod
    def _full(path: KeyPath) -> KeyPath:
        return ("config", f"{_PREFIX}{path[0]}", *path[1:]) if path else ("config",)


@dataclass(frozen=True)
class Sources:
    """A stack's files, and the values they add up to."""

    raw: Mapping[str, Any]
    secrets: frozenset[str]
    own: StackFile
    base: StackFile | None
    """Of a personal stack: where the keys come from that it doesn't set itself."""
    inherited: frozenset[str] = field(default_factory=frozenset)

    def place(self, path: KeyPath, *, of_key: bool = False) -> tuple[str, Mark | None] | None:
        """The file and place of a value, or of the nearest that holds it; None if the value is in no file."""
        top = str(path[0]) if path else ""
        file = self.base if top in self.inherited else self.own
        if file is None or not file.exists or (top in self.raw and top not in self._as_written):
            return None
        for length in range(len(path), -1, -1):
            if file.holds(path[:length]):
                exact = length == len(path)
                return file.name, file.find_mark(path[:length], of_key=of_key or not exact)
        return file.name, None

    @cached_property
    def _as_written(self) -> frozenset[str]:
        """The keys whose value is the file's own: none that came with `-c` has a place."""
        own = self.own.keys if self.own.exists else {}
        base = self.base.keys if self.base is not None else {}
        return frozenset(
            key for key, value in self.raw.items() if _same(value, (base if key in self.inherited else own).get(key))
        )


def from_file(root: Path, stack: str) -> Sources:
    """Everything from the files alone. Raises StackErrors."""
    own, base = StackFile(root, _file_name(stack)), _base(root, stack)
    if not own.exists:
        if base is None:
            raise _no_stack(root, stack)
        return _together({}, (), own, base)
    return _together(own.keys, own.secrets, own, base)


def from_values(raw: Mapping[str, Any], secrets: Collection[str], root: Path, stack: str) -> Sources:
    """Values that Pulumi gives, and the base stack's for what they leave out. Raises StackErrors."""
    own, base = StackFile(root, _file_name(stack)), _base(root, stack)
    if not raw and not own.exists and base is None:
        raise _no_stack(root, stack)
    return _together({key: value for key, value in raw.items() if key not in secrets}, secrets, own, base)


def is_secret(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}


def _no_stack(root: Path, stack: str) -> StackErrors:
    others = [path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in root.glob("Pulumi.*.yaml")]
    name = _file_name(stack)
    hint = suggestion(stack, others) or f"write {name}; what it may say: docs/stack-files.md"
    message = f"there is no file for the stack {stack!r}"
    return StackErrors([Finding(rule=reading.NO_STACK_FILE, path="", message=message, file=name, hint=hint)])


def _together(values: Mapping[str, Any], secrets: Collection[str], own: StackFile, base: StackFile | None) -> Sources:
    # A base's secrets stay with it: they are encrypted with its own key.
    added = {k: v for k, v in base.keys.items() if k not in values and k not in secrets} if base is not None else {}
    return Sources({**added, **values}, frozenset(secrets), own, base, frozenset(added))


def _file_name(stack: str) -> str:
    return f"Pulumi.{stack.rpartition('/')[2]}.yaml"


def _base(root: Path, stack: str) -> StackFile | None:
    """Of dev-ana it is dev; of prod-eu-ana it is prod-eu if there is one, else prod."""
    name = stack.rpartition("/")[2]
    while "-" in name:
        name = name.rpartition("-")[0]
        if (file := StackFile(root, _file_name(name))).exists:
            return file
    return None


def _nested_secrets(value: object, path: KeyPath) -> Iterator[KeyPath]:
    if is_secret(value):
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _nested_secrets(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _nested_secrets(inner, (*path, index))


def _same(given: object, written: object) -> bool:
    """Whether a value that Pulumi gave is the one in the file; it hands scalars over as text."""
    if isinstance(given, dict) and isinstance(written, dict):
        return given.keys() == written.keys() and all(_same(given[k], written[k]) for k in given)
    if isinstance(given, list) and isinstance(written, list):
        return len(given) == len(written) and all(map(_same, given, written))
    return given == written or str(given).lower() == str(written).lower()
