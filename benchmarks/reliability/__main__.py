"""`python -m benchmarks.reliability`: a prod stack under load, and one fault after the other.

Exit code 0: nothing was lost or doubled, and all recovered. 1: something was, or didn't. 2: the stack did not come up.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.reliability import bare, report, trial
from benchmarks.reliability.checkout import Size
from benchmarks.reliability.command import BROKEN, NOT_UP, among, down, machine, number, tell
from benchmarks.reliability.faults import FAULTS
from benchmarks.reliability.stack import BroughtUpError, Stack
from infra.provider.errors import ProviderError

BARE: Final = "bare"
ALL: Final = (*FAULTS, BARE)


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the stack goes along with it
    size = Size(
        areas=options.areas,
        deployments=options.deployments,
        at_once=options.at_once,
        worker_type=options.worker_type,
        workers=options.workers,
    )
    stack = Stack(size)
    if options.down:
        return down(stack)
    well = True
    try:
        for name in options.only:
            tell(f"{name}: {time.strftime('%H:%M:%S')}")
            try:
                result = _one(name, stack, options)
            except (RuntimeError, subprocess.SubprocessError, ProviderError) as error:
                # The others may still tell something; this one told nothing, which is no success.
                tell(f"{name}: NOT MEASURED: {type(error).__name__}: {error}")
                well = False
                continue
            report.keep(options.name, name, result, machine())
            well = well and report.is_well(result)
            tell(f"{name}: {'well' if report.is_well(result) else 'NOT WELL'}\n{report.table({name: result})}")
            for odd in result["odd"]:
                tell(f"  {odd}")
    except BroughtUpError as error:
        tell(f"the stack did not come up:\n{error}")
        return NOT_UP
    finally:
        if not options.keep:
            well = down(stack) == 0 and well
    tell(report.table({name: result for name, result in report.faults_of(options.name).items() if name in ALL}))
    return 0 if well else BROKEN


def _one(name: str, stack: Stack, options: argparse.Namespace) -> dict[str, Any]:
    if name == BARE:
        with tempfile.TemporaryDirectory(prefix="reliability-") as folder:
            return asyncio.run(
                bare.run(Path(folder), stack.size, options.runs, options.seconds, tell, install=options.install)
            )
    if not stack.is_up():
        began = time.monotonic()
        tell(f"  bringing up {stack.name}: {stack.size.areas} areas, {stack.size.deployments} deployments ...")
        stack.up()
        tell(f"  up after {time.monotonic() - began:.0f} s")
    return asyncio.run(trial.run(stack, FAULTS[name], options.runs, options.seconds, tell))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reliability",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="faults:\n" + "\n".join(f"  {name:10} {fault.says}" for name, fault in FAULTS.items()),
    )
    parser.add_argument("--areas", type=number, default=10)
    parser.add_argument("--deployments", type=number, default=500)
    parser.add_argument("--runs", type=number, default=2000, help="for each fault (default: 2000)")
    parser.add_argument("--seconds", type=float, default=1.0, help="that a run's flow sleeps (default: 1)")
    parser.add_argument("--at-once", type=number, default=8, help="flow runs at once, over all areas (default: 8)")
    parser.add_argument("--only", type=among(ALL), default=ALL, help=f"of {','.join(ALL)}")
    parser.add_argument("--worker-type", choices=("docker", "process"), default="docker")
    parser.add_argument("--workers", type=number, default=1, help="of each area (default: 1)")
    parser.add_argument("--install", action="store_true", help="install Debian's Postgres, for bare, where it isn't")
    parser.add_argument("--name", default="reliability", help="of the file in benchmarks/results")
    parser.add_argument("--keep", action="store_true", help="leave the stack up: the next call uses it")
    parser.add_argument("--down", action="store_true", help="only take down what is there")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
