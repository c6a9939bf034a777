"""A port of this machine: chosen once, checked before anything is made, kept while it is in use."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2

from infra.provider import wire

LOOPBACK = "127.0.0.1"


@contextmanager
def taken(port: int, bind: str = LOOPBACK) -> Iterator[int]:
    with socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((bind, port))
        other.listen()
        yield other.getsockname()[1]


@pytest.fixture
def free() -> int:
    with taken(0) as port:
        pass
    return port


async def test_auto_chooses_a_free_port_and_keeps_it_while_it_is_in_use(offline: Any) -> None:
    resource = await offline.up("HostPort", "server", {"bind": LOOPBACK, "port": "auto"})
    number = resource.values["number"]
    assert 4200 <= number < 5000
    with taken(number):  # by the very server that it is for
        assert (await offline.up("HostPort", "server", {"bind": LOOPBACK, "port": "auto"})).steps == ["same"]
        assert await offline.refresh(resource) == []
        assert (await offline.up("HostPort", "server", {"bind": LOOPBACK, "port": "auto"})).steps == ["same"]
    assert resource.values["number"] == number


async def test_stacks_begin_at_ports_of_their_own_and_evade_what_is_taken(offline: Any) -> None:
    async def chosen(stack: str) -> int:
        offline.stack = stack
        offline.resources.clear()
        resource = await offline.up("HostPort", "server", {"bind": LOOPBACK, "port": "auto"})
        number: int = resource.values["number"]
        return number

    numbers = {stack: await chosen(stack) for stack in ("dev", "dev-ana", "dev-beto", "prod")}
    assert len(set(numbers.values())) == 4
    assert await chosen("dev") == numbers["dev"]
    with taken(numbers["dev"]):
        assert await chosen("dev") != numbers["dev"]


async def test_a_port_that_another_program_has_fails_the_check_and_names_a_free_one(offline: Any) -> None:
    with taken(0) as port, pytest.raises(offline.CheckFailed) as caught:
        await offline.up("HostPort", "server", {"bind": LOOPBACK, "port": port})
    reason = caught.value.failures["port"]
    assert reason.startswith(f"port {port} on {LOOPBACK} is taken by another program; ")
    suggested = int(reason.split("such as ")[1].split(",")[0])
    with taken(suggested):
        pass


async def test_a_port_that_the_stacks_own_server_has_is_no_mistake(offline: Any, free: int) -> None:
    inputs = {"bind": LOOPBACK, "port": free}
    resource = await offline.up("HostPort", "server", inputs)
    assert resource.values["number"] == free
    with taken(free):
        assert (await offline.up("HostPort", "server", inputs)).steps == ["same"]


async def test_another_port_is_known_in_the_preview_already(offline: Any, free: int) -> None:
    resource = await offline.up("HostPort", "server", {"bind": LOOPBACK, "port": "auto"})
    news = await offline.check(resource, {"bind": LOOPBACK, "port": free})
    request = {"id": resource.id, "urn": resource.urn, "olds": resource.state, "old_inputs": resource.inputs}
    reply = await offline.stub.Update(provider_pb2.UpdateRequest(**request, news=news, preview=True))
    assert wire.decode(reply.properties).values["number"] == free

    await offline.up("HostPort", "server", {"bind": LOOPBACK, "port": free})
    assert resource.values["number"] == free
    with taken(free):
        back = await offline.up("HostPort", "server", {"bind": LOOPBACK, "port": "auto"})
    assert back.values["number"] == free  # auto: the one that it has
    await offline.destroy(resource)


async def test_the_port_that_auto_chose_can_be_written_down_while_it_is_in_use(offline: Any) -> None:
    resource = await offline.up("HostPort", "server", {"bind": LOOPBACK, "port": "auto"})
    number = resource.values["number"]
    with taken(number), taken(0) as other:
        with pytest.raises(grpc.aio.AioRpcError, match=f"port {other} on {LOOPBACK} is taken"):
            await offline.up("HostPort", "server", {"bind": LOOPBACK, "port": other})
        pinned = await offline.up("HostPort", "server", {"bind": LOOPBACK, "port": number})
    assert pinned.values["number"] == number


@pytest.mark.parametrize("bind", ["0.0.0.0", "localhost"])
async def test_any_address_of_this_machine_will_do(offline: Any, bind: str) -> None:
    resource = await offline.up("HostPort", "server", {"bind": bind, "port": "auto"})
    assert resource.values["bind"] == bind


@pytest.mark.parametrize(
    ("wrong", "path", "hint"),
    [
        ({"bind": "192.0.2.1"}, "bind", "no address of this machine"),
        ({"bind": "no-such-host.invalid"}, "bind", "no address of this machine"),
        ({"bind": "::zz"}, "bind", "no address of this machine"),
        ({"port": 0}, "port", "from 1 to 65535"),
        ({"port": 65536}, "port", "from 1 to 65535"),
        ({"port": "automatic"}, "port", "or `auto`, got 'automatic'"),
        ({"port": True}, "port", "got True"),
        ({"port": 4300.5}, "port", "got 4300.5"),
    ],
)
async def test_what_can_be_no_port_fails_the_check(offline: Any, wrong: dict[str, Any], path: str, hint: str) -> None:
    with pytest.raises(offline.CheckFailed) as caught:
        await offline.up("HostPort", "server", {"bind": LOOPBACK, "port": "auto", **wrong})
    assert set(caught.value.failures) == {path}
    assert hint in caught.value.failures[path]


async def test_a_port_is_imported_by_its_number(offline: Any) -> None:
    imported = await offline.import_("HostPort", "server", "4321")
    assert imported.values == {"bind": LOOPBACK, "port": 4321, "number": 4321}
    with pytest.raises(grpc.aio.AioRpcError, match="imported by its number, got 'mine'"):
        await offline.import_("HostPort", "server", "mine")


async def test_two_ports_of_a_stack_that_are_chosen_together_are_two(offline: Any) -> None:
    first = await offline.up("HostPort", "first", {"port": "auto", "bind": "127.0.0.1"})
    other_than = first.values["number"]
    second = await offline.up("HostPort", "second", {"port": "auto", "bind": "127.0.0.1", "other_than": other_than})
    assert second.values["number"] != other_than
    with pytest.raises(offline.CheckFailed, match="another part of this stack"):
        await offline.up("HostPort", "third", {"port": other_than, "bind": "127.0.0.1", "other_than": other_than})
