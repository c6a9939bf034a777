"""`prefect:index:HostPort`: a TCP port of this machine, or of another one, chosen once and then kept in the state."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final, Literal

from pydantic import Field, field_validator

from infra.provider.errors import Conflict, Rejected
from infra.provider.kinds.kind import Failure, Inputs, Kind, Live, Outputs, Session
from infra.provider.remote_ports import taken_ports

FIRST: Final = 4200  # Prefect's own
COUNT: Final = 800
HIGHEST: Final = 65535
AUTO: Final = "auto"


class HostPortInputs(Inputs):
    bind: str = Field(description="The address that the port is needed on, such as 127.0.0.1.")
    port: int | Literal["auto"] = Field(description="A port, or `auto` for a free one of 4200 to 4999.")
    other_than: int | None = Field(
        default=None, description="A port that it can't be: one that was chosen along with it, and is not in use yet."
    )

    host: str | None = Field(
        default=None,
        description="Another machine, by ssh: ssh://user@machine:port. It is asked which of its ports are free.",
    )

    @field_validator("port", mode="before")
    @classmethod
    def _number_or_auto(cls, given: Any) -> Any:
        """As one rule: a union would tell of each of its arms, at places that no input has."""
        number = int(given) if isinstance(given, str) and given.isdecimal() else given
        if number == AUTO or (isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= HIGHEST):
            return number
        raise ValueError(f"expected a port from 1 to {HIGHEST}, or `{AUTO}`, got {given!r}")


class HostPortOutputs(Outputs):
    number: int = Field(description="The port.")


class HostPort(Kind[HostPortInputs]):
    token = "prefect:index:HostPort"  # noqa: S105  # a type token
    inputs = HostPortInputs
    outputs = HostPortOutputs
    replaced_by: ClassVar[Mapping[str, str]] = {}

    def check(self, old: HostPortInputs | None, new: HostPortInputs) -> Iterator[Failure]:
        if new.port == new.other_than:
            yield Failure(("port",), f"{new.port} is taken by another part of this stack: choose another one")
        if old is not None and old.host != new.host:
            yield Failure(("host",), _moved(old.host, new.host))
        if new.host is not None:
            return  # that machine is asked when something is made
        # Only when it is to change: our own server has the port that it was given.
        if (old is None or old.bind != new.bind) and not _is_ours(new.bind):
            yield Failure(("bind",), f"no address of this machine: {new.bind!r}; 127.0.0.1 always is one")
            return
        # One that `auto` has chosen may be the very same, in use by our own server: `update` knows.
        changes = old is None or old.port not in {new.port, AUTO}
        if isinstance(new.port, int) and changes and not _is_free(new.bind, new.port):
            yield Failure(("port",), _taken(new.bind, new.port))

    def planned(self, old: Mapping[str, Any], new: HostPortInputs) -> dict[str, Any]:
        return {"number": _number(old, new)}

    async def create(self, session: Session, new: HostPortInputs) -> Live[HostPortInputs]:
        if new.host is not None:
            number = await _there(session.owner, new, new.host)
        else:
            number = new.port if isinstance(new.port, int) else _choose(session.owner, new)
        return Live(id=str(number), inputs=new, outputs=HostPortOutputs(number=number))

    async def read(
        self, session: Session, id_: str, known: HostPortInputs | None, state: Mapping[str, Any]
    ) -> Live[HostPortInputs] | None:
        if known is None and not id_.isdecimal():
            raise Rejected(f"a port is imported by its number, got {id_!r}")
        inputs = known or HostPortInputs(bind="127.0.0.1", port=int(id_))
        return Live(id=id_, inputs=inputs, outputs=HostPortOutputs(number=int(state.get("number", id_))))

    async def update(
        self, session: Session, id_: str, old: HostPortInputs, new: HostPortInputs, state: Mapping[str, Any]
    ) -> Live[HostPortInputs]:
        number = _number(state, new)
        if number != state["number"] and new.host is not None:
            await _there(session.owner, new, new.host)
        elif number != state["number"] and not _is_free(new.bind, number):
            raise Conflict(_taken(new.bind, number))
        return Live(id=id_, inputs=new, outputs=HostPortOutputs(number=number))

    async def delete(self, session: Session, id_: str, old: HostPortInputs, state: Mapping[str, Any]) -> None: ...


def _taken(bind: str, port: int) -> str:
    free = next((other for other in range(port + 1, HIGHEST + 1) if _is_free(bind, other)), AUTO)
    return (
        f"port {port} on {bind} is taken by another program; end it, or set `prefect-infra:server.port` to a free "
        f"one, such as {free}, or to `auto`"
    )


def _moved(old: str | None, new: str | None) -> str:
    here = "this machine's engine"
    return (
        f"the stack is on {old or here}, and would be made anew on {new or here}, without its data: set "
        "`prefect-infra:host` back, `prefect-infra backup`, destroy it there; then bring it up here and restore"
    )


async def _there(owner: str, new: HostPortInputs, host: str) -> int:
    """The port on that machine: the one asked for, if it is free there, or one that is."""
    taken = await taken_ports(host)
    if isinstance(new.port, int):
        if new.port in taken:
            free = next((port for port in range(new.port + 1, HIGHEST + 1) if port not in taken), AUTO)
            raise Conflict(
                f"port {new.port} of {host} is taken by another program there; end it, or set "
                f"`prefect-infra:server.port` to a free one, such as {free}, or to `auto`"
            )
        return new.port
    for port in _candidates(owner):
        if port != new.other_than and port not in taken:
            return port
    raise Conflict(f"no free port on {host} from {FIRST} to {FIRST + COUNT - 1}: set `prefect-infra:server.port`")


def _number(state: Mapping[str, Any], new: HostPortInputs) -> int:
    return new.port if isinstance(new.port, int) else int(state["number"])  # auto: the one that it has


def _candidates(owner: str) -> Iterator[int]:
    """Two stacks that come up at the same moment would both find the first port free: each begins elsewhere."""
    start = int.from_bytes(hashlib.sha256(owner.encode()).digest()[:4], "big") % COUNT
    yield from (FIRST + (start + step) % COUNT for step in range(COUNT))


def _choose(owner: str, new: HostPortInputs) -> int:
    for port in _candidates(owner):
        if port != new.other_than and _is_free(new.bind, port):
            return port
    raise Conflict(f"no free port on {new.bind} from {FIRST} to {FIRST + COUNT - 1}: set `prefect-infra:server.port`")


def _is_ours(bind: str) -> bool:
    return _is_free(bind, 0)


def _is_free(bind: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except PermissionError:
            return True  # below 1024, which the engine may take and we may not try
        except OSError:
            return False
    return True
