"""What a server's API answered, kept together until it is translated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.adoption.prefect_yaml.schedules import NoEqual

__all__ = ["NoEqual", "Row", "ServerRows"]

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ServerRows:
    """All rows of each kind, as the API has them."""

    api_url: str
    pools: tuple[Row, ...] = ()
    queues: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    """By the pool's name."""
    deployments: tuple[Row, ...] = ()
    flow_names: Mapping[str, str] = field(default_factory=dict)
    """By the flow's id."""
    variables: tuple[Row, ...] = ()
    global_limits: tuple[Row, ...] = ()
    tag_limits: tuple[Row, ...] = ()
    automations: tuple[Row, ...] = ()

    def automations_of(self, deployment_id: str) -> tuple[Row, ...]:
        """Those that run this deployment before anything else, whoever made them."""
        return tuple(row for row in self.automations if _runs(row) == deployment_id)

    def without_deployment(self) -> tuple[Row, ...]:
        """The automations that run no deployment that there is."""
        ids = {row["id"] for row in self.deployments}
        return tuple(row for row in self.automations if _runs(row) not in ids)


def _runs(row: Row) -> str | None:
    match row["actions"]:
        case [{"type": "run-deployment", "source": "selected", "deployment_id": str(id_)}, *_]:
            return id_
        case _:
            return None
