"""A certificate by an authority of its own: a client that trusts that authority, and no other, gets through."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from infra.provider import wire

HOSTS = ["127.0.0.1", "localhost"]


async def shaken_hands(folder: Path, values: dict[str, Any], authority: str, host: str) -> str:
    """What a client that trusts the authority gets from a server with the certificate."""
    pem = folder / "server.pem"
    pem.write_text(values["certificate"] + values["key"])
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(pem)

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hola")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server_side)
    async with server:
        port = server.sockets[0].getsockname()[1]
        client_side = ssl.create_default_context(cadata=authority)
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=client_side, server_hostname=host)
        got = await reader.read()
        writer.close()
    return got.decode()


async def test_it_is_trusted_for_its_hosts_by_its_authority_and_for_no_other(offline: Any, tmp_path: Path) -> None:
    resource = await offline.up("LocalCertificate", "proxy", {"hosts": HOSTS})
    values = resource.values
    for host in HOSTS:
        assert await shaken_hands(tmp_path, values, values["authority"], host) == "hola"
    with pytest.raises(ssl.SSLCertVerificationError):
        await shaken_hands(tmp_path, values, values["authority"], "prefect.example.com")
    other = await offline.up("LocalCertificate", "other", {"hosts": HOSTS})
    with pytest.raises(ssl.SSLCertVerificationError):
        await shaken_hands(tmp_path, values, other.values["authority"], "localhost")


async def test_it_is_made_once_and_its_keys_are_secrets(offline: Any) -> None:
    resource = await offline.up("LocalCertificate", "proxy", {"hosts": HOSTS})
    before = resource.values
    assert wire.decode(resource.state).secrets == {("key",), ("authority_key",)}
    assert await offline.refresh(resource) == []
    assert (await offline.up("LocalCertificate", "proxy", {"hosts": HOSTS})).steps == ["same"]
    assert resource.values == before
    await offline.destroy(resource)


async def test_another_host_is_signed_by_the_same_authority_another_rotation_by_another(
    offline: Any, tmp_path: Path
) -> None:
    resource = await offline.up("LocalCertificate", "proxy", {"hosts": HOSTS})
    trusted = resource.values["authority"]
    await offline.up("LocalCertificate", "proxy", {"hosts": ["prefect.example.com"]})
    assert resource.values["authority"] == trusted
    assert await shaken_hands(tmp_path, resource.values, trusted, "prefect.example.com") == "hola"

    await offline.up("LocalCertificate", "proxy", {"hosts": ["prefect.example.com"], "rotation": 2})
    assert resource.values["authority"] != trusted


@pytest.mark.parametrize("wrong", [{"hosts": []}, {"hosts": ["a b"]}, {"hosts": HOSTS, "valid_days": 0}])
async def test_what_cant_be_certified_fails_the_check(offline: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(offline.CheckFailed):
        await offline.up("LocalCertificate", "proxy", wrong)
