"""A flow that touches nothing, to try a worker's image with: a task, a log record, and the server's answer."""

from __future__ import annotations

import prefect
from prefect import flow, get_run_logger, task
from prefect.client.orchestration import get_client


@task
def releases() -> tuple[str, str]:
    """Of Prefect: of this image, and of the server."""
    with get_client(sync_client=True) as client:
        return prefect.__version__, client.api_version()


@flow(name="smoke-of-an-upgrade")
def smoke() -> None:
    ours, servers = releases()
    get_run_logger().info("Prefect %s here, %s on the server", ours, servers)
