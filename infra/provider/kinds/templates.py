"""Templates in what an automation says or runs with, judged as the server judges them before it takes them.

`prefect.server.utilities.user_templates`: by the syntax of Jinja, and by the number of loops.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from infra.provider.wire import Path

MOST_LOOPS: Final = 10
DEEPEST_LOOP: Final = 2
_MARKS: Final = ("{{", "{%")


def wrong(text: str) -> str | None:
    """Why the server would refuse it; None where it takes it."""
    if "{" not in text:
        return None
    import jinja2  # noqa: PLC0415  # takes a while, and most calls of the plugin have no use for it

    try:
        loops = [*_loops(jinja2.Environment().parse(text), 0)]  # noqa: S701  # nothing is rendered
    except jinja2.TemplateSyntaxError as error:
        return f"is no template of Jinja: line {error.lineno}: {error.message}"
    if len(loops) > MOST_LOOPS:
        return f"a template has {MOST_LOOPS} loops at most, this one has {len(loops)}"
    if max(loops, default=0) > DEEPEST_LOOP:
        return f"loops of a template are nested {DEEPEST_LOOP} deep at most, these are {max(loops)}"
    return None


def wrong_ones(parameters: Any, at: Path = ()) -> Iterator[tuple[Path, str]]:
    """Those texts that the server would take for templates, and refuse, with their places."""
    match parameters:
        case str() if any(mark in parameters for mark in _MARKS):
            if reason := wrong(parameters):
                yield at, reason
        case Mapping() if "__prefect_kind" not in parameters:
            for key, value in parameters.items():
                yield from wrong_ones(value, (*at, key))
        case list() | tuple():
            for n, item in enumerate(parameters):
                if isinstance(item, Mapping | str):  # it looks into no list of a list
                    yield from wrong_ones(item, (*at, n))


def _loops(node: Any, depth: int) -> Iterator[int]:
    """How deep each loop lies."""
    depth += type(node).__name__ == "For"
    if type(node).__name__ == "For":
        yield depth
    for child in node.iter_child_nodes():
        yield from _loops(child, depth)
