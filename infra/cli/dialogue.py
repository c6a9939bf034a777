"""Questions on a terminal: one line each, asked again until the answer can be used.

Plain lines rather than menus moved through by arrow keys: they work over any connection, with a screen reader and for
hundreds of flows, where a part of the name is quicker than fifty presses of a key.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeVar

from rich.markup import escape

from infra.cli.console import err

_SHOWN: Final = 30
_T = TypeVar("_T")


class Option(NamedTuple):
    value: str
    note: str = ""


def can_ask() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, use: Callable[[str], _T], *, default: str | None = None) -> _T:
    """What `use` makes of the answer; it raises ValueError with what is wrong, and the question comes again.

    Raises:
        EOFError: There is nobody to answer any more.

    """
    shown = f" [dim]\\[{escape(default)}][/]" if default else ""
    while True:
        answer = err.input(f"[bold]{escape(question)}[/]{shown}: ").strip()
        try:
            return use(answer or default or "")
        except ValueError as error:
            err.print(f"  {error}", style="red", markup=False)


def yes(question: str, *, default: bool) -> bool:
    def use(answer: str) -> bool:
        if answer.casefold() not in {"y", "yes", "s", "si", "sí", "n", "no"}:
            raise ValueError("y or n")
        return not answer.casefold().startswith("n")

    return ask(f"{question} ({'Y/n' if default else 'y/N'})", lambda answer: use(answer or ("y" if default else "n")))


def choose(question: str, options: Sequence[Option], use: Callable[[str], _T], *, default: str | None = None) -> _T:
    """One of the options by its number or a part of it that no other has, or what `use` makes of something else."""
    shown = list(options)
    _list(shown)

    def one(answer: str) -> _T:
        nonlocal shown
        if answer.isdigit() and 1 <= int(answer) <= len(shown):
            return use(shown[int(answer) - 1].value)
        if any(answer == each.value for each in options):
            return use(answer)
        matching = [each for each in options if answer and answer.casefold() in each.value.casefold()]
        if len(matching) == 1:
            return use(matching[0].value)
        if matching:
            shown = matching
            _list(shown)
            raise ValueError(f"{len(matching)} have {answer!r} in them: which one?")
        return use(answer)

    return ask(question, one, default=default)


def _list(options: Sequence[Option]) -> None:
    for number, each in enumerate(options[:_SHOWN], 1):
        err.print(f"  {number:>3}  {escape(each.value)}  [dim]{escape(each.note)}[/]")
    if len(options) > _SHOWN:
        err.print(f"       and {len(options) - _SHOWN} more: type a part of the name", style="dim")
