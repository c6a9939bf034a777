"""The provider as the Pulumi engine sees it: gRPC in, gRPC out, and nothing of any particular kind or function.

Source of the contract: `pulumirpc.ResourceProvider` in Pulumi's provider.proto, and the implementers' guide.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, NoReturn

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from infra import __version__
from infra.provider import settings, wire
from infra.provider.api import Api
from infra.provider.connection import Connection
from infra.provider.diffing import Change, Step
from infra.provider.engine_log import tell_user
from infra.provider.errors import (
    Conflict,
    InvalidArguments,
    NotFound,
    ProviderError,
    Unauthorised,
    Unreachable,
    Untrusted,
)
from infra.provider.glance import Glance
from infra.provider.invocation import Invocation
from infra.provider.kinds.kind import Live, Session, Sight
from infra.provider.lifecycle import Lifecycle
from infra.provider.redaction import redactor, secret_texts
from infra.provider.schema import CONFIGURATION, provider_schema

VERSION: Final = __version__
SHUTDOWN_GRACE_SECONDS: Final = 5
ORPHAN_CHECK_SECONDS: Final = 2.0  # an engine that was killed can't end its plugins
_MAX_MESSAGE: Final = 400 * 1024 * 1024  # as the engine's own channels have it

_SECRETS: Final = frozenset((key,) for key, setting in CONFIGURATION.items() if setting.get("secret"))
_STATUS: Final[Mapping[type[ProviderError], grpc.StatusCode]] = {
    Unreachable: grpc.StatusCode.UNAVAILABLE,
    Unauthorised: grpc.StatusCode.UNAUTHENTICATED,
    Untrusted: grpc.StatusCode.UNAUTHENTICATED,
    NotFound: grpc.StatusCode.NOT_FOUND,
    Conflict: grpc.StatusCode.ALREADY_EXISTS,
    InvalidArguments: grpc.StatusCode.INVALID_ARGUMENT,
}
_DIFF_KIND: Final = {
    (Step.ADD, False): provider_pb2.PropertyDiff.ADD,
    (Step.ADD, True): provider_pb2.PropertyDiff.ADD_REPLACE,
    (Step.DELETE, False): provider_pb2.PropertyDiff.DELETE,
    (Step.DELETE, True): provider_pb2.PropertyDiff.DELETE_REPLACE,
    (Step.UPDATE, False): provider_pb2.PropertyDiff.UPDATE,
    (Step.UPDATE, True): provider_pb2.PropertyDiff.UPDATE_REPLACE,
}


class PrefectProvider(provider_pb2_grpc.ResourceProviderServicer):
    """One instance per provider resource of a stack."""

    def __init__(
        self,
        lifecycles: Mapping[str, Lifecycle[Any]],
        invocations: Mapping[str, Invocation[Any]],
        open_api: Callable[[Connection], Api] = Api,
        tell: Callable[[str, str], Awaitable[None]] | None = None,
    ) -> None:
        """`tell` says something to the user about the resource of a URN."""
        self._lifecycles = lifecycles
        self._invocations = invocations
        self._open_api = open_api
        self._configuration: dict[str, Any] = {}
        self._secret_texts: frozenset[str] = frozenset()
        self._api: Api | None = None
        self._tell = tell
        self._there: dict[str, str] = {}
        """The id of the object that a resource has now, by its URN: the one deleted may be the one before it."""
        self._glance = Glance(self._open)
        self._declared: dict[str, Any] = {}

    async def GetPluginInfo(self, request: Any, context: Any) -> plugin_pb2.PluginInfo:
        del request, context
        return plugin_pb2.PluginInfo(version=VERSION)

    async def GetSchema(self, request: Any, context: Any) -> provider_pb2.GetSchemaResponse:
        del request, context
        kinds = [lifecycle.kind for lifecycle in self._lifecycles.values()]
        functions = [invocation.function for invocation in self._invocations.values()]
        return provider_pb2.GetSchemaResponse(schema=json.dumps(provider_schema(kinds, functions, VERSION)))

    async def CheckConfig(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        del context
        given = wire.decode(request.news)
        failures = [
            provider_pb2.CheckFailure(property=key, reason=reason) for key, reason in settings.problems(given.values)
        ]
        return provider_pb2.CheckResponse(inputs=wire.encode(given.values, given.secrets | _SECRETS), failures=failures)

    async def DiffConfig(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        """Nothing replaces a provider: the objects on the server stay the same, however one reaches them."""
        del context
        old, new = wire.decode(request.old_inputs or request.olds).values, wire.decode(request.news).values
        changed = sorted(
            key for key in {*old, *new} if old.get(key) is not new.get(key) and old.get(key) != new.get(key)
        )
        changes = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(changes=changes, diffs=changed)

    async def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:
        """Connects to nothing: in one and the same `up`, the server may still have to be made."""
        del context
        given = wire.decode(request.args)
        self._configuration = settings.given(given.values)
        self._secret_texts = secret_texts(wire.Properties(self._configuration, given.secrets), _SECRETS)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    async def Check(self, request: Any, context: Any) -> provider_pb2.CheckResponse:
        lifecycle = await self._lifecycle(request.urn, context)
        new = wire.decode(request.news)
        checked = lifecycle.check(wire.decode(request.olds).values, new.values)
        self._declared |= lifecycle.declared(checked)
        sight = Sight(ask=self._glance.look, owner=_owner(request.urn), declared=self._declared)
        failures = (*checked.failures, *await lifecycle.check_on_server(sight, checked))
        redact = self._redactor(lifecycle, new)
        return provider_pb2.CheckResponse(
            inputs=_said(lifecycle, checked.inputs, new),
            failures=[
                provider_pb2.CheckFailure(property=wire.render(failure.path), reason=redact(failure.reason))
                for failure in failures
            ],
        )

    async def Diff(self, request: Any, context: Any) -> provider_pb2.DiffResponse:
        lifecycle = await self._lifecycle(request.urn, context)
        plan = lifecycle.diff(wire.decode(request.olds).values, wire.decode(request.news).values)
        ignored = tuple(request.ignoreChanges)

        def counts(change: Change) -> bool:
            return not any(_is_at_or_below(wire.render(change.path), path) for path in ignored)

        changes, replaces = tuple(filter(counts, plan.changes)), tuple(filter(counts, plan.replaces))
        self._there[request.urn] = request.id
        if replaces and self._tell is not None:
            await self._tell(request.urn, lifecycle.reasons(replaces))
        detailed = {
            wire.render(change.path): provider_pb2.PropertyDiff(
                kind=_DIFF_KIND[change.step, change in replaces], inputDiff=False
            )
            for change in changes
        }
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DIFF_SOME if changes else provider_pb2.DiffResponse.DIFF_NONE,
            diffs=sorted({change.field for change in changes}),
            replaces=sorted({change.field for change in replaces}),
            deleteBeforeReplace=plan.delete_first,
            detailedDiff=detailed,
            hasDetailedDiff=True,
        )

    async def Create(self, request: Any, context: Any) -> provider_pb2.CreateResponse:
        lifecycle = await self._lifecycle(request.urn, context)
        new = wire.decode(request.properties)
        if request.preview:
            planned = lifecycle.preview_create(new.values)
            return provider_pb2.CreateResponse(properties=_said(lifecycle, planned, new))
        work = lifecycle.create(self._session(request.urn), new.values)
        live = await _told(context, work, lambda: self._redactor(lifecycle, new))
        self._there[request.urn] = live.id
        return provider_pb2.CreateResponse(id=live.id, properties=_found(lifecycle, live.state(), new))

    async def Read(self, request: Any, context: Any) -> provider_pb2.ReadResponse:
        lifecycle = await self._lifecycle(request.urn, context)
        known = wire.decode(request.inputs)
        state = wire.decode(request.properties)
        work = lifecycle.read(self._session(request.urn), request.id, known.values, state.values)
        live: Live[Any] | None = await _told(context, work, lambda: self._redactor(lifecycle, known, state))
        if live is None:
            return provider_pb2.ReadResponse()  # no id: the engine takes it out of the state
        acts = {key: value for key, value in known.values.items() if key in lifecycle.kind.incomparable}
        inputs = {**acts, **live.inputs.canonical()}
        return provider_pb2.ReadResponse(
            id=live.id,
            properties=_found(lifecycle, {**acts, **live.state()}, known),
            inputs=_found(lifecycle, inputs, known),
        )

    async def Update(self, request: Any, context: Any) -> provider_pb2.UpdateResponse:
        lifecycle = await self._lifecycle(request.urn, context)
        state, new = wire.decode(request.olds), wire.decode(request.news)
        if request.preview:
            planned = lifecycle.preview_update(state.values, new.values)
            return provider_pb2.UpdateResponse(properties=_said(lifecycle, planned, new))
        work = lifecycle.update(self._session(request.urn), request.id, state.values, new.values)
        live = await _told(context, work, lambda: self._redactor(lifecycle, new, state))
        return provider_pb2.UpdateResponse(properties=_found(lifecycle, live.state(), new))

    async def Delete(self, request: Any, context: Any) -> empty_pb2.Empty:
        lifecycle = await self._lifecycle(request.urn, context)
        state = wire.decode(request.properties)
        work = lifecycle.delete(self._session(request.urn, request.id), request.id, state.values)
        await _told(context, work, lambda: self._redactor(lifecycle, state))
        return empty_pb2.Empty()

    async def Invoke(self, request: Any, context: Any) -> provider_pb2.InvokeResponse:
        """A look-up. What can't be known yet is an empty answer: the engine takes no unknown values here."""
        if request.tok not in self._invocations:
            known = ", ".join(sorted(self._invocations))
            await _abort(context, grpc.StatusCode.UNIMPLEMENTED, f"no function {request.tok}; there are: {known}")
        given = wire.decode(request.args)
        work = self._invocations[request.tok].call(self._connect, given)
        result = await _told(context, work, lambda: redactor(self._secret_texts | secret_texts(given)))
        response = provider_pb2.InvokeResponse()
        if result is not None:
            getattr(response, "return").CopyFrom(wire.encode(result.values, result.secrets))
        return response

    async def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        """Nothing to cut short: each call is one small request, and each is safe to repeat."""
        del request, context
        return empty_pb2.Empty()

    async def _lifecycle(self, urn: str, context: Any) -> Lifecycle[Any]:
        token = urn.split("::")[2].rsplit("$", 1)[-1]
        if token not in self._lifecycles:
            known = ", ".join(sorted(self._lifecycles))
            await _abort(context, grpc.StatusCode.UNIMPLEMENTED, f"no resource {token}; there are: {known}")
        return self._lifecycles[token]

    def _session(self, urn: str, deleted: str | None = None) -> Session:
        there = self._there.get(urn)
        successor = there if deleted is not None and there != deleted else None
        return Session(owner=_owner(urn), connect=self._connect, successor=successor)

    def _connect(self) -> Api:
        if self._api is None:
            self._api = self._open()
        return self._api

    def _open(self) -> Api:
        if wire.holds_unknown(self._configuration):
            raise Unreachable("the Prefect server's address is not known yet")
        connection = Connection.resolve(self._configuration)
        self._secret_texts |= connection.secret_texts()
        return self._open_api(connection)

    def _redactor(self, lifecycle: Lifecycle[Any], *given: wire.Properties) -> Callable[[str], str]:
        """What keeps a message free of the secrets that it could repeat."""
        texts = (secret_texts(properties, lifecycle.secrets(properties.values)) for properties in given)
        return redactor(self._secret_texts.union(*texts))


