"""`python -m benchmarks.reliability.burst`: a burst of runs, and every fault in turn while it lasts.

Exit code 0: all runs ended, none was lost or doubled, every fault was struck and got over. 1: not so. 2: the stack did
not come up.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from functools import partial
from typing import Any, Final

from benchmarks.reliability import report
from benchmarks.reliability.burst import burst, results
from benchmarks.reliability.burst.burst import Asked
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

IN_TURN: Final = ("worker", "api", "services", "redis", "postgres", "proxy", "partition", "up", "disk")
"""All but `none`."""
PLACES: Final = (results.FAULTS, results.QUIET, results.BARE)


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the stack goes along with it
    stack = Stack(
        Size(
            areas=options.areas,
            deployments=options.deployments,
            at_once=options.at_once or options.areas,
            worker_type=options.worker_type,
            workers=options.workers,
        )
    )
    if options.table:
        tell(results.tables(results.read(report.path(options.name))))
        return 0
    if options.down:
        return down(stack)

    def measured(place: str) -> bool:
        tell(f"{place}: {time.strftime('%H:%M:%S')}, load average {os.getloadavg()[0]:.1f}")
        _one(place, stack, options)
        result = results.read(report.path(options.name))[place]
        return judged(place, results.tables({place: result}), result["odd"], well=results.is_well(result))

    code = one_by_one({place: partial(measured, place) for place in options.places}, stack, keep=options.keep)
    if code != NOT_UP:
        tell(results.tables(results.read(report.path(options.name))))
    return code


def _one(place: str, stack: Stack, options: argparse.Namespace) -> None:
    faults = options.only if place == results.FAULTS else ()
    asked = Asked(stack.size, options.runs, options.seconds, options.minutes, faults)

    def keep(result: dict[str, Any]) -> None:
        results.keep(report.path(options.name), place, result, machine())

    if place == results.BARE:
        if stack.is_up() and not options.keep:
            down(stack)  # it would take its share of the machine
        asyncio.run(burst.on_bare(asked, tell, keep, install=options.install))
        return
    bring_up(stack)
    for name in faults:
        FAULTS[name].prepare(stack)
    asyncio.run(burst.on_stack(stack, asked, tell, keep, resume=options.resume))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reliability.burst",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="faults:\n" + "\n".join(f"  {name:10} {FAULTS[name].says}" for name in FAULTS),
    )
    parser.add_argument("--areas", type=number, default=2)
    parser.add_argument("--deployments", type=number, default=20)
    parser.add_argument(
        "--runs", type=number, default=120, help="of each burst, urgent ones come on top (default: 120)"
    )
    parser.add_argument("--workers", type=number, default=1, help="of each area (default: 1)")
    parser.add_argument("--worker-type", choices=("process", "docker"), default="process")
    parser.add_argument("--at-once", type=number, help="flow runs at once, over all areas (default: one an area)")
    parser.add_argument("--seconds", type=float, default=1.0, help="that a run's flow sleeps (default: 1)")
    parser.add_argument("--only", type=among(tuple(FAULTS)), default=IN_TURN, help=f"default: {','.join(IN_TURN)}")
    parser.add_argument("--places", type=among(PLACES), default=PLACES, help=f"default: {','.join(PLACES)}")
    parser.add_argument("--minutes", type=float, default=30.0, help="the most that each burst may take (default: 30)")
    parser.add_argument("--resume", action="store_true", help="go on with the burst of a stack that was left up")
    parser.add_argument("--install", action="store_true", help="install Debian's Postgres, for bare, where it isn't")
    parser.add_argument("--table", action="store_true", help="only show what was measured, in Markdown")
    of_all(parser, "burst")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
