"""`prefect:index:SwarmService`: a service of a Docker Swarm, there once it is what was asked for, or has done it.

Pulumi's Docker provider has a resource for services, without limits of processes, without those that run once, and
without a word of why a task ended. What a service is, is said here in Compose's words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from pydantic import Field

from infra.provider import swarm
from infra.provider.errors import Conflict, NotFound, ProviderError, Rejected
from infra.provider.kinds.kind import Failure, Inputs, Kind, Live, Outputs, Session

OWNER: Final = "prefect-infra.owner"
CHANGED: Final = "changed_on_the_swarm"
_BESIDE: Final = frozenset({"networks", "volumes", "secrets", "configs"})
NAME: Final = r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*$"


class SwarmServiceInputs(Inputs):
    namespace: str = Field(pattern=NAME, description="Whose it is: `docker stack ls` lists services by it.")
    name: str = Field(pattern=NAME, description="The swarm knows it as `<namespace>_<name>`.")
    service: dict[str, Any] = Field(description="One service, as Compose files of version 3.9 have it.")
    beside: dict[str, Any] = Field(
        default_factory=dict, description="Networks, volumes, secrets and configs that it refers to, likewise."
    )
    timeout_seconds: int = Field(default=600, ge=1, description="How long it may take to be healthy, or done.")

    @property
    def full_name(self) -> str:
        return f"{self.namespace}_{self.name}"

    @property
    def runs_once(self) -> bool:
        policy = self.service.get("deploy", {}).get("restart_policy", {})
        return bool(policy.get("condition") == swarm.ONCE)


class SwarmServiceOutputs(Outputs):
    fingerprint: str = Field(description="Of what the swarm was asked for: another one after a change by hand.")


class SwarmService(Kind[SwarmServiceInputs]):
    token = "prefect:index:SwarmService"  # noqa: S105  # a type token
    inputs = SwarmServiceInputs
    outputs = SwarmServiceOutputs
    identity = ("namespace", "name")
    replaced_by: ClassVar[Mapping[str, str]] = {
        "namespace": "a service can't be renamed",
        "name": "a service can't be renamed",
    }

    def check(self, old: SwarmServiceInputs | None, new: SwarmServiceInputs) -> Iterator[Failure]:
        for key in sorted(new.beside.keys() - _BESIDE):
            yield Failure(("beside", key), f"{key!r} is none of {', '.join(sorted(_BESIDE))}")

    async def create(self, session: Session, new: SwarmServiceInputs) -> Live[SwarmServiceInputs]:
        there = await self._ours(session, new)
        return await (self._changed(session, new) if there else self._made(session, new))

    async def _made(self, session: Session, new: SwarmServiceInputs) -> Live[SwarmServiceInputs]:
        try:
            return await self._deployed(session, new, new_one=True)
        except ProviderError:
            await swarm.remove(new.full_name)
            raise

    async def _changed(self, session: Session, new: SwarmServiceInputs) -> Live[SwarmServiceInputs]:
        if new.runs_once:
            await swarm.remove(new.full_name)  # what it is to do, it does from the beginning
            return await self._made(session, new)
        return await self._deployed(session, new, new_one=False)

    async def _ours(self, session: Session, new: SwarmServiceInputs) -> bool:
        """Whether an `up` that was killed left it there. Raises: Conflict: it is somebody else's."""
        try:
            found = await swarm.inspected(new.full_name)
        except NotFound:
            return False
        owner = (found["Spec"].get("Labels") or {}).get(OWNER)
        if owner != session.owner:
            raise Conflict(f"the swarm has a service {new.full_name} already, of {owner or 'somebody else'}")
        return True

    async def _deployed(self, session: Session, new: SwarmServiceInputs, *, new_one: bool) -> Live[SwarmServiceInputs]:
        deploy = new.service.get("deploy", {})
        labels = {**deploy.get("labels", {}), OWNER: session.owner}
        service = {**new.service, "deploy": {**deploy, "labels": labels}}
        mark = await swarm.deploy(new.namespace, new.name, service, new.beside)
        await swarm.converged(new.full_name, mark, new.timeout_seconds, new=new_one)
        found = await swarm.inspected(new.full_name)
        outputs = SwarmServiceOutputs(fingerprint=swarm.fingerprint(found))
        return Live(id=new.full_name, inputs=new, outputs=outputs)

    async def read(
        self, session: Session, id_: str, known: SwarmServiceInputs | None, state: Mapping[str, Any]
    ) -> Live[SwarmServiceInputs] | None:
        if known is None:
            raise Rejected("a service can't be imported: the swarm doesn't tell it in Compose's words")
        try:
            seen = swarm.fingerprint(await swarm.inspected(id_))
        except NotFound:
            return None
        if seen != state.get("fingerprint"):
            known = known.model_copy(update={"service": {**known.service, CHANGED: seen}})
        return Live(id=id_, inputs=known, outputs=SwarmServiceOutputs(fingerprint=seen))

    async def update(
        self,
        session: Session,
        id_: str,
        old: SwarmServiceInputs,
        new: SwarmServiceInputs,
        state: Mapping[str, Any],
    ) -> Live[SwarmServiceInputs]:
        return await self._changed(session, new)

    async def delete(self, session: Session, id_: str, old: SwarmServiceInputs, state: Mapping[str, Any]) -> None:
        await swarm.remove(id_)
