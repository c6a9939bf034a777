"""`python -m benchmarks.reliability.clock`: the clock of the server's processes jumps, and comes back.

Exit code 0: nothing was lost or doubled, and the services were at work again once the clock was back. 1: not so. 2: the
stack did not come up.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from functools import partial
from typing import Any, Final

from benchmarks.reliability import report
from benchmarks.reliability.checkout import Size
from benchmarks.reliability.clock import jump, libfaketime
from benchmarks.reliability.command import bring_up, down, machine, of_all, one_by_one, tell
from benchmarks.reliability.stack import Stack

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

    def measured(offset: int) -> bool:
        bring_up(stack)
        tell(f"{offset:+d} s")
        result = asyncio.run(jump.run(stack, offset, tell))
        report.keep(options.name, f"{offset:+d}", result, machine())
        tell(json.dumps(result, indent=1, ensure_ascii=False))
        return is_well(result)

    return one_by_one({f"{each:+d} s": partial(measured, each) for each in options.jumps}, stack, keep=options.keep)


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
    of_all(parser, "clock")
    return parser.parse_args()


def _seconds(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
