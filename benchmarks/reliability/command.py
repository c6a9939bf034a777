"""What the commands of this benchmark have in common."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Final

from benchmarks.reliability.stack import Stack

BROKEN: Final = 1
NOT_UP: Final = 2


def tell(text: str) -> None:
    print(text, flush=True)


def down(stack: Stack) -> int:
    """The exit code."""
    tell(f"taking down {stack.name} ...")
    problem = stack.down()
    if problem is not None:
        tell(problem)
    return 0 if problem is None else BROKEN


def machine() -> dict[str, Any]:
    return {"cores": os.cpu_count(), "system": platform.platform(), "prefect": version("prefect")}


def number(text: str) -> int:
    given = int(text)
    if given < 1:
        raise argparse.ArgumentTypeError(f"at least 1, got {text}")
    return given


def among(known: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    """Some of these, with commas between them."""

    def names(text: str) -> tuple[str, ...]:
        given = tuple(text.split(","))
        if unknown := sorted(set(given) - set(known)):
            raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there are: {', '.join(known)}")
        return given

    return names
