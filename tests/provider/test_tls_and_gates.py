"""A server behind TLS, or behind a gate that wants a header: where either is told, and what gets in nowhere."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from infra.provider.api import Api
from infra.provider.connection import SETTINGS
from tests.authorities import Issued, issue
from tests.provider.conftest import serving
from tests.provider.front import Answer, Front, fronting
from tests.provider.getting_in import AT_ONCE, created, empty_environment, pool_made, profiles

pytestmark = pytest.mark.server
AUTH = "admin:clave-secreta-5d20"
WORD = "abre-sesamo"
HEADERS = json.dumps({"X-Gate": WORD})
wherever = pytest.mark.parametrize("where", ["settings", "environment", "profile"])


@pytest.fixture(autouse=True)
def profiles_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return empty_environment(monkeypatch, tmp_path)


def told(where: str, settings: dict[str, str], file: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The provider's own settings, where these ones of Prefect's come from there."""
    match where:
        case "environment":
            for key, value in settings.items():
                monkeypatch.setenv(key, value)
        case "profile":
            profiles(file, "casa", casa=settings)
        case _:
            return {key: settings[name] for key, name in SETTINGS.items() if name in settings}
    return {}


@pytest.fixture
def authority() -> Issued:
    return issue("ours")


@pytest.fixture
def stranger() -> Issued:
    return issue("theirs")


