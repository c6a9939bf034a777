"""`prefect:index:NodeVolume`: a volume that each node of a swarm makes for itself, when a container first needs it.

There is nothing to make, but to take away, and the engine that Pulumi talks to only knows its own volumes: a job does
it, on each node that is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from infra.provider import swarm
from infra.provider.docker_command import docker
from infra.provider.errors import ProviderError, Rejected
from infra.provider.kinds.kind import Inputs, Kind, Live, Outputs, Session

SOCKET: Final = "/var/run/docker.sock"
SECONDS: Final = 180
# A container that has just ended may hold on to its volume for a moment.
_REMOVAL: Final = f"""\
import http.client, socket, sys, time
for attempt in range(30):
    connection = http.client.HTTPConnection("engine", timeout=30)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect({SOCKET!r})
    connection.request("DELETE", "/volumes/" + sys.argv[1])
    answer = connection.getresponse()
    if answer.status in (204, 404):
        sys.exit()
    told = answer.read().decode()
    time.sleep(1)
sys.exit(told)
"""


class NodeVolumeInputs(Inputs):
    name: str = Field(min_length=1, description="Its name on each node.")
    node: str | None = Field(default=None, description="The host name of the one node that has it; nothing: all.")
    image: str = Field(min_length=1, description="An image with Python that nodes can get, to remove it by.")
    user: str = Field(pattern=r"^\d+:\d+$", description="User and group that may talk to the nodes' engines.")


class NodeVolume(Kind[NodeVolumeInputs]):
    token = "prefect:index:NodeVolume"  # noqa: S105  # a type token
    inputs = NodeVolumeInputs
    outputs = Outputs
    identity = ("name", "node")
    replaced_by: ClassVar[Mapping[str, str]] = {
        "name": "a volume can't be renamed",
        "node": "a volume can't go to another node",
    }

    async def create(self, session: Session, new: NodeVolumeInputs) -> Live[NodeVolumeInputs]:
        return Live(id=new.name, inputs=new, outputs=Outputs())

    async def read(
        self, session: Session, id_: str, known: NodeVolumeInputs | None, state: Mapping[str, Any]
    ) -> Live[NodeVolumeInputs] | None:
        if known is None:
            raise Rejected("a volume of the nodes need not be imported: the one of its name is used")
        return Live(id=id_, inputs=known, outputs=Outputs())

    async def update(
        self, session: Session, id_: str, old: NodeVolumeInputs, new: NodeVolumeInputs, state: Mapping[str, Any]
    ) -> Live[NodeVolumeInputs]:
        return Live(id=id_, inputs=new, outputs=Outputs())

    async def delete(self, session: Session, id_: str, old: NodeVolumeInputs, state: Mapping[str, Any]) -> None:
        job = f"{old.name}-removal"
        await swarm.remove(job)
        try:
            await docker(
                *("service", "create", "--detach", "--quiet", "--name", job, "--mode", "global-job"),
                *("--restart-condition", "none", "--no-healthcheck", "--with-registry-auth"),
                *("--no-resolve-image", "--cap-drop", "ALL", "--read-only", "--user", old.user),
                *("--limit-memory", "128M", "--container-label", f"{swarm.SPEC_LABEL}={job}"),
                *(("--constraint", f"node.hostname=={old.node}") if old.node else ()),
                *("--mount", f"type=bind,source={SOCKET},target={SOCKET}"),
                *("--entrypoint", "python3", old.image, "-I", "-c", _REMOVAL, old.name),
            )
            await asyncio.sleep(swarm.POLL_SECONDS)  # until the swarm has made its tasks
            await swarm.converged(job, job, SECONDS, new=True)
        except ProviderError as error:
            raise ProviderError(f"the volume {old.name} is still on a node: {error}") from error
        finally:
            await swarm.remove(job)
