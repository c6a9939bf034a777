"""A plugin's real process, what kills it at a call, and the state that the engine is left with.

The state is as Pulumi's checkpoints have it: a call of the engine that was never answered is not in it, of an object
that is replaced the old one stays in it until it is deleted, and one that was deleted first is known to be missing.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from infra.provider import wire
from infra.provider.answers import TRANSIENT
from tests.provider.conftest import STACK, Counting, Engine, Resource, serving
from tests.provider.everything import Rows, beside, everything
from tests.provider.front import Answer, Front, HangUp, Request, fronting, nothing


class Declared(NamedTuple):
    """One resource of a program."""

    kind: str
    name: str
    inputs: Mapping[str, Any]
    """A value that can be called is an output of another resource."""
    within: str | None = None
    """What takes it along when it is deleted to be made anew."""


@dataclass
class State:
    resources: dict[str, Resource] = field(default_factory=dict)
    replaced: list[Resource] = field(default_factory=list)
    stack: str = STACK

    def output(self, name: str, key: str) -> Callable[[], Any]:
        return lambda: self.resources[name].values[key]


Work = Callable[[Engine, State], Awaitable[None]]


async def no_work(engine: Engine, state: State) -> None:
    del engine, state


async def up(engine: Engine, state: State, program: Iterable[Declared]) -> None:
    """As Pulumi does it: what is declared, in its order, then the old ones of replaced objects, then what is left."""
    program = [*program]
    for kind, name, inputs, _ in program:
        given = {key: value() if callable(value) else value for key, value in inputs.items()}
        resource = state.resources.setdefault(name, Resource(f"prefect:index:{kind}", name, stack=state.stack))
        news = await engine.check(resource, given)
        diff = await engine.diff(resource, news) if resource.id else None
        if diff is None:
            await engine._create(resource, news)
        elif diff.changes == provider_pb2.DiffResponse.DIFF_NONE:
            resource.inputs = news
        elif not diff.replaces:
            await engine._update(resource, news)
        elif diff.deleteBeforeReplace:
            dependents = [other.name for other in reversed(program) if other.within == name]
            for going in (*(state.resources[other] for other in dependents), resource):
                if going.id:
                    await engine._delete(going)
                    going.id = ""
            await engine._create(resource, news)
        else:
            old = replace(resource)
            await engine._create(resource, news)
            state.replaced.append(old)
    await _delete_replaced(engine, state)
    declared = {name for _, name, _, _ in program}
    await _delete(engine, state, [name for name in state.resources if name not in declared])


async def destroy(engine: Engine, state: State) -> None:
    await _delete_replaced(engine, state)
    await _delete(engine, state, [*state.resources])


async def refresh(engine: Engine, state: State) -> dict[str, list[str]]:
    """What has drifted, by the resource's name."""
    found = {name: await engine.refresh(resource) for name, resource in state.resources.items()}
    return {name: paths for name, paths in found.items() if paths}


async def _delete_replaced(engine: Engine, state: State) -> None:
    while state.replaced:
        await engine._delete(state.replaced[-1])
        state.replaced.pop()


async def _delete(engine: Engine, state: State, names: list[str]) -> None:
    for name in reversed(names):
        if state.resources[name].id:
            await engine._delete(state.resources[name])
        del state.resources[name]


