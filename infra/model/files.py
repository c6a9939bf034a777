"""The YAML files of a checkout that declare something: what they say, and where they say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.model.errors import NAMESPACE, Finding, KeyPath, StackErrors, dotted
from infra.model.rules import Rule, reading

if TYPE_CHECKING:
    from infra.model.positions import Document, Mark

_PREFIX = f"{NAMESPACE}:"


@dataclass(frozen=True)
class DeclaringFile:
    """A file below the checkout's root, read when first asked."""

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
            raise StackErrors([self.finding(fault.rule, "", fault.mark, fault.message, fault.hint)]) from fault
        except (OSError, UnicodeDecodeError) as error:
            raise StackErrors(
                [Finding(rule=reading.UNREADABLE, path="", message=f"can't be read: {error}", file=self.name)]
            ) from error

    def finding(self, rule: Rule, path: str, mark: Mark | None, message: str, hint: str | None = None) -> Finding:
        line, column = mark or (None, None)
        return Finding(rule=rule, path=path, message=message, hint=hint, file=self.name, line=line, column=column)

    def nearest_mark(self, path: KeyPath, *, of_key: bool) -> Mark | None:
        """Where the value stands or, if it isn't there, the nearest that holds it."""
        for length in range(len(path), -1, -1):
            if self.document.find(path[:length]) is not None:
                return self.document.mark(path[:length], of_key=of_key or length < len(path))
        return None

    def nested_secrets(self, value: object, shown: KeyPath, within: KeyPath) -> Iterator[tuple[KeyPath, Finding]]:
        """Secrets inside another value; `shown` is the path that people know it by, `within` the one in this file."""
        for path in _nested_secrets(value, ()):
            mark = self.document.mark((*within, *path, "secure"), of_key=True)
            yield (
                (*shown, *path),
                self.finding(
                    reading.NESTED_SECRET,
                    dotted((*shown, *path)),
                    mark,
                    "a secret can't stand within another value: in there it is kept in plain",
                    f"give it a key of its own: pulumi config set --secret {_PREFIX}<name>",
                ),
            )


@dataclass(frozen=True)
class StackFile(DeclaringFile):
    """`Pulumi.<stack>.yaml`."""

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
                [self.finding(reading.NO_CONFIG, "config", mark, f"`config` must be a mapping of {_PREFIX}… keys")]
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

    def mark(self, path: KeyPath, *, of_key: bool) -> Mark | None:
        """Of the key path's value, or of the nearest that holds it."""
        return self.nearest_mark(_full(path), of_key=of_key)

    def findings(self) -> Iterator[tuple[KeyPath, Finding]]:
        """What is wrong with the file itself, whatever its keys mean."""
        for key, value in self.config.items():
            if ":" not in key:
                mark = self.document.mark(("config", key), of_key=True)
                yield (
                    (),
                    self.finding(reading.NO_NAMESPACE, key, mark, "a key has a namespace", f"write {_PREFIX}{key}"),
                )
            elif key.startswith(_PREFIX) and not is_secret(value):
                path = (key.removeprefix(_PREFIX),)
                yield from self.nested_secrets(value, path, _full(path))


def is_secret(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}


def _full(path: KeyPath) -> KeyPath:
    return ("config", f"{_PREFIX}{path[0]}", *path[1:]) if path else ("config",)


def _nested_secrets(value: object, path: KeyPath) -> Iterator[KeyPath]:
    if is_secret(value):
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _nested_secrets(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _nested_secrets(inner, (*path, index))
