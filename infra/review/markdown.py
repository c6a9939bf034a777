"""A review as a comment of a pull request: Markdown, with a marker that the next one finds it by."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import Final

from infra.review.reviewing import Review
from infra.review.telling import Code, Section, Told, tell

LONGEST: Final = 60_000
"""GitHub takes 65,536 signs."""
_MARK: Final = re.compile(r"<!-- prefect-infra review stack=(?P<stack>\S+)(?: plan=(?P<plan>[0-9a-f]{64}))? -->")
_SIGNS: Final = re.compile(r"[\\*\[\]#~$>]|(?<!\w)_|_(?!\w)")
"""That would mean something; within words `_` means nothing."""
_MENTION: Final = re.compile(r"@(?=\w)")
_CUT: Final = "… the rest is too long for a comment: `prefect-infra review` shows it"


def markdown(review: Review) -> str:
    told = tell(review)
    for room in (None, 400, 100, 20, 0):  # lines of each section
        text = _text(review, told, room)
        if len(text) <= LONGEST:
            return text
    return text[:LONGEST]


def marker(stack: str, digest: str | None = None) -> str:
    plan = f" plan={digest}" if digest else ""
    return f"<!-- prefect-infra review stack={stack}{plan} -->"


def marked(comment: str) -> tuple[str, str | None] | None:
    """The stack that a comment is the review of, and its plan's digest: of the first line alone, which we write."""
    found = _MARK.fullmatch(comment.splitlines()[0].strip()) if comment.strip() else None
    return (found["stack"], found["plan"]) if found else None


def _text(review: Review, told: Told, room: int | None) -> str:
    lines = [marker(review.stack, review.digest), f"## {_inline(told.title)}", ""]
    if told.alarms:
        lines += [
            "> [!CAUTION]",
            *(f"> {_inline(each)}" + ("" if _is_item(each) else "\n>") for each in told.alarms),
            "",
        ]
    lines += [f"- {_headline(each)}" for each in told.headlines]
    lines.append("")
    for section in told.sections:
        lines += _section(section, room)
    lines += [f"<sub>{_inline(told.foot)}</sub>", ""]
    return "\n".join(lines)


def _headline(text: str) -> str:
    area, colon, rest = text.partition(": ")
    return f"**{_inline(area)}**{colon}{_inline(rest)}" if colon else _inline(text)


def _section(section: Section, room: int | None) -> Iterator[str]:
    yield f"<details><summary>{_html(section.title)}</summary>"
    yield ""
    before: str | Code | None = None
    for block in section.body if room is None else section.body[: max(room, 1)]:
        if isinstance(block, Code):
            lines = block.lines if room is None else block.lines[:room]
            fence = "`" * max(3, 1 + max((len(run) for line in lines for run in re.findall(r"`+", line)), default=0))
            yield ""
            yield f"{fence}{block.language}"
            yield from lines
            yield fence
            if len(lines) < len(block.lines):
                yield _CUT
        else:
            if not _is_item(block) and before is not None:
                yield ""
            yield _inline(block)
        before = block
    if room is not None and len(section.body) > max(room, 1):
        yield ""
        yield _CUT
    yield ""
    yield "</details>"
    yield ""


def _is_item(text: str) -> bool:
    return text.lstrip().startswith("- ")


def _inline(text: str) -> str:
    """Names between backticks as code; of the rest no sign means anything, and nobody is called by it."""
    indent = re.match(r"\s*(?:- )?", text)
    assert indent is not None
    head, body = indent[0], text[indent.end() :]
    parts = body.split("`")
    if len(parts) % 2 == 0:  # one that nothing closes
        parts = [body.replace("`", "'")]
    return head + "".join(f"`{part}`" if n % 2 else _plain(part) for n, part in enumerate(parts))


def _plain(text: str) -> str:
    return _MENTION.sub("@\u200b", _SIGNS.sub(r"\\\g<0>", text.replace("<", "&lt;")))


def _html(title: str) -> str:
    parts = title.split("`")
    return "".join(f"<code>{escape(part)}</code>" if n % 2 else escape(part) for n, part in enumerate(parts))
