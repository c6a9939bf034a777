"""Which lines a change adds, from `git diff`; and whose they are, by CODEOWNERS."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

OWNERS_FILES: Final = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Where it may be; the first that is there counts."""
_HUNK: Final = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@")


@dataclass(frozen=True)
class OwnedFiles:
    owner: str
    files: tuple[str, ...]


def added_lines(difference: str) -> dict[str, frozenset[int]]:
    """By file, of `git diff --unified=0 --no-prefix`: the lines that are new. A file that goes has none."""
    found: dict[str, set[int]] = {}
    file: str | None = None
    left = 0
    for line in difference.splitlines():
        if left and line.startswith("+"):
            left -= 1
        elif line.startswith("+++ "):
            name = line.removeprefix("+++ ").rstrip("\t")
            file = None if name == "/dev/null" else name
            if file is not None:
                found.setdefault(file, set())
        elif (hunk := _HUNK.match(line)) and file is not None:
            start, left = int(hunk[1]), int(hunk[2] or 1)
            found[file].update(range(start, start + left))
    return {name: frozenset(lines) for name, lines in found.items()}


def owners(codeowners: str, files: Iterable[str]) -> tuple[OwnedFiles, ...]:
    """Who must look at which of the files. The last pattern that fits a file counts, as on GitHub and GitLab."""
    rules = [_rule(line) for line in codeowners.splitlines()]
    found: dict[str, list[str]] = {}
    for file in sorted(files):
        fitting = [names for pattern, names in filter(None, rules) if pattern.fullmatch(file)]
        for name in fitting[-1] if fitting else ():
            found.setdefault(name, []).append(file)
    return tuple(OwnedFiles(name, tuple(found[name])) for name in sorted(found))


def _rule(line: str) -> tuple[re.Pattern[str], tuple[str, ...]] | None:
    words = [word.replace("\\ ", " ") for word in re.split(r"(?<!\\)\s+", line.partition(" #")[0].strip())]
    if not words[0] or words[0].startswith(("#", "[", "^[")):  # [..]: a section of GitLab's
        return None
    return _pattern(words[0]), tuple(words[1:])


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """As in .gitignore, without its exceptions: a name alone fits at any depth, a folder all that is in it."""
    anchored = text.startswith("/") or "/" in text.rstrip("/")
    body = text.strip("/")
    made = ""
    for part in re.split(r"(\*\*/|\*\*|\*|\?)", body):
        made += {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}.get(part, re.escape(part))
    below = "/.*" if text.endswith("/") else "" if body.endswith("*") and anchored else "(?:/.*)?"
    return re.compile(("" if anchored else "(?:.*/)?") + made + below)


def is_new(lines: Mapping[str, frozenset[int]], file: str | None, line: int | None) -> bool:
    return file is not None and line is not None and line in lines.get(file, frozenset())