def _owner(urn: str) -> str:
    stack, project = urn.removeprefix("urn:pulumi:").split("::")[:2]
    return f"{project}/{stack}"


def _said(lifecycle: Lifecycle[Any], values: Mapping[str, Any], given: wire.Properties) -> Any:
    """What the program says, in another form."""
    return wire.encode(values, given.secrets | lifecycle.secrets(values))


def _found(lifecycle: Lifecycle[Any], values: Mapping[str, Any], given: wire.Properties) -> Any:
    """What an object is like. People may have put a secret in another place than the one that the program marked."""
    marked = {wire.nearest(path, values) for path in given.secrets}
    return wire.encode(values, marked | lifecycle.secrets_found(values))


def _is_at_or_below(place: str, path: str) -> bool:
    return place == path or place.startswith((f"{path}.", f"{path}["))


async def _told(context: Any, work: Awaitable[Any], redactor_now: Callable[[], Callable[[str], str]]) -> Any:
    """The work's result; a failure reaches the user as one sentence, with the status that fits.

    What is secret is asked for then: which credentials there are is known once the work has connected.
    """
    try:
        return await work
    except ProviderError as error:
        status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), grpc.StatusCode.UNKNOWN)
        await _abort(context, status, redactor_now()(str(error)))


async def _abort(context: Any, status: grpc.StatusCode, text: str) -> NoReturn:
    await context.abort(status, text)
    raise AssertionError("abort raises")


async def serve(
    lifecycles: Mapping[str, Lifecycle[Any]], invocations: Mapping[str, Invocation[Any]], engine_address: str = ""
) -> None:
    """Serve on a free port of the loopback until told to end; the port goes to stdout, as the engine expects."""
    options = [("grpc.max_receive_message_length", _MAX_MESSAGE), ("grpc.max_send_message_length", _MAX_MESSAGE)]
    server = grpc.aio.server(options=options)
    tell = partial(tell_user, engine_address) if engine_address else None
    servicer = PrefectProvider(lifecycles, invocations, tell=tell)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    # The engine ends its plugins by SIGINT, and waits seconds for those that don't heed it. Ctrl-C doesn't reach them:
    # each is in a process group of its own.
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    engine = os.getppid()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while not ended.is_set() and os.getppid() == engine:
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), timeout=ORPHAN_CHECK_SECONDS)
    await server.stop(SHUTDOWN_GRACE_SECONDS)
