"""Looking up work pools, and the job templates that pools of a worker type start with."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from infra.provider.api import Api
from infra.provider.functions.absent import not_there
from infra.provider.functions.function import MANAGED_BY, Arguments, Function, Result
from infra.provider.kinds.job_template import defaults_of_types
from infra.provider.kinds.kind import OWNER_LABEL
from infra.provider.kinds.work_pool import MARK
from infra.provider.listing import first


class WorkPoolArguments(Arguments):
    name: str = Field(min_length=1, description="The pool's name, such as `compras-prod`.")


class WorkPoolResult(Result):
    name: str = Field(description="Unique on the server.")
    type: str = Field(description="The worker type: process, docker, kubernetes, ...")
    description: str | None = Field(default=None, description="Shown in the UI.")
    concurrency_limit: int | None = Field(default=None, description="Runs at once; none where there is no limit.")
    is_paused: bool = Field(description="A paused pool hands out no runs.")
    base_job_template: dict[str, Any] = Field(
        description="The job template; empty until a worker fills in its type's default."
    )
    work_pool_id: str = Field(description="The server's UUID: another one means that the pool was made anew.")
    managed_by: str | None = MANAGED_BY


class GetWorkPool(Function[WorkPoolArguments]):
    """Looks up a work pool by its name, whoever made it."""

    token = "prefect:index:getWorkPool"  # noqa: S105  # a function's token
    arguments = WorkPoolArguments
    result = WorkPoolResult

    async def call(self, api: Api, given: WorkPoolArguments) -> WorkPoolResult:
        pools = api.listing("work_pools/filter", "name")
        row = await pools.search(
            first(lambda pool: pool["name"] == given.name), lambda: api.get_or_none(f"work_pools/{given.name}")
        )
        if row is None:
            raise not_there("work pool", given.name, await pools.rows())
        same = ("name", "type", "description", "concurrency_limit", "is_paused")
        return WorkPoolResult(
            **{key: row[key] for key in same},
            base_job_template={key: value for key, value in row["base_job_template"].items() if key != MARK},
            work_pool_id=row["id"],
            managed_by=row["base_job_template"].get(MARK, {}).get(OWNER_LABEL),
        )


class JobTemplateArguments(Arguments):
    worker_type: str = Field(min_length=1, description="The worker type: process, docker, kubernetes, ...")


class JobTemplateResult(Result):
    worker_type: str = Field(description="The worker type that was asked for.")
    base_job_template: dict[str, Any] = Field(
        description="The template that a new pool of the type starts with: `job_configuration` and `variables`."
    )


class GetDefaultBaseJobTemplate(Function[JobTemplateArguments]):
    """Looks up the job template that the server has for a worker type: another version of Prefect may have another."""

    token = "prefect:index:getDefaultBaseJobTemplate"  # noqa: S105  # a function's token
    arguments = JobTemplateArguments
    result = JobTemplateResult

    async def call(self, api: Api, given: JobTemplateArguments) -> JobTemplateResult:
        templates = await defaults_of_types(api)
        if given.worker_type not in templates:
            raise not_there("worker type", given.worker_type, templates)
        return JobTemplateResult(worker_type=given.worker_type, base_job_template=templates[given.worker_type])
