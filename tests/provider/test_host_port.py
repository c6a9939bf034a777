"""A port of this machine: chosen once, checked before anything is made, kept while it is in use."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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


ELSEWHERE = "ssh://deploy@prefect.example.com:2222"
# What Linux tells: 4300 (10CC) listens, 4301 (10CD) is a connection's own end. IPv6 likewise, with 4302 (10CE).
SOCKETS = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:10CC 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0500000A:10CD 0100000A:D431 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 00000000000000000000000000000000:10CE 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 3 1 0 100 0 0 10 0
"""


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another machine, by an `ssh` that tells its sockets, and a `docker` that tells its engine's ports."""
    (tmp_path / "sockets").write_text(SOCKETS)
    (tmp_path / "published").write_text("0.0.0.0:4303-4304->80-81/tcp, [::]:4303-4304->80-81/tcp\n5432/tcp\n")
    for name, script in {
        "ssh": f'echo "$@" >> {tmp_path}/asked; cat {tmp_path}/sockets',
        "docker": f"cat {tmp_path}/published",
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


@pytest.mark.parametrize("port", [4300, 4302, 4303, 4304])
async def test_a_port_that_is_taken_on_another_machine_is_refused_by_that_machines_name(
    offline: Any, elsewhere: Path, port: int
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await offline.up("HostPort", "server", {"bind": "0.0.0.0", "port": port, "host": ELSEWHERE})
    assert f"port {port} of {ELSEWHERE} is taken" in str(caught.value.details())
    asked = (elsewhere / "asked").read_text()
    assert "-l deploy -p 2222 -- prefect.example.com" in asked
    assert "BatchMode=yes" in asked
    assert "StrictHostKeyChecking" not in asked


async def test_ports_of_another_machine_are_not_looked_for_on_this_one(offline: Any, elsewhere: Path) -> None:
    with taken(0) as here:
        inputs = {"bind": "192.0.2.1", "port": here, "host": ELSEWHERE}
        resource = await offline.up("HostPort", "server", inputs)
        assert resource.values["number"] == here
        assert (await offline.up("HostPort", "server", inputs)).steps == ["same"]
    with pytest.raises(grpc.aio.AioRpcError, match="port 4300 of"):
        await offline.up("HostPort", "server", {**inputs, "port": 4300})


async def test_auto_chooses_a_port_that_is_free_on_the_other_machine(offline: Any, elsewhere: Path) -> None:
    inputs = {"bind": "0.0.0.0", "port": "auto", "host": ELSEWHERE}
    first = (await offline.up("HostPort", "server", inputs)).values["number"]
    offline.resources.clear()
    (elsewhere / "published").write_text(f"0.0.0.0:{first}->4200/tcp\n")
    assert (await offline.up("HostPort", "server", inputs)).values["number"] != first


async def test_a_machine_that_lets_nobody_in_is_told_in_the_words_of_ssh(offline: Any, elsewhere: Path) -> None:
    (elsewhere / "ssh").write_text("#!/bin/sh\necho 'Host key verification failed.' >&2\nexit 255\n")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await offline.up("HostPort", "server", {"bind": "0.0.0.0", "port": "auto", "host": ELSEWHERE})
    assert f"{ELSEWHERE}: Host key verification failed." in str(caught.value.details())


async def test_a_stack_is_not_made_anew_on_another_machine_by_a_change_of_its_file(
    offline: Any, elsewhere: Path
) -> None:
    await offline.up("HostPort", "server", {"bind": "0.0.0.0", "port": "auto"})
    with pytest.raises(offline.CheckFailed) as caught:
        await offline.up("HostPort", "server", {"bind": "0.0.0.0", "port": "auto", "host": ELSEWHERE})
    reason = caught.value.failures["host"]
    assert f"the stack is on this machine's engine, and would be made anew on {ELSEWHERE}" in reason