@pytest.fixture
async def front(prefect_server: str, authority: Issued, tmp_path: Path) -> AsyncIterator[Front]:
    """The server behind TLS, with a certificate by `authority`."""
    own = issue("prefect", authority, hosts=["127.0.0.1"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(written(tmp_path / "server.pem", own.key + own.pem))
    async with fronting(prefect_server, context) as front:
        yield front


def written(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


@asynccontextmanager
async def serving_over_tls(settings: dict[str, Any]) -> AsyncIterator[Any]:
    async with serving(settings, open_api=Api) as engine:
        yield engine


async def made(settings: dict[str, Any], name: str) -> bool:
    """A write and a read over TLS; what is made goes again."""
    async with serving_over_tls(settings) as engine:
        pool = await engine.up("WorkPool", "p", {"name": name, "type": "process"})
        assert await engine.refresh(pool) == []
        await engine.destroy(pool)
    return True


async def refused(settings: dict[str, Any]) -> str:
    """What the user is told: at once, and with no credential in it."""
    began = time.monotonic()
    async with serving_over_tls(settings) as engine:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await created(engine.stub, "p")
    assert time.monotonic() - began < AT_ONCE
    assert failed.value.code() is grpc.StatusCode.UNAUTHENTICATED
    text = str(failed.value.details())
    for secret in (AUTH, AUTH.partition(":")[2], WORD):
        assert secret not in f"{text} {failed.value.debug_error_string()}"
    return text


class TestTls:
    @wherever
    async def test_a_server_is_trusted_by_the_file_that_names_its_authority(
        self,
        front: Front,
        authority: Issued,
        tmp_path: Path,
        profiles_file: Path,
        monkeypatch: pytest.MonkeyPatch,
        unique: str,
        where: str,
    ) -> None:
        named = {
            "PREFECT_API_URL": front.url,
            "PREFECT_API_AUTH_STRING": AUTH,
            "PREFECT_API_SSL_CERT_FILE": written(tmp_path / "ours.pem", authority.pem),
        }
        assert await made(told(where, named, profiles_file, monkeypatch), unique)

    async def test_a_server_is_trusted_by_its_authoritys_certificate_itself(
        self, front: Front, authority: Issued, unique: str
    ) -> None:
        assert await made({"api_url": front.url, "auth_string": AUTH, "ca_certificate": authority.pem}, unique)

    @pytest.mark.parametrize("by", ["nothing", "ca_file", "ca_certificate", "environment"])
    async def test_a_server_that_proves_nothing_gets_no_credentials(
        self, front: Front, stranger: Issued, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by: str
    ) -> None:
        settings: dict[str, Any] = {"auth_string": AUTH, "headers": HEADERS}
        file = written(tmp_path / "theirs.pem", stranger.pem)
        match by:
            case "environment":
                monkeypatch.setenv("PREFECT_API_URL", front.url)
                monkeypatch.setenv("PREFECT_API_SSL_CERT_FILE", file)
            case "ca_file":
                settings |= {"api_url": front.url, "ca_file": file}
            case "ca_certificate":
                settings |= {"api_url": front.url, "ca_certificate": stranger.pem}
            case _:
                settings |= {"api_url": front.url}
        reason = await refused(settings)
        assert "certificate can't be trusted" in reason
        for way in ("`ca_file`", "`ca_certificate`", "PREFECT_API_SSL_CERT_FILE"):
            assert way in reason
        assert front.seen == []

    @pytest.mark.parametrize("file_of", ["settings", "environment"])
    @pytest.mark.parametrize("right", ["text", "file"])
    async def test_the_certificate_itself_goes_before_a_file(
        self,
        front: Front,
        authority: Issued,
        stranger: Issued,
        tmp_path: Path,
        profiles_file: Path,
        monkeypatch: pytest.MonkeyPatch,
        unique: str,
        file_of: str,
        right: str,
    ) -> None:
        text, in_file = (authority, stranger) if right == "text" else (stranger, authority)
        file = written(tmp_path / "ca.pem", in_file.pem)
        named = {"PREFECT_API_URL": front.url, "PREFECT_API_SSL_CERT_FILE": file}
        settings = {**told(file_of, named, profiles_file, monkeypatch), "ca_certificate": text.pem}
        if right == "text":
            assert await made(settings, unique)
        else:
            assert "certificate can't be trusted" in await refused(settings)

    @pytest.mark.parametrize("wrong", ["no certificate", "a key", "half of one", "not even ASCII"])
    async def test_a_certificate_that_is_none_is_told_and_never_shown(
        self, front: Front, authority: Issued, wrong: str
    ) -> None:
        text = {
            "no certificate": "ca.pem",
            "a key": authority.key,
            "half of one": authority.pem[: len(authority.pem) // 2],
            "not even ASCII": "contraseña",
        }[wrong]
        reason = await refused({"api_url": front.url, "auth_string": AUTH, "ca_certificate": text})
        assert "the provider's `ca_certificate` is no certificate as PEM" in reason
        assert text[:40].strip() not in reason
        assert front.seen == []

    async def test_https_to_a_server_without_tls_is_told_at_once(self, prefect_server: str) -> None:
        async with serving_over_tls({"api_url": prefect_server.replace("http:", "https:")}) as engine:
            with pytest.raises(grpc.aio.AioRpcError, match="doesn't speak TLS"):
                await created(engine.stub, "p")

    async def test_verification_cant_be_switched_off(
        self, prefect_server: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PREFECT_API_URL", prefect_server)
        monkeypatch.setenv("PREFECT_API_TLS_INSECURE_SKIP_VERIFY", "true")
        assert "PREFECT_API_TLS_INSECURE_SKIP_VERIFY of the environment" in await refused({"auth_string": AUTH})

    @wherever
    async def test_a_certificate_file_by_a_relative_path_is_refused(
        self, front: Front, profiles_file: Path, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        named = {"PREFECT_API_URL": front.url, "PREFECT_API_SSL_CERT_FILE": "ca.pem"}
        async with serving_over_tls(told(where, named, profiles_file, monkeypatch)) as engine:
            way = "`ca_file` or PREFECT_API_SSL_CERT_FILE, .*: expected an absolute path"
            with pytest.raises(grpc.aio.AioRpcError, match=way):
                await created(engine.stub, "p")


class TestGates:
    @pytest.fixture
    async def gate(self, prefect_server: str) -> AsyncIterator[Front]:
        async with fronting(prefect_server) as front:
            front.before = lambda request: None if request.headers.get("x-gate") == WORD else Answer(403)
            yield front

    @wherever
    async def test_one_that_wants_a_header_gets_it_with_every_request(
        self, gate: Front, profiles_file: Path, monkeypatch: pytest.MonkeyPatch, unique: str, where: str
    ) -> None:
        named = {"PREFECT_API_URL": gate.url, "PREFECT_CLIENT_CUSTOM_HEADERS": HEADERS}
        await pool_made(told(where, named, profiles_file, monkeypatch), unique)
        assert {request.headers.get("x-gate") for request in gate.seen} == {WORD}

    async def test_one_that_gets_no_header_is_told_of_as_a_refusal(self, gate: Front) -> None:
        assert "refuses the credentials (403)" in await refused({"api_url": gate.url, "auth_string": AUTH})

    async def test_the_environments_headers_go_to_the_environments_server_only(
        self, gate: Front, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
        monkeypatch.setenv("PREFECT_CLIENT_CUSTOM_HEADERS", HEADERS)
        await refused({"api_url": gate.url})
        assert gate.seen
        assert [request for request in gate.seen if "x-gate" in request.headers] == []

    @pytest.mark.parametrize("where", ["environment", "profile"])
    @pytest.mark.parametrize("text", [WORD, json.dumps([WORD]), json.dumps({"X-Gate": [WORD]})])
    async def test_headers_that_are_none_are_told_by_where_they_are_and_never_shown(
        self, gate: Front, profiles_file: Path, monkeypatch: pytest.MonkeyPatch, where: str, text: str
    ) -> None:
        named = {"PREFECT_API_URL": gate.url, "PREFECT_CLIENT_CUSTOM_HEADERS": text}
        reason = await refused(told(where, named, profiles_file, monkeypatch))
        source = "the environment" if where == "environment" else f"the profile 'casa' in {profiles_file}"
        assert f'PREFECT_CLIENT_CUSTOM_HEADERS of {source}: expected JSON such as {{"X-Gate": "..."}}' in reason
        assert gate.seen == []
