"""What the commands of this benchmark have in common."""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any, Final

from filelock import FileLock, Timeout

from benchmarks.reliability.stack import FOLDER, BroughtUpError, Stack
from infra.provider.errors import ProviderError

BROKEN: Final = 1
NOT_UP: Final = 2
_LOCK: Final = FileLock(f"{FOLDER}.lock", timeout=0)


def tell(text: str) -> None:
    print(text, flush=True)


@contextmanager
def alone(lock: FileLock = _LOCK) -> Iterator[None]:
    """The commands of one checkout have one stack: of two at once, one would take it from under the other.

    Raises: SystemExit: another one is at work.
    """
    try:
        lock.acquire()
    except Timeout:
        sys.exit("another of these benchmarks is at work with this checkout's stack: wait for its end")
    try:
        yield
    finally:
        lock.release()


@alone()
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


def of_all(parser: argparse.ArgumentParser, name: str) -> None:
    """The options that each of the commands has."""
    parser.add_argument("--name", default=name, help="of the file in benchmarks/results")
    parser.add_argument("--keep", action="store_true", help="leave the stack up: the next call uses it")
    parser.add_argument("--down", action="store_true", help="only take down what is there")


def judged(what: str, table: str, odd: Sequence[object], *, well: bool) -> bool:
    """Tell what was measured; whether it was well."""
    tell(f"{what}: {'well' if well else 'NOT WELL'}\n{table}")
    for each in odd:
        tell(f"  {each}")
    return well


@alone()
def one_by_one(measure: Mapping[str, Callable[[], bool]], stack: Stack, *, keep: bool) -> int:
    """Measure each, which says whether all was well; take the stack down unless it is to be kept. The exit code."""
    well = True
    try:
        for what, measured_well in measure.items():
            try:
                well = measured_well() and well
            except (RuntimeError, subprocess.SubprocessError, ProviderError) as error:
                # The others may still tell something; this one told nothing, which is no success.
                tell(f"{what}: NOT MEASURED: {type(error).__name__}: {error}")
                well = False
    except BroughtUpError as error:
        tell(f"the stack did not come up:\n{error}")
        return NOT_UP
    finally:
        if not keep:
            well = down(stack) == 0 and well
    return 0 if well else BROKEN


def bring_up(stack: Stack) -> None:
    """Unless it is up. Raises: BroughtUpError."""
    if stack.is_up():
        return
    began = time.monotonic()
    tell(f"  bringing up {stack.name}: {stack.size.areas} areas, {stack.size.deployments} deployments ...")
    stack.up()
    tell(f"  up after {time.monotonic() - began:.0f} s")


def among(known: tuple[str, ...]) -> Callable[[str], tuple[str, ...]]:
    """Some of these, with commas between them."""

    def names(text: str) -> tuple[str, ...]:
        given = tuple(text.split(","))
        if unknown := sorted(set(given) - set(known)):
            raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there are: {', '.join(known)}")
        return given

    return names
