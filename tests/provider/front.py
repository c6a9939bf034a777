"""A proxy before a real Prefect server: it may speak TLS, demand a header, fail, hang up, or have somebody killed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    status: int = 0
    """What the server answered; 0 where it wasn't asked, or hung up."""

    @property
    def writes(self) -> bool:
        return self.method != "GET" and not self.path.endswith("/filter")


class HangUp(Exception):
    """The client gets no answer."""


@dataclass(frozen=True)
class Answer:
    """What the client gets in place of the server's answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"

    def raw(self) -> bytes:
        headers = {**self.headers, "content-length": str(len(self.body)), "connection": "close"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status} Whatever\r\n{lines}\r\n".encode() + self.body


def nothing(request: Request) -> Answer | None:
    del request
    return None


@dataclass
class Front:
    upstream: str
    before: Callable[[Request], Answer | None] = nothing
    """Asked before a request is handed on; may answer itself, or raise `HangUp`."""
    after: Callable[[Request], Answer | None] = nothing
    """Likewise when the server has done it and nobody has heard."""
    url: str = ""
    seen: list[Request] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, HangUp, ssl.SSLError):
            head = await reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode().rstrip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            request = Request(*first.split(" ")[:2], headers)
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.seen.append(request)
            answer = self.before(request)
            raw = answer.raw() if answer else await self._asked(first, headers, body)
            if answer is None and raw:
                request.status = int(raw.split(b" ", 2)[1])
            if answer is None and (other := self.after(request)) is not None:
                raw = other.raw()
            writer.write(raw)
            await writer.drain()
        writer.close()

    async def _asked(self, first: str, headers: dict[str, str], body: bytes) -> bytes:
        target = urlsplit(self.upstream)
        reader, writer = await asyncio.open_connection(target.hostname, target.port)
        lines = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "connection": "close"}.items())
        writer.write(f"{first}\r\n{lines}\r\n".encode() + body)
        raw = await reader.read()
        writer.close()
        return raw


@asynccontextmanager
async def fronting(upstream: str, context: ssl.SSLContext | None = None) -> AsyncIterator[Front]:
    front = Front(upstream)
    server = await asyncio.start_server(front.serve, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    front.url = f"{'https' if context else 'http'}://127.0.0.1:{port}/api"
    try:
        yield front
    finally:
        server.close()
