"""Go on until told to stop, and answer the health check meanwhile."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, Final

PORT: Final = 8080


async def until_stopped(work: Coroutine[Any, Any, None], is_well: Callable[[], bool]) -> None:
    """Returns on SIGTERM or SIGINT. Raises: what ended the work."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)

    async def health(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" if is_well() else b"HTTP/1.0 503 Service Unavailable\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(health, "127.0.0.1", PORT):
        going = asyncio.create_task(work)
        await asyncio.wait((going, asyncio.create_task(stopped.wait())), return_when=asyncio.FIRST_COMPLETED)
        if going.done():
            await going  # raises what ended it
        going.cancel()
