"""What tests of credentials have in common: an environment of their own, profiles, and a write and a read."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from infra.provider import wire
from tests.provider.conftest import serving

AT_ONCE = 5.0  # seconds: far less than the deadline that a server gets to come up
POOL = "urn:pulumi:dev::prefect-infra::prefect:index:WorkPool::p"


def empty_environment(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Nothing of Prefect's around; the file in which profiles may be written."""
    for key in [key for key in os.environ if key.startswith("PREFECT_")]:
        monkeypatch.delenv(key)
    path = folder / "profiles.toml"
    monkeypatch.setenv("PREFECT_PROFILES_PATH", str(path))
    return path


def profiles(path: Path, active: str, **tables: dict[str, str]) -> None:
    lines = [f'active = "{active}"']
    for name, settings in tables.items():
        lines += [f"[profiles.{name}]", *(f"{key} = '{value}'" for key, value in settings.items())]
    path.write_text("\n".join(lines) + "\n")


async def pool_made(settings: dict[str, Any], name: str) -> None:
    """A write and a read with the provider's `settings`; what is made goes again."""
    async with serving(settings) as engine:
        pool = await engine.up("WorkPool", "p", {"name": name, "type": "process"})
        assert await engine.refresh(pool) == []
        await engine.destroy(pool)


@asynccontextmanager
async def configured(port: int, settings: dict[str, Any]) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        await stub.Configure(provider_pb2.ConfigureRequest(args=wire.encode(settings), acceptSecrets=True))
        yield stub


async def created(stub: Any, name: str) -> str:
    properties = wire.encode({"name": name, "type": "process"})
    reply = await stub.Create(provider_pb2.CreateRequest(urn=POOL, properties=properties))
    return str(reply.id)
