"""The work that all contestants do: ten pools, and N flows with a deployment and a cron schedule each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

POOLS: Final = 10
ZONE: Final = "America/Argentina/Buenos_Aires"
SCHEMA: Final = {
    "title": "Parameters",
    "type": "object",
    "properties": {"dias": {"default": 7, "position": 0, "title": "dias", "type": "integer"}},
}


@dataclass(frozen=True)
class Work:
    """Plain values, from which each contestant makes its own form."""

    size: int

    @property
    def pools(self) -> list[str]:
        return [f"area-{n}" for n in range(POOLS)]

    @property
    def deployments(self) -> list[dict[str, Any]]:
        return [
            {
                "name": f"deployment-{n}",
                "flow_name": f"flow-{n}",
                "entrypoint": f"flows/flow_{n}.py:flow_{n}",
                "work_pool_name": f"area-{n % POOLS}",
                "description": f"What flow {n} is for, in a sentence as long as such a sentence usually is.",
                "tags": ["benchmark", f"area-{n % POOLS}"],
                "parameters": {"dias": n % 30},
                "parameter_openapi_schema": SCHEMA,
                "job_variables": {"env": {"NUMBER": str(n)}},
                "schedules": [{"slug": "daily", "cron": f"{n % 60} {n % 24} * * *", "timezone": ZONE}],
            }
            for n in range(self.size)
        ]

    def declared(self, api_url: str, **changes: Any) -> dict[str, Any]:
        """All of it for that server, as a file for who declares; `changes` are made to the first deployment."""
        deployments = self.deployments
        deployments[0] |= changes
        return {"api_url": api_url, "pools": self.pools, "deployments": deployments}
