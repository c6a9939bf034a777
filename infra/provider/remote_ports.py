"""Which TCP ports of another machine are taken: its kernel tells; its engine, too, as not all it publishes listens."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Final

from infra import ssh
from infra.provider.docker_command import docker
from infra.provider.errors import Unreachable

SOCKETS: Final = ("/proc/net/tcp", "/proc/net/tcp6")
_LISTENING: Final = "0A"
_PUBLISHED: Final = re.compile(r":(\d+)(?:-(\d+))?->")


async def taken_ports(host: str) -> frozenset[int]:
    """Of all of its addresses. `host`: ssh://user@machine:port, whose engine DOCKER_HOST names.

    Raises:
        Unreachable: no way in.
        ProviderError: its engine doesn't answer.

    """
    try:
        # One of the two may not be there: what `cat` says of the other counts.
        table = await asyncio.to_thread(ssh.run, host, f"cat {' '.join(SOCKETS)} 2>/dev/null || true")
    except ssh.SshError as error:
        raise Unreachable(str(error)) from error
    return frozenset([*listening(table), *published(await docker("ps", "--format", "{{.Ports}}"))])


def listening(table: str) -> Iterator[int]:
    """From the lines of /proc/net/tcp: `0: 0100007F:1068 00000000:0000 0A …`."""
    for line in table.splitlines():
        words = line.split()
        if len(words) > 3 and words[3] == _LISTENING:  # noqa: PLR2004  # number, here, there, state
            yield int(words[1].rpartition(":")[2], 16)


def published(told: str) -> Iterator[int]:
    """From Docker's `0.0.0.0:4200->4200/tcp, [::]:8000-8001->8000-8001/tcp`."""
    for first, last in _PUBLISHED.findall(told):
        yield from range(int(first), int(last or first) + 1)
