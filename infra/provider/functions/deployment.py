"""Looking up deployments."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self
from uuid import UUID

from pydantic import Field, field_serializer, model_validator

from infra.provider.api import Api
from infra.provider.errors import NotFound
from infra.provider.functions.absent import not_there
from infra.provider.functions.function import MANAGED_BY, Arguments, Function, Result
from infra.provider.kinds import schedule as schedules
from infra.provider.kinds.kind import OWNER_LABEL
from infra.provider.kinds.schedule import Schedule
from infra.provider.listing import Row, first

_SAME = (
    *("name", "entrypoint", "description", "version", "path", "paused"),
    *("work_pool_name", "work_queue_name", "parameter_openapi_schema", "enforce_parameter_schema"),
)


class DeploymentArguments(Arguments):
    name: str | None = Field(
        default=None, description="`flow/deployment`, as `prefect deployment run` takes it; or the deployment's alone."
    )
    flow_name: str | None = Field(default=None, description="The flow, where `name` is the deployment's alone.")
    deployment_id: UUID | None = Field(
        default=None, description="The server's UUID, in place of names: a deployment resource's id."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        match self.name, self.flow_name, self.deployment_id:
            case (None, None, UUID()):
                return self
            case (_, _, UUID()):
                raise ValueError("give either deployment_id or names, not both")
            case (str(name), None, None) if name.count("/") == 1 and all(name.split("/")):
                return self
            case (str(name), str(flow), None) if name and flow and "/" not in name + flow:
                return self
            case (None, _, None):
                raise ValueError("give the name as `flow/deployment`, or the deployment_id")
            case (_, None, None):
                raise ValueError("expected the name as `flow/deployment`, or flow_name beside it")
        raise ValueError("with flow_name, `name` is the deployment's alone: neither has a '/'")

    @property
    def names(self) -> tuple[str, str]:
        """The flow's name and the deployment's, where these are what is asked with."""
        flow, _, name = (f"{self.flow_name}/{self.name}" if self.flow_name else self.name or "").partition("/")
        return flow, name


class DeploymentResult(Result):
    name: str = Field(description="Unique for its flow.")
    flow_name: str = Field(description="The flow.")
    entrypoint: str | None = Field(default=None, description="`path/file.py:function`, relative to the code's root.")
    description: str | None = Field(default=None, description="Markdown, shown in the UI.")
    version: str | None = Field(default=None, description="Of the code, at will.")
    path: str | None = Field(default=None, description="The code's root, where no pull step sets it.")
    tags: tuple[str, ...] = Field(description="Each of its runs has them too.")
    parameters: dict[str, Any] = Field(description="Defaults of the flow's parameters.")
    parameter_openapi_schema: dict[str, Any] | None = Field(
        default=None, description="The flow's signature as a JSON schema."
    )
    enforce_parameter_schema: bool = Field(description="Whether runs whose parameters don't fit are refused.")
    work_pool_name: str | None = Field(default=None, description="The pool; none when that was deleted.")
    work_queue_name: str | None = Field(default=None, description="The pool's queue.")
    paused: bool = Field(description="A paused deployment's schedules make no runs.")
    concurrency_limit: int | None = Field(default=None, description="Runs at once; none where there is no limit.")
    schedules: tuple[Schedule, ...] = Field(description="When it runs by itself.")
    deployment_id: str = Field(description="The server's UUID.")
    flow_id: str = Field(description="The UUID of its flow.")
    schedule_ids: dict[str, str] = Field(description="The schedules' UUIDs by slug.")
    managed_by: str | None = MANAGED_BY

    @field_serializer("schedules")
    def _without_what_they_are_not(self, given: tuple[Schedule, ...]) -> list[dict[str, Any]]:
        """A cron schedule has no `interval`, not one that is null."""
        return [schedule.model_dump(mode="json", exclude_none=True) for schedule in given]


class GetDeployment(Function[DeploymentArguments]):
    """Looks up a deployment by `flow/deployment`, by both names, or by its UUID.

    Job variables and pull steps are not told: they may hold credentials that nothing marks as such.
    """

    token = "prefect:index:getDeployment"  # noqa: S105  # a function's token
    arguments = DeploymentArguments
    result = DeploymentResult

    async def call(self, api: Api, given: DeploymentArguments) -> DeploymentResult:
        if given.deployment_id:
            row = await _by_id(api, str(given.deployment_id))
            flow_name = await _flow_name(api, row["flow_id"])
        else:
            flow_name, name = given.names
            row = await _by_names(api, flow_name, name)
        limit = row["global_concurrency_limit"]
        return DeploymentResult(
            **{key: row[key] for key in _SAME},
            flow_name=flow_name,
            tags=row["tags"] or (),
            parameters=row["parameters"] or {},
            concurrency_limit=limit["limit"] if limit else None,
            schedules=tuple(
                sorted(
                    (schedules.from_row(item, None) for item in row["schedules"]), key=lambda schedule: schedule.slug
                )
            ),
            deployment_id=row["id"],
            flow_id=row["flow_id"],
            schedule_ids=schedules.ids(row["schedules"]),
            managed_by=(row.get("labels") or {}).get(OWNER_LABEL),
        )


async def _by_id(api: Api, id_: str) -> Row:
    row = await api.listing("deployments/filter", "id").row(id_, lambda: api.get_or_none(f"deployments/{id_}"))
    if row is None:
        raise NotFound(f"there is no deployment of the id {id_}")
    return row


async def _by_names(api: Api, flow_name: str, name: str) -> Row:
    deployments, flows = api.listing("deployments/filter", "id"), api.listing("flows/filter", "name")

    async def among(rows: Collection[Row]) -> Row | None:
        flow = (await flows.rows()).get(flow_name)
        return await first(lambda row: flow is not None and (row["flow_id"], row["name"]) == (flow["id"], name))(rows)

    path = f"deployments/name/{flow_name}/{name}"
    row = await deployments.search(among, lambda: api.get_or_none(path))
    if row is None:
        flow_names = {flow["id"]: flow["name"] for flow in (await flows.rows()).values()}
        there = (f"{flow_names.get(row['flow_id'], '')}/{row['name']}" for row in (await deployments.rows()).values())
        raise not_there("deployment", f"{flow_name}/{name}", there)
    return row


async def _flow_name(api: Api, id_: str) -> str:
    flow = await api.listing("flows/filter", "name").search(
        first(lambda row: row["id"] == id_), lambda: api.remembered(f"flows/{id_}")
    )
    return str(flow["name"]) if flow else ""
