"""A review for a terminal. It reads without colour too."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from infra.review.reviewing import Review
from infra.review.telling import Code, tell

_COLOURS = {"+": "green", "-": "red", "!": "magenta", "~": "yellow", "=": "cyan"}


def lines(review: Review) -> Iterator[Text]:
    told = tell(review)
    yield Text(told.title.replace("`", ""), style="bold")
    yield Text()
    for alarm in told.alarms:
        yield _words(alarm, "red" if alarm.startswith("- ") else "bold red")
    if told.alarms:
        yield Text()
    for headline in told.headlines:
        area, colon, rest = headline.partition(": ")
        yield Text.assemble((area, "bold" if colon else ""), colon, _words(rest))
    for section in told.sections:
        yield Text()
        yield Text(section.title.replace("`", ""), style="bold underline")
        for block in section.body:
            if isinstance(block, Code):
                for line in block.lines:
                    style = _COLOURS.get(line[:1], "") if block.language == "diff" else ""
                    yield Text(f"    {line}", style=style)
            else:
                yield Text("  ").append_text(_words(block))
    yield Text()
    yield Text(told.foot.replace("`", ""), style="dim")


def _words(text: str, style: str = "") -> Text:
    """What stands between backticks is shown as a name, and without them."""
    made = Text(style=style)
    for n, part in enumerate(text.split("`")):
        made.append(part, style="cyan" if n % 2 else "")
    return made
