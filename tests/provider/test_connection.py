"""Getting in: against a real server that wants a password and CSRF tokens."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from pulumi.runtime.proto import provider_pb2

from infra.provider import wire
from infra.provider.api import Api
from infra.provider.connection import Connection
from tests.provider.conftest import running_server, serving
from tests.provider.front import Answer, Request, fronting
from tests.provider.getting_in import AT_ONCE, configured, created, empty_environment, pool_made, profiles

pytestmark = pytest.mark.server
PASSWORD = "clave-secreta-91c2"
AUTH = f"admin:{PASSWORD}"
WRONG = "admin:otra-clave-77aa"


@pytest.fixture(scope="session")
def guarded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One that wants a password, and with each write a token that it gave out."""
    settings = {"PREFECT_SERVER_API_AUTH_STRING": AUTH, "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true"}
    with running_server(tmp_path_factory.mktemp("guarded-home"), **settings) as url:
        yield url


@pytest.fixture(autouse=True)
def nothing_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment of the test's own; the file in which profiles may be written."""
    return empty_environment(monkeypatch, tmp_path)


async def refused(settings: dict[str, Any], name: str = "p") -> grpc.aio.AioRpcError:
    """The error that `settings` lead to, at once, and without any credential in it."""
    began = time.monotonic()
    async with serving(settings) as engine:
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await engine.up("WorkPool", "p", {"name": name, "type": "process"})
    assert time.monotonic() - began < AT_ONCE
    for secret in (PASSWORD, WRONG, WRONG.partition(":")[2]):
        assert secret not in f"{told.value.details()} {told.value.debug_error_string()}"
    return told.value


class TestPasswords:
    async def test_the_right_one_lets_in_and_tokens_are_sent_with_each_write(
        self, guarded_server: str, unique: str
    ) -> None:
        await pool_made({"api_url": guarded_server, "auth_string": AUTH}, unique)

    async def test_a_wrong_one_is_told_at_once(self, guarded_server: str) -> None:
        told = await refused({"api_url": guarded_server, "auth_string": WRONG})
        assert told.code() is grpc.StatusCode.UNAUTHENTICATED
        assert "refuses the credentials (401): check the provider's `auth_string`" in str(told.details())

    async def test_that_there_is_none_is_told_at_once(self, guarded_server: str) -> None:
        told = await refused({"api_url": guarded_server})
        assert "asks for credentials (401) and there are none: give the provider's `auth_string`" in str(told.details())

    async def test_one_without_a_user_is_no_auth_string(self, guarded_server: str) -> None:
        told = await refused({"api_url": guarded_server, "auth_string": PASSWORD})
        assert "expected `user:password`" in str(told.details())


class TestCsrfTokens:
    async def test_a_token_that_ran_out_is_renewed_in_the_middle_of_the_work(
        self, guarded_server: str, unique: str
    ) -> None:
        async with fronting(guarded_server) as front, serving({"api_url": front.url, "auth_string": AUTH}) as engine:
            pool = await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
            client = next(r.headers["prefect-csrf-client"] for r in front.seen if "prefect-csrf-client" in r.headers)
            # The server knows one token for each client: this one takes the plugin's away.
            async with httpx.AsyncClient(auth=("admin", PASSWORD)) as other:
                await other.get(f"{guarded_server}/csrf-token", params={"client": client})
            front.seen.clear()

            await engine.up("WorkPool", "p", {"name": unique, "type": "process", "description": "x"})
            assert [(r.method, r.path.split("?")[0]) for r in front.seen] == [
                ("PATCH", f"/api/work_pools/{unique}"),
                ("GET", "/api/csrf-token"),
                ("PATCH", f"/api/work_pools/{unique}"),
            ]
            front.seen.clear()
            await engine.destroy(pool)
            assert [(r.method, r.path) for r in front.seen if r.method != "POST"] == [
                ("DELETE", f"/api/work_pools/{unique}")
            ]

    async def test_a_server_that_wants_none_isnt_asked_for_one(self, engine: Any, unique: str) -> None:
        await engine.up("WorkPool", "p", {"name": unique, "type": "process"})
        assert not [path for _, path in engine.transport.calls if "csrf" in path]

    async def test_a_token_that_never_will_do_is_told_and_not_fetched_for_ever(self, guarded_server: str) -> None:
        def never(request: Request) -> Answer | None:
            body = b'{"detail": "Invalid CSRF token or client identifier."}'
            return Answer(403, body=body) if request.writes else None

        async with fronting(guarded_server) as front:
            front.before = never
            await refused({"api_url": front.url, "auth_string": AUTH})
            assert len(front.seen) < 10


