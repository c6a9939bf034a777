"""`prefect:index:NodeVolume`: a volume that each node of a swarm makes for itself, when a container first needs it.

There is nothing to make, but to take away, and the engine that Pulumi talks to only knows its own volumes: a program on
each node that is there does it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from infra.provider import swarm
from infra.provider.errors import ProviderError, Rejected
from infra.provider.kinds.kind import Inputs, Kind, Live, Outputs, Session
from infra.provider.on_nodes import NodeProgram

SOCKET: Final = "/var/run/docker.sock"
# A container that has just ended may hold on to its volume for a moment; one of a flow run for as long as it is there,
# and who sweeps those of an area may have been gone from this node when it ended.
_REMOVAL: Final = f"""\
import http.client, json, socket, sys, time, urllib.parse
def asked(method, path):
    connection = http.client.HTTPConnection("engine", timeout=30)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect({SOCKET!r})
    connection.request(method, path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()
volume = sys.argv[1]
ended = {{"volume": [volume], "label": ["prefect-infra.flow-run-owner"], "status": ["created", "exited", "dead"]}}
runs = "/containers/json?all=1&filters=" + urllib.parse.quote(json.dumps(ended))
for attempt in range(30):
    status, told = asked("DELETE", "/volumes/" + volume)
    if status in (204, 404):
        sys.exit()
    for run in json.loads(asked("GET", runs)[1]):
        asked("DELETE", "/containers/" + run["Id"] + "?v=1")
    time.sleep(1)
sys.exit(socket.gethostname() + ": " + told)
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
        if old.node and not await swarm.takes_tasks(old.node):
            return  # lost or drained: as other nodes' then, it stays there
        socket = ("--mount", f"type=bind,source={SOCKET},target={SOCKET}")
        removal = NodeProgram(text=_REMOVAL, image=old.image, user=old.user, node=old.node, options=socket)
        try:
            await removal.run(f"{old.name}-removal", old.name)
        except ProviderError as error:
            raise ProviderError(f"the volume {old.name} is still on a node: {error}") from error
