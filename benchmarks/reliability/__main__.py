"""`python -m benchmarks.reliability`: a prod stack under load, and one fault after the other.

Exit code 0: nothing was lost or doubled, and all recovered. 1: something was, or didn't. 2: the stack did not come up.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks.reliability import bare, report, trial
from benchmarks.reliability.checkout import Size
from benchmarks.reliability.command import (
    NOT_UP,
    among,
    bring_up,
    down,
    judged,
    machine,
    number,
    of_all,
    one_by_one,
    tell,
)
from benchmarks.reliability.faults import FAULTS
from benchmarks.reliability.stack import Stack

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

    def measured(name: str) -> bool:
        tell(f"{name}: {time.strftime('%H:%M:%S')}")
        result = _one(name, stack, options)
        report.keep(options.name, name, result, machine())
        return judged(name, report.table({name: result}), result["odd"], well=report.is_well(result))

    code = one_by_one({name: partial(measured, name) for name in options.only}, stack, keep=options.keep)
    if code != NOT_UP:
        tell(report.table({name: result for name, result in report.faults_of(options.name).items() if name in ALL}))
    return code


def _one(name: str, stack: Stack, options: argparse.Namespace) -> dict[str, Any]:
    if name == BARE:
        with tempfile.TemporaryDirectory(prefix="reliability-") as folder:
            return asyncio.run(
                bare.run(Path(folder), stack.size, options.runs, options.seconds, tell, install=options.install)
            )
    bring_up(stack)
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
    of_all(parser, "reliability")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