class Bearing:
    """A server that takes so many requests at once, and is too busy for one more."""

    def __init__(self, bears: int) -> None:
        self._bears = bears
        self._going = self._seen = 0

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self._going += 1
        self._seen = max(self._seen, self._going)
        busy = self._going > self._bears
        await asyncio.sleep(0.01)
        self._going -= 1
        return httpx.Response(503 if busy else 200, json={})

    async def most_at_once(self, api: Api, writes: int) -> int:
        self._seen = 0
        await asyncio.gather(*(api.post("variables/", {}) for _ in range(writes)))
        return self._seen


class TestOrder:
    """docs/credentials.md says the same."""

    async def test_the_environment_where_the_settings_name_no_server(
        self, guarded_server: str, nothing_around: Path, monkeypatch: pytest.MonkeyPatch, unique: str
    ) -> None:
        profiles(nothing_around, "casa", casa={"PREFECT_API_URL": "http://127.0.0.1:9/api"})
        monkeypatch.setenv("PREFECT_API_URL", guarded_server)
        monkeypatch.setenv("PREFECT_API_AUTH_STRING", AUTH)
        await pool_made({}, unique)

    async def test_a_profile_that_the_settings_name_before_the_environment(
        self, guarded_server: str, nothing_around: Path, monkeypatch: pytest.MonkeyPatch, unique: str
    ) -> None:
        real = {"PREFECT_API_URL": guarded_server, "PREFECT_API_AUTH_STRING": AUTH}
        profiles(nothing_around, "otro", casa=real, otro={"PREFECT_API_URL": "http://127.0.0.1:9/api"})
        monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
        monkeypatch.setenv("PREFECT_API_AUTH_STRING", WRONG)
        await pool_made({"profile": "casa"}, unique)

    async def test_the_active_profile_where_nothing_else_names_a_server(
        self, guarded_server: str, nothing_around: Path, unique: str
    ) -> None:
        profiles(nothing_around, "casa", casa={"PREFECT_API_URL": guarded_server, "PREFECT_API_AUTH_STRING": AUTH})
        await pool_made({}, unique)

    async def test_the_environments_choice_of_a_profile_and_its_password_go_with_the_profiles_server(
        self, guarded_server: str, nothing_around: Path, monkeypatch: pytest.MonkeyPatch, unique: str
    ) -> None:
        profiles(
            nothing_around,
            "otro",
            casa={"PREFECT_API_URL": guarded_server, "PREFECT_API_AUTH_STRING": WRONG},
            otro={"PREFECT_API_URL": "http://127.0.0.1:9/api"},
        )
        monkeypatch.setenv("PREFECT_PROFILE", "casa")
        monkeypatch.setenv("PREFECT_API_AUTH_STRING", AUTH)
        await pool_made({}, unique)

    async def test_the_settings_own_password_before_that_of_a_profile(
        self, guarded_server: str, nothing_around: Path, unique: str
    ) -> None:
        profiles(nothing_around, "casa", casa={"PREFECT_API_URL": guarded_server, "PREFECT_API_AUTH_STRING": WRONG})
        await pool_made({"profile": "casa", "auth_string": AUTH}, unique)

    async def test_a_password_for_one_server_is_never_sent_to_another(
        self, guarded_server: str, nothing_around: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        profiles(nothing_around, "casa", casa={"PREFECT_API_AUTH_STRING": AUTH, "PREFECT_API_URL": "http://x/api"})
        monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
        monkeypatch.setenv("PREFECT_API_AUTH_STRING", AUTH)
        async with fronting(guarded_server) as front:
            await refused({"api_url": front.url})
            assert all("authorization" not in request.headers for request in front.seen)

    async def test_what_a_profile_gets_wrong_is_told_with_the_profile_and_without_the_password(
        self, guarded_server: str, nothing_around: Path
    ) -> None:
        profiles(nothing_around, "casa", casa={"PREFECT_API_URL": guarded_server, "PREFECT_API_AUTH_STRING": WRONG})
        told = await refused({})
        assert f"PREFECT_API_KEY of the profile 'casa' in {nothing_around}" in str(told.details())

    async def test_a_profile_that_isnt_there_is_told_with_those_that_are(self, nothing_around: Path) -> None:
        profiles(nothing_around, "casa", casa={}, trabajo={})
        told = await refused({"profile": "csa"})
        assert "there is no profile 'csa'; there are: casa, trabajo" in str(told.details())

    async def test_where_nothing_names_a_server_the_ways_to_are_told(self) -> None:
        told = await refused({})
        assert "give the provider its `api_url` or a `profile`, or set PREFECT_API_URL" in str(told.details())

    async def test_an_address_beside_a_profile_fails_the_check(self, offline: Any) -> None:
        news = wire.encode({"api_url": "http://x/api", "profile": "casa"})
        urn = "urn:pulumi:dev::prefect-infra::pulumi:providers:prefect::prefect"
        reply = await offline.stub.CheckConfig(provider_pb2.CheckRequest(urn=urn, news=news))
        assert [failure.property for failure in reply.failures] == ["profile"]

    async def test_changes_side_by_side_are_a_number(self, offline: Any) -> None:
        urn = "urn:pulumi:dev::prefect-infra::pulumi:providers:prefect::prefect"
        failed = {}
        for given in ("4", 4, "0", "-1", "vier", "1.5"):
            news = wire.encode({"api_url": "http://x/api", "writes_at_once": given})
            reply = await offline.stub.CheckConfig(provider_pb2.CheckRequest(urn=urn, news=news))
            failed[given] = [failure.property for failure in reply.failures]
        wrong = ["writes_at_once"]
        assert failed == {"4": [], 4: [], "0": wrong, "-1": wrong, "vier": wrong, "1.5": wrong}

    @pytest.mark.parametrize("most", [1, 3])
    async def test_no_more_changes_go_side_by_side_than_was_said(self, most: int) -> None:
        server = Bearing(most)
        api = Api(Connection(api_url="http://x/api", writes_at_once=most), httpx.MockTransport(server.answer))
        assert await server.most_at_once(api, writes=12) == most
        await api.close()

    @pytest.mark.parametrize(("bears", "found"), [(1, 1), (9, 4)])
    async def test_what_was_not_said_is_found_by_what_the_server_bears(self, bears: int, found: int) -> None:
        server = Bearing(bears)
        api = Api(Connection(api_url="http://x/api"), httpx.MockTransport(server.answer))
        assert await server.most_at_once(api, writes=100) <= bears + 1
        assert await server.most_at_once(api, writes=100) == found
        await api.close()


async def test_the_plugins_process_writes_no_credential_anywhere(guarded_server: str, tmp_path: Path) -> None:
    """Not to its output, nor to what libraries log at their most talkative."""
    code = (
        "import logging, sys; logging.basicConfig(level=logging.DEBUG, stream=sys.stderr);"
        "from infra.provider.__main__ import main; main()"
    )
    environment = {**os.environ, "PREFECT_API_URL": guarded_server, "PREFECT_API_AUTH_STRING": WRONG}
    plugin = subprocess.Popen(  # noqa: ASYNC220  # started in no time
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert plugin.stdout is not None
    port = int(plugin.stdout.readline())
    async with configured(port, {}) as stub:
        with pytest.raises(grpc.aio.AioRpcError, match="refuses the credentials"):
            await created(stub, "p")
    plugin.terminate()
    output, errors = plugin.communicate(timeout=10)
    assert b"collections/views" in errors  # it did log the request
    for text in (output, errors):
        assert WRONG.partition(":")[2].encode() not in text
