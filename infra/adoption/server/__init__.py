"""What an existing Prefect server has, in the words of stack files: offline, from the rows that its API gives."""

from __future__ import annotations

from infra.adoption.server.deployments import Surroundings, deployment
from infra.adoption.server.draft import Draft, Target
from infra.adoption.server.drafting import drafted
from infra.adoption.server.objects import area, global_concurrency_limit, queues, variable
from infra.adoption.server.rows import NoEqual, Row, ServerRows
from infra.adoption.server.schedules import schedule
from infra.adoption.server.triggers import trigger

__all__ = [
    "Draft",
    "NoEqual",
    "Row",
    "ServerRows",
    "Surroundings",
    "Target",
    "area",
    "deployment",
    "drafted",
    "global_concurrency_limit",
    "queues",
    "schedule",
    "trigger",
    "variable",
]
