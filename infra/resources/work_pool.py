"""Work pools and their queues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import pulumi

from infra.resources.light_program import lighten


class StorageConfiguration(TypedDict, total=False):
    """What each key means: `infra.provider.kinds.work_pool`."""

    bundle_upload_step: Mapping[str, Any]
    bundle_execution_step: Mapping[str, Any]
    default_result_storage_block_id: pulumi.Input[str]


class WorkPool(pulumi.CustomResource):
    """A work pool. Its id is its name.

    Import: `pulumi import prefect:index:WorkPool compras compras-prod`.
    """

    name: pulumi.Output[str]
    work_pool_id: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        name: pulumi.Input[str],
        type: pulumi.Input[str],  # noqa: A002  # Prefect's own name
        description: pulumi.Input[str] | None = None,
        concurrency_limit: pulumi.Input[int] | None = None,
        is_paused: pulumi.Input[bool] | None = None,
        job_defaults: pulumi.Input[Mapping[str, Any]] | None = None,
        job_configuration: pulumi.Input[Mapping[str, Any]] | None = None,
        base_job_template: pulumi.Input[Mapping[str, Any]] | None = None,
        storage_configuration: pulumi.Input[StorageConfiguration] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        owners: pulumi.Input[Mapping[str, str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "name": name,
            "type": type,
            "description": description,
            "concurrency_limit": concurrency_limit,
            "is_paused": is_paused,
            "job_defaults": job_defaults,
            "job_configuration": job_configuration,
            "base_job_template": base_job_template,
            "storage_configuration": storage_configuration,
            "adopt": adopt,
            "owners": owners,
            "work_pool_id": None,
        }
        lighten()
        super().__init__("prefect:index:WorkPool", resource_name, properties, opts)


class WorkQueue(pulumi.CustomResource):
    """A queue of a pool. Its id is `<pool>/<queue>`; after it was renamed, the former one until a refresh."""

    name: pulumi.Output[str]
    work_queue_id: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        work_pool: WorkPool,
        name: pulumi.Input[str],
        priority: pulumi.Input[int] | None = None,
        concurrency_limit: pulumi.Input[int] | None = None,
        is_paused: pulumi.Input[bool] | None = None,
        description: pulumi.Input[str] | None = None,
        adopt: pulumi.Input[bool] | None = None,
        owners: pulumi.Input[Mapping[str, str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        properties = {
            "work_pool_name": work_pool.name,
            "work_pool_id": work_pool.work_pool_id,
            "name": name,
            "priority": priority,
            "concurrency_limit": concurrency_limit,
            "is_paused": is_paused,
            "description": description,
            "adopt": adopt,
            "owners": owners,
            "work_queue_id": None,
        }
        super().__init__("prefect:index:WorkQueue", resource_name, properties, opts)
