"""A program run once on each node of a swarm, for what only the nodes themselves can do or know."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from infra.provider import swarm
from infra.provider.docker_command import docker

SECONDS: Final = 180


@dataclass(frozen=True, kw_only=True)
class NodeProgram:
    """Python, on the standard library alone. Its container is confined, and called as its node is."""

    text: str
    image: str
    """One that has Python, and that nodes can get."""
    user: str
    """user:group, as numbers."""
    node: str | None = None
    """The host name of the one node it is for; None: all that take tasks."""
    options: Sequence[str] = ()
    """Of `docker service create`: what it may do beyond that, and where."""
    seconds: int = SECONDS
    """How long it may take, with what nodes have to get for it."""

    async def run(self, name: str, *arguments: str) -> None:
        """Until it is done on each node; nothing of it is left there.

        Raises:
            ProviderError: it failed on a node; the text has its last words.

        """
        await swarm.remove(name)  # a killed one's
        try:
            await docker(
                *("service", "create", "--detach", "--quiet", "--name", name, "--mode", "global"),
                *("--restart-condition", swarm.ONCE, "--no-healthcheck", "--with-registry-auth"),
                *("--no-resolve-image", "--cap-drop", "ALL", "--read-only", "--user", self.user),
                *("--limit-memory", "128M", "--hostname", "{{.Node.Hostname}}"),
                *("--container-label", f"{swarm.SPEC_LABEL}={name}"),
                *(("--constraint", f"node.hostname=={self.node}") if self.node else ()),
                *self.options,
                *("--entrypoint", "python3", self.image, "-I", "-c", self.text, *arguments),
            )
            await asyncio.sleep(swarm.POLL_SECONDS)  # until the swarm has made its tasks
            await swarm.converged(name, name, self.seconds, new=True)
        finally:
            await swarm.remove(name)
