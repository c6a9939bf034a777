"""What the provider tells the user beside a diff: the engine shows it under the resource, in previews as well."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import grpc

SECONDS: Final = 5.0  # it answers at once; and nothing hangs on it


async def tell_user(engine_address: str, urn: str, text: str) -> None:
    """Say `text` of the resource `urn`. An engine that doesn't listen is no reason to fail."""
    # Imported here: few operations have anything to tell, and all of them wait for the plugin's start.
    from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc  # noqa: PLC0415

    async with grpc.aio.insecure_channel(engine_address) as channel:
        request = engine_pb2.LogRequest(severity=engine_pb2.INFO, message=text, urn=urn)
        with suppress(grpc.aio.AioRpcError):
            stub: Any = engine_pb2_grpc.EngineStub(channel)  # its types know the synchronous one alone
            await stub.Log(request, timeout=SECONDS)
