"""What a person wants deployed, as far as it is known: None is what was not said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from infra.adoption.naming import deployment_name
from infra.model import Deployment, Finding, Report, Stack, check_stack, next_runs
from infra.model.entrypoints import EntrypointError, Entrypoints, Flow
from infra.model.loading import from_file

NEXT_RUNS = 5


@dataclass
class Request:
    entrypoint: str | None = None
    area: str | None = None
    name: str | None = None
    schedules: tuple[dict[str, Any], ...] | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    queue: str | None = None
    tags: tuple[str, ...] | None = None
    description: str | None = None
    concurrency_limit: int | None = None

    def declared(self) -> dict[str, Any]:
        """As a file says it: what was not said is not there."""
        said: dict[str, Any] = {
            "name": self.name,
            "entrypoint": self.entrypoint,
            "description": self.description or None,
            "tags": list(self.tags or ()) or None,
            "parameters": self.parameters or None,
            "concurrency_limit": self.concurrency_limit,
            "work_pool": {"work_queue_name": self.queue} if self.queue else None,
            "schedules": [dict(each) for each in self.schedules or ()] or None,
        }
        return {key: value for key, value in said.items() if value is not None}


class Surroundings:
    """What the stack and the checkout offer for a new deployment."""

    def __init__(self, root: Path, stack: Stack) -> None:
        self.root = root
        self.stack = stack
        self._entrypoints = Entrypoints(root)
        raw = from_file(root, stack.stack).raw
        said = raw.get("schedules_active", stack.environment != "dev")
        self.schedules_active = str(said).lower() == "true"
        """What a schedule is that doesn't say."""
        self.rules = {"rules": raw["rules"]} if "rules" in raw else {}
        """What the stack has turned down."""

    @property
    def areas(self) -> list[str]:
        return [area.name for area in self.stack.areas]

    def queues(self, area: str | None) -> list[str]:
        return [queue.name for each in self.stack.areas if each.name == area for queue in each.pool.queues]

    def taken(self) -> dict[str, str]:
        """Deployments' names, each with its area."""
        return {each.name: area.name for area in self.stack.areas for each in area.deployments}

    def flow(self, entrypoint: str) -> Flow:
        """Raises EntrypointError."""
        return self._entrypoints.flow(entrypoint)

    def flow_or_none(self, entrypoint: str | None) -> Flow | None:
        """None where there is no such flow here, which a git repository may explain."""
        try:
            return self.flow(entrypoint) if entrypoint else None
        except EntrypointError:
            return None

    def area_of(self, entrypoint: str | None) -> str | None:
        """The area that the flow's folder is called after."""
        folders = (entrypoint or "").split("/")[:-1]
        return next((folder for folder in reversed(folders) if folder in self.areas), None)

    def suggested_name(self, entrypoint: str | None) -> str:
        return deployment_name((entrypoint or "").rpartition(":")[2].rpartition(".")[2], "")

    def pool(self, area: str | None) -> str:
        return f"{area}-{self.stack.environment}"

    def missing_parameters(self, request: Request) -> list[str]:
        """Those that the flow requires and nobody has given, where a schedule would start it without."""
        flow = self.flow_or_none(request.entrypoint)
        there = {each.name: each.parameters for area in self.stack.areas for each in area.deployments}
        given = {*request.parameters, *there.get(request.name or "", ())}
        return [name for name in flow.signature.required if name not in given] if flow else []


def report(around: Surroundings, request: Request) -> Report:
    """What the stack's rules say to the deployment by itself, as far as it is known; its schedules taken as active."""
    area = request.area or "area"
    # What is not known yet is a finding of its own, and none about the rest.
    unknown = {"name": "deployment", "entrypoint": "unknown.py:unknown"}
    declared = {**unknown, **request.declared()}
    for schedule in declared.get("schedules", ()):
        schedule.setdefault("active", True)
    queues: dict[str, Any] = {name: {} for name in around.queues(area)}
    raw = {
        "environment": around.stack.environment,
        "timezone": around.stack.timezone,
        "areas": {area: {"queues": queues, "deployments": [declared]}},
        **around.rules,
    }
    return check_stack(raw, project=around.stack.project, stack="deployment", root=around.root)


def firings(deployment: Deployment, now: datetime) -> Iterator[tuple[str, list[datetime]]]:
    """The next five times of each of its schedules, by slug, in the schedule's time zone."""
    for schedule in deployment.schedules:
        yield schedule.slug, next_runs(schedule, NEXT_RUNS, now)


def in_words(findings: Iterable[Finding], *, of: str = "") -> str:
    """The findings without their places, those about the deployment's key `of` where it is given."""
    place = re.compile(rf"deployments\[0\]\.{of}\b")
    found = [each for each in findings if not of or place.search(each.path)]
    return "; ".join(f"{each.message} ({each.hint})" if each.hint else each.message for each in found)
