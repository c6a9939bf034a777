"""What a stack says of the swarm that it is on. What goes together is told by infra/model/swarms.py."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from infra.model.declared.declaration import Declared

REGISTRY: Final = r"^[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$"
NODE: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
Registry = Annotated[str, StringConstraints(pattern=REGISTRY)]


class Swarm(Declared):
    data_node: Annotated[str, StringConstraints(pattern=NODE)] | None = Field(None, examples=["node-1"])
    """The host name of the node that the database's and Redis's volumes are on; they stay there."""
    encrypted: bool = True
    """true: what containers send from node to node is encrypted (IPsec: the nodes' kernels must have ESP)."""
    socket_group: Annotated[int, Field(ge=1)] | None = Field(None, examples=[999])
    """The number of the group that owns the engine's socket on the nodes; default: as on this machine."""
