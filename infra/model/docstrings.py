"""Parameter descriptions from a Google-style docstring, as Prefect takes them for the form in its UI."""

from __future__ import annotations

import re

_PARAMETERS = frozenset({"args", "arguments", "params", "parameters"})
_HEADING = re.compile(r"(?P<name>\w[\s\w-]*):(\s+\S.*)?\s*", re.IGNORECASE)
_FENCE = "```"


def first_paragraph(docstring: str | None) -> str | None:
    """What stands before the first empty line, as one line of text."""
    if not docstring or not docstring.strip():
        return None
    return " ".join(docstring.strip().split("\n\n", 1)[0].split())


def parameter_descriptions(docstring: str | None) -> dict[str, str]:
    """By parameter; `docstring` without its common indentation. The last section of several counts."""
    descriptions: dict[str, str] = {}
    lines = (docstring or "").split("\n")
    fenced = False
    at = 0
    while at < len(lines):
        if lines[at].lstrip(" ").startswith(_FENCE):
            fenced = not fenced
        elif not fenced and _is_parameters(lines, at):
            items, at = _items(lines, at + 1)
            descriptions = dict(filter(None, map(_described, items))) or descriptions
            continue
        at += 1
    return descriptions


def _is_parameters(lines: list[str], at: int) -> bool:
    """A heading stands alone: an empty line above, its items indented right below."""
    heading = _HEADING.fullmatch(lines[at])
    return (
        heading is not None
        and heading["name"].lower() in _PARAMETERS
        and (at == 0 or not lines[at - 1].strip())
        and at + 1 < len(lines)
        and lines[at + 1].startswith(" ")
        and bool(lines[at + 1].strip())
    )


def _items(lines: list[str], at: int) -> tuple[list[list[str]], int]:
    """The indented block from `at` on, as items of their own lines; and where it ends."""
    while at < len(lines) and not lines[at].strip():
        at += 1
    if at == len(lines):
        return [], at
    indent = len(lines[at]) - len(lines[at].lstrip())
    if indent == 0:
        return [], at
    items: list[list[str]] = []
    while at < len(lines):
        line = lines[at]
        depth = len(line) - len(line.lstrip())
        if not line.strip():
            items[-1].append("")
        elif depth == indent:
            items.append([line[indent:]])
        elif depth > indent:
            items[-1].append(line[min(depth, 2 * indent) :])
        else:
            break
        at += 1
    return items, at


def _described(item: list[str]) -> tuple[str, str] | None:
    name, colon, description = item[0].partition(":")
    if not colon:
        return None
    if "(" in name and name.endswith(")"):
        name = name.partition("(")[0].strip()
    return name, "\n".join([description.lstrip(), *item[1:]]).rstrip("\n")
