"""What the stack allows a docker-type worker."""

import re
from collections.abc import Mapping
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

# Every container made through the proxy carries this label, and only those can be watched or ended through it. The
# stack's own containers must not carry it.
OWNER_LABEL = "prefect-infra.flow-run-owner"
RESERVED_LABELS = "prefect-infra."


class Bind(NamedTuple):
    """One mount, as in `source:target` or `source:target:ro`."""

    source: str
    target: str
    read_only: bool

    @classmethod
    def parse(cls, text: str) -> Self:
        match text.split(":"):
            case [source, target] | [source, target, "rw"] if source and target.startswith("/"):
                return cls(source, target, read_only=False)
            case [source, target, "ro"] if source and target.startswith("/"):
                return cls(source, target, read_only=True)
            case _:
                raise ValueError(f"a mount is source:/target, source:/target:ro or source:/target:rw, got {text!r}")

    def __str__(self) -> str:
        return f"{self.source}:{self.target}:{'ro' if self.read_only else 'rw'}"


class Rules(BaseModel):
    """What containers of flow runs may be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    owner: str = Field(pattern=r"^[\w./-]+$")
    """`<project>/<stack>/<area>`: two proxies on one engine never see each other's containers."""
    name_prefix: str = Field(default="", pattern=r"^([a-zA-Z0-9][a-zA-Z0-9_.-]*)?$")
    """Put before the names that Prefect thinks up, or a job asks for: a container's name is also its name in the
    network's DNS, and none of a flow run may be taken for the server's."""
    labels: dict[str, str] = {}
    """Stamped on every container beside the owner's."""
    images: frozenset[Annotated[str, Field(pattern=r"^\w[\w./:@-]*$")]] = Field(min_length=1)
    """Exact references."""
    repositories: frozenset[Annotated[str, Field(pattern=r"^\w[\w./:-]*$")]] = frozenset()
    """Of which any tag and digest will do: while one worker follows another, one asks for the image of before."""
    pull: bool = False
    """Whether those images may be pulled; a stack that builds its own has no need."""
    network: str = Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*$")
    user: str = Field(default="10001:10001", pattern=r"^[1-9]\d*:[1-9]\d*$")
    """Never root, neither as user nor as group."""
    binds: tuple[Annotated[Bind, BeforeValidator(Bind.parse)], ...] = ()
    withheld: frozenset[str] = frozenset()
    """Variables that flow runs don't get, as they read the same from a file on one of the mounts."""
    memory_mb: int = Field(gt=0)
    """This, like cpus and pids, is what a container gets that asks for nothing, and the most it can ask for."""
    cpus: float = Field(gt=0)
    pids: int = Field(gt=0)
    keep_minutes: int = Field(default=60, ge=1)
    """How long an ended container stays to be looked at."""
    log_max_size: str = "10m"
    log_max_files: int = Field(default=3, gt=0)

    def allows(self, image: str) -> bool:
        return image in self.images or any(
            re.fullmatch(rf"{re.escape(repository)}(:[\w][\w.-]{{0,127}}|@sha256:[0-9a-f]{{64}})", image, re.ASCII)
            for repository in self.repositories
        )

    def refusal(self, container: str, labels: Mapping[str, str]) -> str | None:
        """Why a container of those labels isn't the proxy's own, or None."""
        if labels.get(OWNER_LABEL) == self.owner:
            return None
        return f"the container {container} was not made for a flow run of {self.owner}"
