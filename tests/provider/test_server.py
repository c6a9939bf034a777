"""The plugin's process, started as the Pulumi engine starts it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from infra import __version__
from infra.provider import server, wire
from infra.provider.profiles_file import locked

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "infra.provider", "127.0.0.1:1"]
PROMPTLY = 3.0  # seconds in which a process is to be gone that was asked to go
URN = "urn:pulumi:dev::prefect-infra::prefect:index:Profile::p"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    plain = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    return {**plain, "PREFECT_HOME": str(tmp_path / "home")}


@pytest.fixture
def plugin(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        COMMAND, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    yield process
    process.kill()
    process.communicate()


def port_of(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)


async def test_it_tells_its_port_and_nothing_else_and_answers_there(plugin: subprocess.Popen[bytes]) -> None:
    began = time.monotonic()
    port = port_of(plugin)
    took = time.monotonic() - began
    print(f"the plugin was up after {took:.2f} s")
    assert took < 10
    async with connected(port) as stub:
        assert (await stub.GetPluginInfo(empty_pb2.Empty())).version == __version__
        reply = await stub.Configure(
            provider_pb2.ConfigureRequest(args=wire.encode({"api_url": "http://127.0.0.1:9/api"}), acceptSecrets=True)
        )
        assert (reply.acceptSecrets, reply.supportsPreview) == (True, True)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.Check(provider_pb2.CheckRequest(urn=URN.replace("Profile", "Nothing")))
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
        assert "prefect:index:WorkPool" in str(refused.value.details())
    plugin.terminate()
    output, errors = plugin.communicate(timeout=10)
    assert (output, errors) == (b"", b"")
    assert plugin.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_at_once_when_the_engine_says_so(plugin: subprocess.Popen[bytes], number: signal.Signals) -> None:
    port = port_of(plugin)
    async with connected(port) as stub:
        await stub.GetPluginInfo(empty_pb2.Empty())
        began = time.monotonic()
        plugin.send_signal(number)
        assert await asyncio.to_thread(plugin.wait, 10) == 0
        assert time.monotonic() - began < PROMPTLY


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_what_is_under_way_is_finished_first(
    plugin: subprocess.Popen[bytes], environment: dict[str, str], number: signal.Signals
) -> None:
    path = Path(environment["PREFECT_HOME"]) / "profiles.toml"
    properties = wire.encode({"name": "p", "api_url": "http://127.0.0.1:4200/api"})
    async with connected(port_of(plugin)) as stub:
        with locked(path):
            creation = stub.Create(provider_pb2.CreateRequest(urn=URN, properties=properties))
            await asyncio.sleep(0.5)
            plugin.send_signal(number)
            await asyncio.sleep(0.5)
            assert plugin.poll() is None
        assert (await creation).id == "p"
    assert await asyncio.to_thread(plugin.wait, 10) == 0
    assert "[profiles.p]" in path.read_text()


async def test_while_one_call_waits_the_others_are_answered(
    plugin: subprocess.Popen[bytes], environment: dict[str, str]
) -> None:
    path = Path(environment["PREFECT_HOME"]) / "profiles.toml"
    properties = wire.encode({"name": "p", "api_url": "http://127.0.0.1:4200/api"})
    async with connected(port_of(plugin)) as stub:
        with locked(path):
            creation = stub.Create(provider_pb2.CreateRequest(urn=URN, properties=properties))
            await asyncio.sleep(0.2)
            for _ in range(5):
                await asyncio.wait_for(stub.GetPluginInfo(empty_pb2.Empty()), 2)
            assert not creation.done()
        assert (await creation).id == "p"


ENGINE = """
import subprocess, sys, time
plugin = subprocess.Popen([sys.executable, "-m", "infra.provider", "127.0.0.1:1"], start_new_session=True)
print(plugin.pid, file=sys.stderr, flush=True)
time.sleep(60)
"""


async def test_it_ends_by_itself_when_its_engine_was_killed(environment: dict[str, str]) -> None:
    engine = subprocess.Popen(  # noqa: ASYNC220  # started in no time
        [sys.executable, "-c", ENGINE], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert engine.stdout is not None
    assert engine.stderr is not None
    plugin = int(engine.stderr.readline())
    try:
        port_of(engine)  # the plugin has the engine's stdout
        engine.kill()
        engine.wait()
        began = time.monotonic()
        # The pipe is at its end when the last who could write to it is gone.
        ended = await asyncio.wait_for(asyncio.to_thread(engine.stdout.read), server.ORPHAN_CHECK_SECONDS + 10)
        assert ended == b""
        assert time.monotonic() - began < server.ORPHAN_CHECK_SECONDS + PROMPTLY
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(plugin, signal.SIGKILL)


def test_the_launcher_becomes_the_plugin(environment: dict[str, str]) -> None:
    launcher = ROOT / "infra" / "provider" / "pulumi-resource-prefect"
    environment = {**environment, "PREFECT_INFRA_PYTHON": sys.executable, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([launcher, "127.0.0.1:1"], env=environment, cwd=ROOT / "infra", stdout=subprocess.PIPE) as it:
        port_of(it)
        it.terminate()  # to the launcher's own process: else the plugin would be left behind
        assert it.wait(10) == 0


def test_the_launcher_says_what_is_missing_where_there_is_no_virtualenv(tmp_path: Path) -> None:
    copy = tmp_path / "a" / "b" / "pulumi-resource-prefect"
    copy.parent.mkdir(parents=True)
    copy.write_bytes((ROOT / "infra" / "provider" / "pulumi-resource-prefect").read_bytes())
    copy.chmod(0o755)
    ran = subprocess.run([copy], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "make setup" in ran.stderr


def test_the_plugin_starts_without_importing_prefect_which_takes_seconds() -> None:
    code = (
        "import sys, infra.provider.__main__; print([name for name in sys.modules if name.split('.')[0] == 'prefect'])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
