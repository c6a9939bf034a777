"""`prefect:index:EncryptionCheck`: the kernels of a swarm's nodes can encrypt what goes from one to the other.

Where one can't, the engine makes an encrypted network all the same and drops what is sent on it: parts wait for each
other until their time is over, and nothing says why (docker 20.10, run). So each kernel is asked before, in a network
namespace of its own, by the very cipher that the engine takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from infra.provider.errors import Rejected
from infra.provider.kinds.kind import Inputs, Kind, Live, Outputs, Session
from infra.provider.on_nodes import NodeProgram

# One security association, as `ip xfrm state add` would ask for it: linux/xfrm.h, XFRM_MSG_NEWSA.
_PROBE: Final = """\
import os, socket, struct, sys
unlimited = struct.pack("=8Q", *[2**64 - 1] * 4, *[0] * 4)
to, since = (socket.inet_aton(address).ljust(16, bytes(1)) for address in ("192.0.2.2", "192.0.2.1"))
association = bytes(56) + struct.pack("=16s4sB3x16s", to, bytes((0, 0, 16, 1)), socket.IPPROTO_ESP, since)
association += unlimited + bytes(32 + 12 + 4 + 4) + struct.pack("=HBBB7x", socket.AF_INET, 0, 0, 0)
cipher = struct.pack("=64sII", b"rfc4106(gcm(aes))", 160, 64) + bytes(range(20))
body = association + struct.pack("=HH", 4 + len(cipher), 18) + cipher
kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 6)
kernel.settimeout(30)
kernel.send(struct.pack("=IHHII", 16 + len(body), 0x10, 0x1 | 0x4 | 0x200 | 0x400, 1, 0) + body)
(code,) = struct.unpack_from("=i", kernel.recv(65536), 16)
if code:
    sys.exit(f"the kernel of {socket.gethostname()} can't encrypt (ESP): {os.strerror(-code)}. Load its module (esp4), "
        "or write prefect-infra:swarm: {encrypted: false} where the network between nodes is trusted")
"""
ROOT: Final = "0:0"
"""A capability means nothing to others; of root's, it has none but this one."""


class EncryptionCheckInputs(Inputs):
    name: str = Field(min_length=1, description="What the service is called that asks each node.")
    image: str = Field(min_length=1, description="An image with Python that nodes can get, to ask by.")


class EncryptionCheck(Kind[EncryptionCheckInputs]):
    token = "prefect:index:EncryptionCheck"  # noqa: S105  # a type token
    inputs = EncryptionCheckInputs
    outputs = Outputs
    identity = ("name",)
    replaced_by: ClassVar[Mapping[str, str]] = {"name": "another one asks anew"}

    async def create(self, session: Session, new: EncryptionCheckInputs) -> Live[EncryptionCheckInputs]:
        await NodeProgram(text=_PROBE, image=new.image, user=ROOT, options=("--cap-add", "NET_ADMIN")).run(new.name)
        return Live(id=new.name, inputs=new, outputs=Outputs())

    async def read(
        self, session: Session, id_: str, known: EncryptionCheckInputs | None, state: Mapping[str, Any]
    ) -> Live[EncryptionCheckInputs] | None:
        if known is None:
            raise Rejected("what nodes can do need not be imported: the next `up` asks them")
        return Live(id=id_, inputs=known, outputs=Outputs())

    async def update(
        self,
        session: Session,
        id_: str,
        old: EncryptionCheckInputs,
        new: EncryptionCheckInputs,
        state: Mapping[str, Any],
    ) -> Live[EncryptionCheckInputs]:
        return Live(id=id_, inputs=new, outputs=Outputs())

    async def delete(self, session: Session, id_: str, old: EncryptionCheckInputs, state: Mapping[str, Any]) -> None:
        """Nothing was made."""
