"""An API key, before a gate that lets in nothing else: where it is taken from, and that it is shown nowhere."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.provider.conftest import serving
from tests.provider.front import Answer, Front, Request, fronting
from tests.provider.getting_in import AT_ONCE, configured, created, empty_environment, pool_made, profiles
from tests.provider.test_programs import ROOT, STACK, run

pytestmark = pytest.mark.server
KEY = "pnu_llave-de-la-puerta-71d0"
WRONG = "pnu_otra-llave-5e3b"
NOWHERE = "http://127.0.0.1:9/api"


@pytest.fixture(autouse=True)
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return empty_environment(monkeypatch, tmp_path)


@pytest.fixture
async def gate(prefect_server: str) -> AsyncIterator[Front]:
    def before(request: Request) -> Answer | None:
        given = request.headers.get("authorization", "")
        if given == f"Bearer {KEY}":
            return None
        return Answer(401, body=f'{{"detail": "not this: {given}"}}'.encode())

    async with fronting(prefect_server) as front:
        front.before = before
        yield front


async def refused(front: Front, settings: dict[str, Any]) -> str:
    """What the user is told; at once, and with no key in it. One glance at the check, one try when it is to be made."""
    began = time.monotonic()
    async with serving(settings) as engine:
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await engine.up("WorkPool", "p", {"name": "p", "type": "process"})
    assert time.monotonic() - began < AT_ONCE
    assert len(front.seen) == 2
    assert told.value.code() is grpc.StatusCode.UNAUTHENTICATED
    text = str(told.value.details())
    assert not [key for key in (KEY, WRONG) if key in f"{text} {told.value.debug_error_string()}"]
    return text


class TestWhereItIsFrom:
    """In the order of docs/credentials.md."""

    async def test_the_providers_own_settings(self, gate: Front, unique: str) -> None:
        await pool_made({"api_url": gate.url, "api_key": KEY}, unique)
        assert {request.headers["authorization"] for request in gate.seen} == {f"Bearer {KEY}"}

    async def test_a_profile_that_the_settings_name_before_the_environment(
        self, gate: Front, file: Path, monkeypatch: pytest.MonkeyPatch, unique: str
    ) -> None:
        profiles(file, "otro", casa={"PREFECT_API_URL": gate.url, "PREFECT_API_KEY": KEY}, otro={})
        monkeypatch.setenv("PREFECT_API_URL", NOWHERE)
        monkeypatch.setenv("PREFECT_API_KEY", WRONG)
        await pool_made({"profile": "casa"}, unique)

    async def test_the_settings_own_before_the_profiles(self, gate: Front, file: Path, unique: str) -> None:
        profiles(file, "casa", casa={"PREFECT_API_URL": gate.url, "PREFECT_API_KEY": WRONG})
        await pool_made({"profile": "casa", "api_key": KEY}, unique)

    async def test_the_environment_before_the_active_profile(
        self, gate: Front, file: Path, monkeypatch: pytest.MonkeyPatch, unique: str
    ) -> None:
        profiles(file, "casa", casa={"PREFECT_API_URL": NOWHERE, "PREFECT_API_KEY": WRONG})
        monkeypatch.setenv("PREFECT_API_URL", gate.url)
        monkeypatch.setenv("PREFECT_API_KEY", KEY)
        await pool_made({}, unique)

    async def test_the_active_profile(self, gate: Front, file: Path, unique: str) -> None:
        profiles(file, "casa", casa={"PREFECT_API_URL": gate.url, "PREFECT_API_KEY": KEY})
        await pool_made({}, unique)

    async def test_the_environments_key_for_the_active_profiles_server(
        self, gate: Front, file: Path, monkeypatch: pytest.MonkeyPatch, unique: str
    ) -> None:
        profiles(file, "casa", casa={"PREFECT_API_URL": gate.url, "PREFECT_API_KEY": WRONG})
        monkeypatch.setenv("PREFECT_API_KEY", KEY)
        await pool_made({}, unique)

    async def test_an_auth_string_goes_before_it(self, gate: Front) -> None:
        await refused(gate, {"api_url": gate.url, "api_key": KEY, "auth_string": "admin:clave-9d2f"})
        assert gate.seen[0].headers["authorization"].startswith("Basic ")


class TestWhatIsTold:
    async def test_a_wrong_one(self, gate: Front) -> None:
        told = await refused(gate, {"api_url": gate.url, "api_key": WRONG})
        assert "refuses the credentials (401): check the provider's `auth_string` or `api_key`" in told

    async def test_a_wrong_one_of_a_profile(self, gate: Front, file: Path) -> None:
        profiles(file, "casa", casa={"PREFECT_API_URL": gate.url, "PREFECT_API_KEY": WRONG})
        assert f"PREFECT_API_KEY of the profile 'casa' in {file}" in await refused(gate, {"profile": "casa"})

    async def test_a_wrong_one_of_the_environment(self, gate: Front, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PREFECT_API_URL", gate.url)
        monkeypatch.setenv("PREFECT_API_KEY", WRONG)
        assert "PREFECT_API_KEY of the environment" in await refused(gate, {})

    async def test_that_one_for_another_server_is_not_sent(
        self, gate: Front, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        profiles(file, "casa", casa={"PREFECT_API_URL": "http://x/api", "PREFECT_API_KEY": KEY})
        monkeypatch.setenv("PREFECT_API_KEY", KEY)
        told = await refused(gate, {"api_url": gate.url})
        assert "asks for credentials (401) and there are none: give the provider's `auth_string` or `api_key`" in told
        assert "authorization" not in gate.seen[0].headers

    async def test_nor_a_profiles_to_the_environments_server(
        self, gate: Front, file: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        profiles(file, "casa", casa={"PREFECT_API_URL": "http://x/api", "PREFECT_API_KEY": KEY})
        monkeypatch.setenv("PREFECT_API_URL", gate.url)
        assert "and there are none" in await refused(gate, {})
        assert "authorization" not in gate.seen[0].headers

    async def test_one_that_cant_be_sent(self, gate: Front) -> None:
        async with serving({"api_url": gate.url, "api_key": f"{KEY}\n"}) as engine:
            with pytest.raises(grpc.aio.AioRpcError, match="'api_key' has characters that can't be sent") as told:
                await engine.up("WorkPool", "p", {"name": "p", "type": "process"})
        assert KEY not in str(told.value)


@pytest.mark.parametrize("key", [KEY, WRONG])
async def test_the_plugins_process_writes_it_nowhere(gate: Front, unique: str, key: str) -> None:
    """Not to its output, nor to what libraries log at their most talkative."""
    code = (
        "import logging, sys; logging.basicConfig(level=logging.DEBUG, stream=sys.stderr);"
        "from infra.provider.__main__ import main; main()"
    )
    environment = {**os.environ, "PREFECT_API_URL": gate.url, "PREFECT_API_KEY": key}
    plugin = subprocess.Popen(  # noqa: ASYNC220  # started in no time
        [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert plugin.stdout is not None
    async with configured(int(plugin.stdout.readline()), {}) as stub:
        if key == KEY:
            assert await created(stub, unique) == unique
        else:
            with pytest.raises(grpc.aio.AioRpcError, match="refuses the credentials"):
                await created(stub, unique)
    plugin.terminate()
    output, errors = plugin.communicate(timeout=10)
    assert b"collections/views" in errors  # it did log the request
    assert not [text for text in (output, errors) if key.encode() in text]


@pytest.mark.thorough
async def test_pulumis_own_state_and_words_dont_have_it(gate: Front, tmp_path: Path, unique: str) -> None:
    """Neither as a setting of the stack's, nor as one of a provider that the program makes."""
    folder, backend = tmp_path / "program", tmp_path / "backend"
    folder.mkdir()
    backend.mkdir()
    pool = {"type": "prefect:WorkPool", "properties": {"name": unique, "type": "process"}}
    settings = {"api_url": gate.url, "api_key": "${llave}"}
    program = {
        "name": "llaves",
        "runtime": "yaml",
        "plugins": {"providers": [{"name": "prefect", "path": str(ROOT / "infra" / "provider")}]},
        "config": {"llave": {"type": "string", "secret": True}},
        "resources": {
            "servidor": {"type": "pulumi:providers:prefect", "properties": settings},
            "uno": {**pool, "options": {"provider": "${servidor}"}},
            "dos": {**pool, "properties": {**pool["properties"], "name": f"{unique}-2"}},
        },
    }
    (folder / "Pulumi.yaml").write_text(json.dumps(program), encoding="utf-8")

    async def pulumi(*arguments: str) -> str:
        done = await asyncio.to_thread(run, *arguments, folder=folder, backend=backend)
        return str(done.stdout + done.stderr)

    told = await pulumi("stack", "init", STACK)
    told += await pulumi("config", "set", "prefect:api_url", gate.url)
    for name in ("prefect:api_key", "llave"):
        told += await pulumi("config", "set", "--secret", name, KEY)
    told += await pulumi("up", "--yes", "--skip-preview", "--debug")
    told += await pulumi("stack", "export")
    told += await pulumi("destroy", "--yes", "--skip-preview", "--debug")

    assert [request.method for request in gate.seen if request.writes].count("POST") == 2
    assert KEY not in told
    kept = [path for path in (*backend.rglob("*"), *folder.rglob("*")) if path.is_file()]
    assert any(path.name == f"{STACK}.json" for path in kept)
    assert not [path for path in kept if KEY.encode() in path.read_bytes()]