@asynccontextmanager
async def plugin(url: str, known: Engine | None = None) -> AsyncIterator[tuple[Engine, int]]:
    """An engine with a plugin's process of its own, and the state of another; the process's id."""
    plain = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    process = subprocess.Popen(  # noqa: ASYNC220  # started in no time
        [sys.executable, "-m", "infra.provider", "127.0.0.1:1"], env=plain, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    port = int(await asyncio.to_thread(process.stdout.readline))
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            args = wire.encode({"api_url": url})
            await stub.Configure(provider_pb2.ConfigureRequest(args=args, acceptSecrets=True))
            yield Engine(stub, Counting(), resources=known.resources if known else {}), process.pid
    finally:
        process.kill()
        process.communicate()


@dataclass
class Killer:
    """Kills at the n-th call, before it reached the server or after."""

    call: int
    after: bool
    kill: Callable[[], None]
    done: bool = False
    _seen: int = field(default=0)

    def before_call(self, request: Request) -> Answer | None:
        self._seen += 1
        return None if self.after else self._strike()

    def after_call(self, request: Request) -> Answer | None:
        return self._strike() if self.after else None

    def _strike(self) -> Answer | None:
        if self._seen >= self.call and not self.done:
            self.done = True
            self.kill()
            raise HangUp
        return None

    def stand_at(self, front: Front) -> None:
        front.before, front.after = self.before_call, self.after_call


@dataclass
class Told:
    """The plugin's stub, which notes how many of the server's answers each answer of the plugin's came after."""

    stub: Any
    front: Front
    after: set[int] = field(default_factory=set)

    def __getattr__(self, name: str) -> Callable[[Any], Awaitable[Any]]:
        async def call(request: Any) -> Any:
            reply = await getattr(self.stub, name)(request)
            self.after.add(len(answered(self.front)))
            return reply

        return call


def answered(front: Front) -> list[Request]:
    """The calls that were made, without those that a busy server had repeated."""
    return [request for request in front.seen if request.status not in TRANSIENT]


class Pass(NamedTuple):
    calls: list[Request]
    told_after: set[int]
    found: list[tuple[str, str]]


@dataclass
class Scenario:
    """What is done by a plugin that is killed, and by the next one; what there is already; what else is looked at."""

    act: Work
    prepare: Work = no_work
    also: Callable[[State], Awaitable[None]] | None = None

    async def killed_at_each_call(self, url: str, client: Any) -> list[Request]:
        """Before and after each writing call that it makes when nobody kills it; all of its calls.

        Before it only where the engine was told of something since the one that went ahead: all is as it was after that
        one otherwise. Each time the next plugin does the rest. The server then has what it has after a pass without a
        kill, down to each field, but for the runs that docs/provider.md says may be lost; what others have there is as
        it was; there is nothing left to do, nothing drifted.
        """
        others = await everything(client)
        async with fronting(url) as front:
            whole = await self._pass(front, client, others, None)
            told = True
            for number, call in enumerate(whole.calls, 1):
                told = told or number - 1 in whole.told_after
                if not call.writes:
                    continue
                for after in (False, True) if told else (True,):
                    try:
                        found = (await self._pass(front, client, others, (number, after))).found
                        lost = [row for row in whole.found if row[0] == "flow_runs" and row not in found]
                        assert found == [row for row in whole.found if row not in lost]
                        assert len(lost) <= _lost_at_most(whole.calls, number if after else number - 1)
                    except BaseException as error:
                        moment = "after" if after else "before"
                        error.add_note(f"killed {moment} call {number}: {call.method} {call.path}")
                        error.add_note("\n".join(f"{call.method} {call.path}" for call in whole.calls))
                        raise
                told = False
            return whole.calls

    async def _pass(self, front: Front, client: Any, others: Rows, strike: tuple[int, bool] | None) -> Pass:
        state = State()
        prepared = asyncio.create_task(self._prepare(front.upstream, state))  # while the process starts
        async with plugin(front.url) as (engine, pid):
            await prepared
            told = engine.stub = Told(engine.stub, front)
            front.seen.clear()
            if strike is None:
                await self.act(engine, state)
            else:
                killer = Killer(*strike, lambda: os.kill(pid, signal.SIGKILL))
                killer.stand_at(front)
                with suppress(grpc.aio.AioRpcError):
                    await self.act(engine, state)
                assert killer.done
            calls = answered(front)
        front.before = front.after = nothing
        async with serving({"api_url": front.url}) as engine:
            await self.act(engine, state)
        found = beside(await everything(client), others)
        if self.also is not None:
            await self.also(state)
        async with serving({"api_url": front.url}) as engine:
            front.seen.clear()
            await self.act(engine, state)
            assert [(call.method, call.path) for call in front.seen] == []
            assert await refresh(engine, state) == {}
            await destroy(engine, state)
        assert await everything(client) == others
        return Pass(calls, told.after, found)

    async def _prepare(self, url: str, state: State) -> None:
        async with serving({"api_url": url}) as engine:
            await self.prepare(engine, state)


def _lost_at_most(calls: list[Request], done: int) -> int:
    """Runs that waited at a deployment which has gone by so many of the calls, and that the others would make again."""
    gone = any(call.method == "DELETE" and re.fullmatch("/api/deployments/[^/]+", call.path) for call in calls[:done])
    return sum(call.path.endswith("/create_flow_run") for call in calls[done:]) if gone else 0
