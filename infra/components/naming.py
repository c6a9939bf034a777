"""What everything on the engine is called and labelled: whose it is must be seen from `docker ps` alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LABEL: Final = "prefect-infra"
IMAGES: Final = "localhost/prefect-infra"  # built here: never under a vendor's name

SCALED: Final = {f"{LABEL}.scaled": "true"}
"""The label of a container that the autoscaler may start and stop."""


@dataclass(frozen=True)
class Naming:
    """Names of one stack's containers, networks and volumes: `<project>-<stack>[-<area>]-<role>`."""

    project: str
    stack: str

    @property
    def prefix(self) -> str:
        return f"{self.project}-{self.stack}"

    def of(self, role: str, area: str | None = None) -> str:
        return "-".join(part for part in (self.prefix, area, role) if part)

    def labels(self, role: str, area: str | None = None) -> dict[str, str]:
        labels = {f"{LABEL}.project": self.project, f"{LABEL}.stack": self.stack, f"{LABEL}.role": role}
        return labels | ({f"{LABEL}.area": area} if area else {})
