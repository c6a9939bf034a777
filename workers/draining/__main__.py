"""Start a worker, and on SIGTERM or SIGINT drain it. SIGINT while it drains ends it, and its runs, at once; SIGTERM may
come more than once, as it does when an interrupted stop is repeated.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from prefect.logging.configuration import setup_logging

from workers.draining.lives import Life
from workers.draining.worker import Draining, draining

logger = logging.getLogger("prefect.workers.draining")

FAREWELL_SECONDS: Final = 5  # to tell the server that the worker is gone


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m workers.draining", description=__doc__)
    parser.add_argument("--pool", required=True, help="the work pool to poll; it is never made")
    parser.add_argument("--type", required=True, help="process or docker")
    parser.add_argument(
        "--name", default=socket.gethostname(), help="the same for each of its lives; default: its host's"
    )
    parser.add_argument("--limit", type=int, help="runs at once; left out: no limit")
    parser.add_argument("--drain-seconds", type=float, default=600, help="how long to wait for runs when told to stop")
    parser.add_argument(
        "--lives", type=Path, help="a folder that processes of the same name share, where each shows that it lives"
    )
    return parser.parse_args(words)


async def serve(worker: Draining, drain_seconds: float) -> int:
    """Run the worker until it ends or is told to. The exit code."""
    loop, stopped, hurried = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    def interrupt() -> None:
        (hurried if stopped.is_set() else stopped).set()

    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    loop.add_signal_handler(signal.SIGINT, interrupt)
    working = asyncio.create_task(worker.start(with_healthcheck=True))
    asked = asyncio.create_task(stopped.wait())
    await asyncio.wait((working, asked), return_when=asyncio.FIRST_COMPLETED)
    if working.done():
        await working  # raises what ended it
        return 1
    draining_ = asyncio.create_task(worker.drain(drain_seconds))
    hurry = asyncio.create_task(hurried.wait())
    # It goes on polling for nothing and sending heartbeats: who looks at it sees a worker that works.
    await asyncio.wait((working, draining_, hurry), return_when=asyncio.FIRST_COMPLETED)
    await worker.end_processes()
    if worker.in_flight:
        # Containers of a docker worker go on by themselves. Waiting for its threads would take as long as they do.
        logger.warning("Worker %r leaves %d runs to themselves", worker.name, len(worker.in_flight))
        sys.stdout.flush()
        os._exit(0)
    working.cancel()
    with suppress(asyncio.CancelledError, TimeoutError):
        await asyncio.wait_for(working, FAREWELL_SECONDS)
    logger.info("Worker %r is drained", worker.name)
    return 0


def main() -> int:
    given = arguments()
    setup_logging()
    try:
        kind = draining(given.type)
    except LookupError as error:
        sys.exit(f"worker: {error}")
    worker = kind(work_pool_name=given.pool, name=given.name, limit=given.limit, create_pool_if_not_found=False)
    if given.lives:
        worker.life = Life(given.lives, worker.name)
    return asyncio.run(serve(worker, given.drain_seconds))


if __name__ == "__main__":
    sys.exit(main())
