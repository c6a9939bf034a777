"""The line that a finding speaks of, with what is wrong marked in it, as compilers show it; credentials masked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from infra.credential_forms import exposed, is_secret_key
from infra.model import credentials, positions
from infra.model.errors import Finding, printable
from infra.model.rules import credentials as credential_rules

_WIDEST = 160
"""Of a line that is shown; more would wrap on any terminal."""
_PAIR = re.compile(r"""(?P<key>[\w-]+)["']?\s*[:=]\s*(?P<value>"[^"]*"?|'[^']*'?|[^\s,}\]#]+)""")


@dataclass(frozen=True)
class Excerpt:
    """One line of a file. `start` and `end` count from 0 in `text`; what is between them is wrong."""

    line: int
    text: str
    start: int
    end: int

    def drawn(self) -> tuple[str, str]:
        """The line with its number, and the marks below it."""
        margin = f"{self.line:5} | "
        below = " " * 5 + " | " + " " * self.start + "^" * max(1, self.end - self.start)
        return margin + self.text, below


class Excerpts:
    """The excerpts of one check. What any of its findings takes for a secret is shown by none."""

    def __init__(self, root: Path, findings: Iterable[Finding]) -> None:
        self._root = root
        self._read = cache(self._read_anew)
        self._secrets = {
            text.strip("\"'")
            for finding in findings
            if finding.rule in credential_rules.RULES
            for text in self._marked(finding)
        } - {""}

    def of(self, finding: Finding) -> Excerpt | None:
        """None for what is in no file, or in one that can't be read."""
        if finding.file is None or finding.line is None or finding.column is None:
            return None
        lines, spans = self._read(finding.file)
        if finding.line > len(lines):
            return None
        text = lines[finding.line - 1]
        start, end = _span(finding.line, finding.column, text, spans)
        # Wherever it stands: what is a secret under one key is none the less under another.
        secret = [match.span() for each in self._secrets for match in re.finditer(re.escape(each), text)]
        text, start, end = _masked(text, start, end, [*secret, *_speaking(text)])
        if start >= _WIDEST:
            return None
        return Excerpt(finding.line, printable(text[:_WIDEST]), start, min(end, _WIDEST))

    def _marked(self, finding: Finding) -> Iterable[str]:
        """What a finding underlines, as it stands in the file."""
        if finding.file is None or finding.line is None or finding.column is None:
            return
        lines, spans = self._read(finding.file)
        if finding.line <= len(lines):
            text = lines[finding.line - 1]
            start, end = _span(finding.line, finding.column, text, spans)
            yield text[start:end]

    def end_column(self, finding: Finding) -> int | None:
        """One past the last column of what is wrong, as the file has it."""
        if finding.file is None or finding.line is None or finding.column is None:
            return None
        lines, spans = self._read(finding.file)
        if finding.line > len(lines):
            return None
        return _span(finding.line, finding.column, lines[finding.line - 1], spans)[1] + 1

    def told(self, finding: Finding) -> str:
        """A finding with its excerpt, as plain text."""
        head, *rest = str(finding).splitlines()
        excerpt = self.of(finding)
        return "\n".join([head, *(excerpt.drawn() if excerpt else ()), *rest])

    def _read_anew(self, file: str) -> tuple[list[str], dict[positions.Mark, positions.Mark]]:
        try:
            text = (self._root / file).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError, ValueError):
            return [], {}
        # As YAML counts lines: not at the other separators that Python's splitlines knows.
        return re.split(r"\r\n|\r|\n", text), positions.spans(text)


def _span(line: int, column: int, text: str, spans: dict[positions.Mark, positions.Mark]) -> tuple[int, int]:
    start = min(column - 1, len(text))
    end = spans.get(positions.Mark(line, column))
    if end is None:
        return start, min(start + 1, len(text))
    return start, max(start, end.column - 1 if end.line == line else len(text.rstrip()))


def _speaking(text: str) -> Iterable[tuple[int, int]]:
    """What has the form of a credential, or stands beside a key that speaks of one: also where the text is no YAML."""
    for found in exposed(text):
        yield found.start, found.end
    for pair in _PAIR.finditer(text):
        if is_secret_key(pair["key"]) and credentials.looks_random(pair["value"].strip("\"'")):
            yield pair.span("value")


def _masked(text: str, start: int, end: int, secrets: Iterable[tuple[int, int]]) -> tuple[str, int, int]:
    """The line without them, and where the marks go in it."""
    for first, last in reversed(_merged(secrets)):
        text = text[:first] + credentials.MASK + text[last:]
        change = len(credentials.MASK) - (last - first)
        start = start + change if start >= last else min(start, first)
        end = end + change if end >= last else end if end <= first else first + len(credentials.MASK)
    return text, start, end


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return merged
