"""A person's `profiles.toml`, edited in place: one table comes or goes, every other byte stays.

The text is cut at the tables' headers rather than written anew. After each edit the result is parsed and compared
with what was meant; on any difference nothing is written. All that there is to remember stands in the file itself, as
comments, so that several stacks may come and go in any order.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Self

from filelock import FileLock, Timeout

from infra.provider.errors import LocalFile

MODE: Final = 0o600  # credentials lie in it in plain: Prefect reads them from nowhere else
LOCK_SECONDS: Final = 30
_MADE: Final = "# Made by prefect-infra; it goes when nothing else is left in it.\n"
_MARK: Final = "# prefect-infra: {owner}{adopted} (change it in the stack file)"
_MARKED: Final = re.compile(r"# prefect-infra: (?P<owner>[^\s,]+)(?P<adopted>, adopted)? ")
_HEADER: Final = re.compile(r"^[ \t]*\[", re.MULTILINE)
_TEXT: Final = r"\"(?:\\[^\r\n]|[^\"\\\r\n])*\"|'[^'\r\n]*'"
_ACTIVE: Final = re.compile(
    rf"^[ \t]*(?:active|\"active\"|'active')[ \t]*=[ \t]*(?P<value>{_TEXT})[ \t]*(?:\r?\n)?", re.MULTILINE
)
_BLANK_OR_COMMENT: Final = re.compile(r"(?:^[ \t\r]*(?:#[^\n]*)?\n)*^[ \t\r]*(?:#[^\n]*)?\Z", re.MULTILINE)
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")


def default_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Where Prefect itself looks, in its order."""
    if path := environment.get("PREFECT_PROFILES_PATH"):
        return Path(path).expanduser().absolute()
    home = environment.get("PREFECT_HOME")
    return (Path(home).expanduser().absolute() if home else Path.home() / ".prefect") / "profiles.toml"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One writer at a time. The lock lies beside the file, and goes when it is free again.

    Raises: LocalFile: the folder can't be written to, or somebody holds the lock for long.
    """
    file = _real(path)
    lock_path = file.with_name(f".{file.name}.lock")
    lock = FileLock(lock_path, timeout=LOCK_SECONDS)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise LocalFile(f"{file}: another program has held its lock for {LOCK_SECONDS} s ({lock_path})") from error
    except OSError as error:
        raise LocalFile(f"{file}: can't be locked: {error}") from error
    try:
        yield
    finally:
        # Before it is free, not after: who waits for it then finds that what it got is no file any more, and asks
        # again. The other way round, it would go under somebody who has just got it.
        with suppress(OSError):
            lock_path.unlink()
        lock.release()


@dataclass
class ProfilesFile:
    path: Path
    text: str
    exists: bool

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises: LocalFile: it can't be read, or is no TOML."""
        path = _real(path)  # a link stays a link
        try:
            text = path.read_bytes().decode()
        except FileNotFoundError:
            return cls(path, _MADE, exists=False)
        except (OSError, UnicodeDecodeError) as error:
            raise LocalFile(f"{path}: can't be read: {error}") from error
        document = cls(path, text, exists=True)
        document._parsed()  # our own
        return document

    @property
    def active(self) -> str | None:
        active = self._parsed().get("active")
        return str(active) if active is not None else None

    def names(self) -> list[str]:
        return sorted(self._parsed()["profiles"])

    def table(self, name: str) -> dict[str, str] | None:
        """A profile's settings, or None where there is no such profile."""
        table = self._parsed()["profiles"].get(name)
        return None if table is None else {key: str(value) for key, value in table.items()}

    def owner(self, name: str) -> str | None:
        """`<project>/<stack>` that wrote the profile, or None for a person's own."""
        span = self._span(name)
        mark = _MARKED.match(self.text, span[0]) if span else None
        return mark["owner"] if mark else None

    def put(self, name: str, settings: Mapping[str, str], owner: str) -> None:
        wanted = self._parsed()
        wanted["profiles"][name] = dict(settings)
        span = self._span(name)
        if span is None:
            # One line break joins the block to the text before it, whether that ends with one or not: `remove` takes
            # it out again, and the text before is what it was.
            joint = self._newline if self.text else ""
            self.text += joint + self._block(name, settings, owner, adopted=False)
        else:
            start, end = span
            mark = _MARKED.match(self.text, start)
            block = self._block(name, settings, owner, adopted=mark is None or mark["adopted"] is not None)
            if self.text[start:end].endswith("\n"):
                self.text = self.text[:start] + block + self.text[end:]
            else:
                self.text = self.text[:start] + block.removesuffix(self._newline)
        self._must_be(wanted)

    def remove(self, name: str) -> None:
        wanted = self._parsed()
        if wanted["profiles"].pop(name, None) is None:
            return
        if (span := self._span(name)) is not None:
            before, after = self.text[: span[0]], self.text[span[1] :]
            mark = _MARKED.match(self.text, span[0])
            if mark and not mark["adopted"]:
                unjoined = before.removesuffix("\n").removesuffix("\r")
                # Else the last line before and the first one after would become one.
                if not after or after.startswith(("\n", "\r\n")) or unjoined.endswith("\n"):
                    before = unjoined
            self.text = before + after
        self._must_be(wanted)

    def activate(self, name: str | None) -> None:
        """Make `name` the active profile, or none: then Prefect takes its own default."""
        wanted = self._parsed()
        wanted.pop("active", None)
        if name is not None:
            wanted["active"] = name
        end = next(self._headers(), len(self.text))
        found = (match for match in _ACTIVE.finditer(self.text, 0, end) if _is_whole(self.text[: match.start()]))
        line = next(found, None)
        if name is None:
            if line is not None:
                self.text = self.text[: line.start()] + self.text[line.end() :]
        elif line is not None:
            value = _quoted(name, like=line["value"])
            self.text = self.text[: line.start("value")] + value + self.text[line.end("value") :]
        else:
            self.text = f"active = {_quoted(name)}{self._newline}{self.text}"
        self._must_be(wanted)

    def save(self) -> None:
        """Beside it, then renamed over it: whoever reads meanwhile sees the one or the other, whole."""
        new = self.path.with_name(f".{self.path.name}.new")
        content = self.text.encode()
        try:
            new.unlink(missing_ok=True)  # the lock is ours: what is there was left by a writer that was killed
            if self.text.strip() == _MADE.strip():
                self.path.unlink(missing_ok=True)
                return
            if self.exists and self.path.read_bytes() == content and self.path.stat().st_mode & 0o777 == MODE:
                return
            try:
                with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                new.replace(self.path)
            finally:
                new.unlink(missing_ok=True)
        except OSError as error:
            raise LocalFile(f"{self.path}: can't be written: {error}") from error

    @property
    def _newline(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    def _block(self, name: str, settings: Mapping[str, str], owner: str, *, adopted: bool) -> str:
        lines = [
            _MARK.format(owner=owner, adopted=", adopted" if adopted else ""),
            f"[profiles.{_key(name)}]",
            *(f"{_key(key)} = {_quoted(value)}" for key, value in settings.items()),
        ]
        return self._newline.join(lines) + self._newline

    def _headers(self) -> Iterator[int]:
        """Where tables begin. A bracket inside of a text or a list of several lines begins none."""
        starts = (match.start() for match in _HEADER.finditer(self.text))
        return (start for start in starts if _is_whole(self.text[:start]))

    def _span(self, name: str) -> tuple[int, int] | None:
        """From a profile's mark (or header) to the end of its last setting: what follows may be about the next one."""
        for start, limit in pairwise([*self._headers(), len(self.text)]):
            header = self.text[start:limit].partition("\n")[0].rstrip("\r")
            if tomllib.loads(header) != {"profiles": {name: {}}}:
                continue
            rest = _BLANK_OR_COMMENT.search(self.text[start:limit])
            end = start + rest.start() if rest else limit
            while not _is_whole(self.text[:end]):  # a value of several lines, the last of which looks like a comment
                end = self.text.find("\n", end) + 1 or limit
            line_above = self.text.rfind("\n", 0, max(start - 1, 0)) + 1
            return line_above if _MARKED.match(self.text, line_above) else start, end
        return None

    def _parsed(self) -> dict[str, Any]:
        try:
            parsed = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            raise LocalFile(f"{self.path}: is no valid TOML: {error}. Mend it, or move it away") from error
        tables = parsed.setdefault("profiles", {})
        if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
            raise LocalFile(
                f"{self.path}: under `profiles` is something else than tables of settings, such as [profiles.local]: "
                "Prefect can't read it either. Mend it, or move it away"
            )
        return parsed

    def _must_be(self, wanted: Mapping[str, Any]) -> None:
        try:
            done = self._parsed() == wanted
        except LocalFile:
            done = False
        if not done:
            raise LocalFile(
                f"{self.path}: has a form that can't be edited without touching other parts (such as dotted keys for "
                "profiles): nothing was written. Write each profile as a table [profiles.NAME]"
            )


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _is_whole(text: str) -> bool:
    """Whether it is TOML by itself, and so doesn't end inside of a value."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _key(text: str) -> str:
    return text if _BARE_KEY.fullmatch(text) else _quoted(text)


def _quoted(text: str, like: str = "") -> str:
    """As TOML writes it, in single quotes where `like` has them and they will do."""
    if like.startswith("'") and "'" not in text and text.isprintable():
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
