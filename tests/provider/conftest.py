"""A real Prefect server, on SQLite as a rule, and the provider over real gRPC, driven as the engine drives it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from infra.provider import wire
from infra.provider.api import Api
from infra.provider.connection import Connection
from infra.provider.functions import FUNCTIONS
from infra.provider.invocation import Invocation
from infra.provider.kinds import KINDS
from infra.provider.lifecycle import Lifecycle
from infra.provider.server import PrefectProvider

STACK, PROJECT = "pruebas", "prefect-infra"
# On SQLite, Python's garbage collection has the server stand still for a minute now and then (docs/benchmarks.md says
# how), which tests that are killed and write side by side bring about often. Ours live for minutes: they do without.
START = "import gc, sys; gc.disable(); from prefect.cli import app; sys.argv[0] = 'prefect'; app()"


@contextmanager
def running_server(home: Path, python: str = sys.executable, **settings: str) -> Iterator[str]:
    """The API address of a server, ready; on SQLite, unless the settings say otherwise."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    environment |= {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_UI_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_UI_STATIC_DIRECTORY": str(home / "ui"),  # by default it is filled in inside the package
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # It collects runs and inserts them later, without a lock: one can come after the schedule that it is of was
        # changed, whoever changed it. Tests that need runs ask for them.
        "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PYTHONTZPATH": "",  # as in our images
    }
    command = [python, "-c", START, "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment | settings, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}/api"
        try:
            for _ in range(720):  # a start takes 8 to 15 s on a machine that has nothing else to do
                if server.poll() is not None:
                    raise RuntimeError((home / "server.log").read_text())
                with suppress(httpx.TransportError):
                    if httpx.get(f"{url}/health").is_success:
                        break
                time.sleep(0.25)
            else:
                raise RuntimeError(f"not ready in three minutes:\n{(home / 'server.log').read_text()}")
            yield url
        finally:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(60)
            server.kill()
            server.wait(60)


@pytest.fixture(scope="session")
def sqlite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    # Each run that a test leaves waiting is marked as late, all of them at once, and again at the next look where
    # SQLite's lock was in the way: after hundreds of tests the server does little else, and answers 503 for minutes.
    settings = {"PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false"}
    with running_server(tmp_path_factory.mktemp("prefect-home"), **settings) as url:
        yield url


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """For a module that counts what it asks, or compares all that there is: what other tests have left makes pages."""
    with running_server(tmp_path_factory.mktemp("prefect-home")) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    from tests.provider.databases import postgres  # takes seconds to import

    with postgres(tmp_path_factory.mktemp("postgres")) as database:
        settings = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": database}
        with running_server(tmp_path_factory.mktemp("prefect-home"), **settings) as url:
            yield url


@pytest.fixture(scope="session")
def prefect_server(sqlite_server: str) -> str:
    """The API address of a server that is ours alone."""
    return sqlite_server


class Counting(httpx.AsyncBaseTransport):
    """The real transport, with a list of what went over it; not of what a busy SQLite didn't take."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        call = (request.method, request.url.path.removeprefix("/api/"))
        self.calls.append(call)
        response = await self._inner.handle_async_request(request)
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            self.calls.remove(call)
        return response

    @property
    def writes(self) -> list[tuple[str, str]]:
        return [call for call in self.calls if call[0] != "GET" and not call[1].endswith("/filter")]


class CheckFailed(Exception):
    def __init__(self, failures: dict[str, str]) -> None:
        super().__init__(failures)
        self.failures = failures


@dataclass
class Resource:
    token: str
    name: str
    id: str = ""
    inputs: Any = None
    state: Any = None
    steps: list[str] = field(default_factory=list)
    stack: str = STACK

    @property
    def urn(self) -> str:
        return f"urn:pulumi:{self.stack}::{PROJECT}::{self.token}::{self.name}"

    @property
    def values(self) -> dict[str, Any]:
        return wire.decode(self.state).values


@dataclass
class Engine:
    """The engine's part of the protocol for one resource at a time, with its state."""

    stub: Any
    transport: Counting
    CheckFailed: type[CheckFailed] = CheckFailed
    resources: dict[tuple[str, str], Resource] = field(default_factory=dict)
    stack: str = STACK

    async def check(self, resource: Resource, inputs: dict[str, Any], secrets: Any = ()) -> Any:
        news = wire.encode(inputs, secrets)
        reply = await self.stub.Check(provider_pb2.CheckRequest(urn=resource.urn, olds=resource.inputs, news=news))
        if reply.failures:
            raise CheckFailed({failure.property: failure.reason for failure in reply.failures})
        return reply.inputs

    async def diff(self, resource: Resource, news: Any) -> Any:
        return await self.stub.Diff(
            provider_pb2.DiffRequest(
                id=resource.id, urn=resource.urn, olds=resource.state, old_inputs=resource.inputs, news=news
            )
        )

    async def up(self, token: str, name: str, inputs: dict[str, Any], secrets: Any = ()) -> Resource:
        """What `pulumi up` does to it; `steps` says which way it went."""
        token = f"prefect:index:{token}"
        resource = self.resources.setdefault((token, name), Resource(token, name, stack=self.stack))
        news = await self.check(resource, inputs, secrets)
        resource.steps = []
        if resource.id:
            diff = await self.diff(resource, news)
            if diff.changes == provider_pb2.DiffResponse.DIFF_NONE:
                resource.steps = ["same"]
                resource.inputs = news  # as the engine does: the outputs stay, the inputs are the new ones
                return resource
            if not diff.replaces:
                resource.steps = [f"update {path}" for path in sorted(diff.detailedDiff)]
                return await self._update(resource, news)
            if diff.deleteBeforeReplace:
                await self._delete(resource)
                resource.steps = ["delete", "create"]
                return await self._create(resource, news)
            old = replace(resource)
            await self._create(resource, news)
            await self._delete(old)
            resource.steps = ["create", "delete"]
            return resource
        resource.steps = ["create"]
        return await self._create(resource, news)

    async def refresh(self, resource: Resource) -> list[str]:
        """What `pulumi refresh` does; the paths that were found to have drifted, or ["gone"]."""
        reply = await self.stub.Read(
            provider_pb2.ReadRequest(
                id=resource.id, urn=resource.urn, properties=resource.state, inputs=resource.inputs
            )
        )
        if not reply.id:
            resource.id = ""
            resource.state = resource.inputs = None
            return ["gone"]
        recorded = resource.inputs
        resource.state, resource.inputs = reply.properties, reply.inputs
        return sorted((await self.diff(resource, recorded)).detailedDiff)

    async def import_(self, token: str, name: str, id_: str) -> Resource:
        resource = Resource(f"prefect:index:{token}", name, stack=self.stack)
        reply = await self.stub.Read(provider_pb2.ReadRequest(id=id_, urn=resource.urn))
        resource.id, resource.state, resource.inputs = reply.id, reply.properties, reply.inputs
        self.resources[resource.token, name] = resource
        return resource

    async def invoke(self, function: str, arguments: dict[str, Any], secrets: Any = ()) -> wire.Properties:
        """What a program's call of a function gives, with the places of its secrets."""
        request = provider_pb2.InvokeRequest(tok=f"prefect:index:{function}", args=wire.encode(arguments, secrets))
        return wire.decode(getattr(await self.stub.Invoke(request), "return"))

    async def destroy(self, resource: Resource) -> None:
        await self._delete(resource)
        self.resources.pop((resource.token, resource.name))

    async def _create(self, resource: Resource, news: Any) -> Resource:
        reply = await self.stub.Create(provider_pb2.CreateRequest(urn=resource.urn, properties=news))
        resource.id, resource.inputs, resource.state = reply.id, news, reply.properties
        return resource

    async def _update(self, resource: Resource, news: Any) -> Resource:
        reply = await self.stub.Update(
            provider_pb2.UpdateRequest(
                id=resource.id, urn=resource.urn, olds=resource.state, old_inputs=resource.inputs, news=news
            )
        )
        resource.inputs, resource.state = news, reply.properties
        return resource

    async def _delete(self, resource: Resource) -> None:
        await self.stub.Delete(provider_pb2.DeleteRequest(id=resource.id, urn=resource.urn, properties=resource.state))

    def forget_calls(self) -> None:
        self.transport.calls.clear()


@asynccontextmanager
async def serving(configuration: dict[str, Any], open_api: Any = None) -> AsyncIterator[Engine]:
    """Its calls are counted, unless `open_api` makes another connection of it: `Counting` knows no TLS."""
    transport = Counting()
    server = grpc.aio.server()
    servicer = PrefectProvider(
        {kind.token: Lifecycle(kind) for kind in KINDS},
        {function.token: Invocation(function) for function in FUNCTIONS},
        open_api=open_api or (lambda connection: Api(connection, transport)),
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        await stub.GetPluginInfo(empty_pb2.Empty())
        await stub.Configure(provider_pb2.ConfigureRequest(args=wire.encode(configuration), acceptSecrets=True))
        yield Engine(stub, transport)
    await server.stop(None)


@pytest.fixture
async def engine(prefect_server: str) -> AsyncIterator[Engine]:
    async with serving({"api_url": prefect_server}) as engine:
        yield engine


@pytest.fixture
async def later_engine(prefect_server: str) -> AsyncIterator[Engine]:
    """The plugin of the next operation of Pulumi."""
    async with serving({"api_url": prefect_server}) as engine:
        yield engine


@pytest.fixture
async def offline() -> AsyncIterator[Engine]:
    """With no server behind it, for what lives on this machine or is told before any server is asked."""
    async with serving({"api_url": "http://127.0.0.1:9/api"}) as engine:
        yield engine


@pytest.fixture
async def client(prefect_server: str) -> AsyncIterator[Api]:
    """Somebody else, at the same server: the UI, or a colleague."""
    api = Api(Connection(api_url=prefect_server))
    yield api
    await api.close()


@pytest.fixture
def unique(request: pytest.FixtureRequest) -> str:
    return "".join(c if c.isalnum() else "-" for c in request.node.name)[-40:].lower().strip("-")
