"""What is taken for granted of a server that asks who one is, as Prefect has it."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from prefect.server.api.server import create_app
from prefect.settings import PREFECT_SERVER_API_AUTH_STRING, temporary_settings


@pytest.mark.parametrize(
    ("credential", "status"),
    [('ana:de "24" \\letras, y marcas', httpx.codes.OK), ("ana:contraseña", httpx.codes.INTERNAL_SERVER_ERROR)],
)
def test_a_server_lets_in_by_any_mark_of_ascii_and_by_no_letter_with_an_accent(credential: str, status: int) -> None:
    async def answer() -> int:
        with temporary_settings({PREFECT_SERVER_API_AUTH_STRING: credential}):
            transport = httpx.ASGITransport(create_app(ignore_cache=True), raise_app_exceptions=False)
            user, password = credential.split(":")
            own = {"auth": (user, password), "base_url": "http://server"}
            async with httpx.AsyncClient(transport=transport, **own) as client:
                return (await client.get("/api/admin/version")).status_code

    assert asyncio.run(answer()) == status
