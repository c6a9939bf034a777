"""Make rounds until told to stop. Policies: AUTOSCALER_POLICIES, in JSON. The server: as all of Prefect finds it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx
from prefect.client.orchestration import get_client
from pydantic import ValidationError

from workers.autoscaler.engine import Engine
from workers.autoscaler.policies import Policies
from workers.autoscaler.rounds import Rounds
from workers.autoscaler.server import Server

VARIABLE: Final = "AUTOSCALER_POLICIES"
SOCKET: Final = os.environ.get("AUTOSCALER_ENGINE", "/run/socket-proxy/docker.sock")
PORT: Final = 8080
PATIENCE: Final = timedelta(minutes=5)  # a server that is replaced is away for less

logger = logging.getLogger("autoscaler")


async def serve(given: Policies) -> None:
    loop, stopped, began = asyncio.get_running_loop(), asyncio.Event(), datetime.now(UTC)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    transport = httpx.AsyncHTTPTransport(uds=SOCKET, limits=httpx.Limits(max_connections=None))
    async with get_client() as client, httpx.AsyncClient(transport=transport, base_url="http://engine") as engine:
        rounds = Rounds(given, Server(client), Engine(engine))

        async def health(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            silent = datetime.now(UTC) - (rounds.last or began)
            well = silent < timedelta(seconds=3 * given.every) + PATIENCE
            writer.write(b"HTTP/1.0 200 OK\r\n\r\n" if well else b"HTTP/1.0 503 Service Unavailable\r\n\r\n")
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(health, "127.0.0.1", PORT):
            logger.info("Rounds every %d s over %s", given.every, ", ".join(area.pool for area in given.areas))
            going = asyncio.create_task(rounds.for_ever())
            await asyncio.wait((going, asyncio.create_task(stopped.wait())), return_when=asyncio.FIRST_COMPLETED)
            if going.done():
                await going  # raises what ended it
            going.cancel()


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s | %(levelname)-7s | %(name)s - %(message)s", force=True)
    # It repeats each request, most of which find nothing.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        given = Policies.model_validate_json(os.environ.get(VARIABLE, ""))
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'JSON'}: {e['msg']}" for e in error.errors())
        sys.exit(f"autoscaler: {VARIABLE}: {problems}")
    asyncio.run(serve(given))


if __name__ == "__main__":
    main()
