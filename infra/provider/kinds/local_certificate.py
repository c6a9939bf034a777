"""`prefect:index:LocalCertificate`: a TLS certificate by an authority of its own, for where nobody gives one.

Whoever is to trust it needs `authority`, and trusts this one server by it: the authority signs nothing else. All of it
lives in the state, the keys encrypted. Other hosts get another certificate by the same authority.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from infra.provider.errors import Rejected
from infra.provider.kinds.kind import Failure, Inputs, Kind, Live, Outputs, Session

AUTHORITY_DAYS: Final = 3650


class LocalCertificateInputs(Inputs):
    hosts: list[str] = Field(min_length=1, description="Names and IP addresses that the server is reached by.")
    valid_days: int = Field(default=825, ge=1, le=AUTHORITY_DAYS, description="From when it is made.")
    rotation: int = Field(default=1, ge=1, description="Another number makes another authority.")


class LocalCertificateOutputs(Outputs):
    certificate: str = Field(description="The server's certificate and the authority's, as PEM.")
    key: str = Field(description="The certificate's private key, as PEM.", repr=False)
    authority: str = Field(description="The authority's certificate, as PEM: what is to be trusted.")
    authority_key: str = Field(description="The authority's private key, as PEM.", repr=False)
    expires: str = Field(description="When the certificate ceases to be valid.")


class LocalCertificate(Kind[LocalCertificateInputs]):
    token = "prefect:index:LocalCertificate"  # noqa: S105  # a type token
    inputs = LocalCertificateInputs
    outputs = LocalCertificateOutputs
    identity = ("rotation",)
    replaced_by: ClassVar[Mapping[str, str]] = {"rotation": "another authority is made"}
    secrets = frozenset({"key", "authority_key"})

    def check(self, old: LocalCertificateInputs | None, new: LocalCertificateInputs) -> Iterator[Failure]:
        del old
        for index, host in enumerate(new.hosts):
            if not host or not host.isascii() or not host.isprintable() or " " in host or len(host) > 253:  # noqa: PLR2004
                yield Failure(("hosts", index), f"expected a name or an IP address, got {host!r}")

    def planned(self, old: Mapping[str, Any], new: LocalCertificateInputs) -> dict[str, Any]:
        return {key: old[key] for key in ("authority", "authority_key") if key in old}

    async def create(self, session: Session, new: LocalCertificateInputs) -> Live[LocalCertificateInputs]:
        from infra.provider.certificates import new_authority  # noqa: PLC0415

        authority, authority_key = new_authority(f"{session.owner} local authority", AUTHORITY_DAYS)
        return Live(id=secrets.token_hex(8), inputs=new, outputs=_signed(new, authority, authority_key))

    async def read(
        self, session: Session, id_: str, known: LocalCertificateInputs | None, state: Mapping[str, Any]
    ) -> Live[LocalCertificateInputs] | None:
        if known is None:
            raise Rejected("a local certificate lives in the state alone: it can't be imported")
        outputs = {key: state[key] for key in LocalCertificateOutputs.model_fields}
        return Live(id=id_, inputs=known, outputs=LocalCertificateOutputs(**outputs))

    async def update(
        self,
        session: Session,
        id_: str,
        old: LocalCertificateInputs,
        new: LocalCertificateInputs,
        state: Mapping[str, Any],
    ) -> Live[LocalCertificateInputs]:
        return Live(id=id_, inputs=new, outputs=_signed(new, state["authority"], state["authority_key"]))

    async def delete(
        self, session: Session, id_: str, old: LocalCertificateInputs, state: Mapping[str, Any]
    ) -> None: ...


def _signed(inputs: LocalCertificateInputs, authority: str, authority_key: str) -> LocalCertificateOutputs:
    # Few stacks need it, and importing what makes certificates would slow the start of the plugin for all.
    from infra.provider.certificates import signed  # noqa: PLC0415

    certificate, key, expires = signed(inputs.hosts, inputs.valid_days, authority, authority_key)
    return LocalCertificateOutputs(
        certificate=certificate + authority,
        key=key,
        authority=authority,
        authority_key=authority_key,
        expires=expires.isoformat(timespec="seconds"),
    )
