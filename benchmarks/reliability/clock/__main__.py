"""`python -m benchmarks.reliability.clock`: the clock of the server's processes jumps, and comes back.

Exit code 0: nothing was lost or doubled, and the services were at work again once the clock was back. 1: not so. 2: the
stack did not come up.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import subprocess
import sys
from typing import Any, Final

from benchmarks.reliability import report
from benchmarks.reliability.checkout import Size
from benchmarks.reliability.clock import jump, libfaketime
from benchmarks.reliability.command import BROKEN, NOT_UP, down, machine, tell
from benchmarks.reliability.stack import BroughtUpError, Stack
from infra.provider.errors import ProviderError

HOUR: Final = 3600
JUMPS: Final = (-HOUR, HOUR)
"""Back first: what has been put off to an hour that has yet to come, by a clock ahead, stays put off."""
SIZE: Final = Size(areas=1, deployments=2, at_once=10, worker_type="process", scheduled=1)


def main() -> int:
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the stack goes along with it
    stack = Stack(SIZE, change=libfaketime.into)
    if options.down:
        return down(stack)
    well = True
    try:
        tell("bringing up the stack ...")
        stack.up()
        for offset in options.jumps:
            tell(f"{offset:+d} s")
            try:
                result = asyncio.run(jump.run(stack, offset, tell))
            except (RuntimeError, subprocess.SubprocessError, ProviderError) as error:
                tell(f"{offset:+d} s: NOT MEASURED: {type(error).__name__}: {error}")
                well = False
                continue
            report.keep(options.name, f"{offset:+d}", result, machine())
            tell(json.dumps(result, indent=1, ensure_ascii=False))
            well = well and is_well(result)
    except BroughtUpError as error:
        tell(f"the stack did not come up:\n{error}")
        return NOT_UP
    finally:
        if not options.keep:
            well = down(stack) == 0 and well
    return 0 if well else BROKEN


def is_well(result: dict[str, Any]) -> bool:
    back = result["phases"]["back"]
    at_work = back["new_schedule_after"] is not None and back["late_after"] is not None
    scheduled = result["scheduled"]
    broken = result["lost"] or result["doubled"] or result["database_faults"]
    return bool(at_work and not broken and not scheduled["never_begun"] and not scheduled["minutes_twice"])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.reliability.clock",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--jumps", type=_seconds, default=JUMPS, help="in seconds, with commas (default: --jumps=-3600,3600)"
    )
    parser.add_argument("--name", default="clock", help="of the file in benchmarks/results")
    parser.add_argument("--keep", action="store_true", help="leave the stack up: the next call uses it")
    parser.add_argument("--down", action="store_true", help="only take down what is there")
    return parser.parse_args()


def _seconds(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
