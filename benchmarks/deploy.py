"""The peer that comes with Prefect: `prefect work-pool create` for each pool, then `prefect deploy --all`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

from benchmarks.peer import seconds_of
from benchmarks.work import Work

FLOW: Final = """\
from prefect import flow


@flow(name="flow-{n}")
def flow_{n}(dias: int = 7) -> None:
    pass
"""


def create_pools(url: str, work: Work, folder: Path) -> float:
    """Seconds for all pools: Prefect has no file to declare them in, and its command makes one."""
    return sum(
        _prefect("work-pool", "create", pool, "--type", "process", url=url, folder=folder) for pool in work.pools
    )


def deploy_all(url: str, work: Work, folder: Path) -> float:
    """Seconds for all deployments; their pools must be there."""
    (folder / "flows").mkdir()
    for n in range(work.size):
        (folder / f"flows/flow_{n}.py").write_text(FLOW.format(n=n))
    entries = [
        {
            **{key: item[key] for key in ("name", "entrypoint", "description", "tags", "parameters", "schedules")},
            "work_pool": {"name": item["work_pool_name"], "job_variables": item["job_variables"]},
        }
        for item in work.deployments
    ]
    pull = [{"prefect.deployments.steps.set_working_directory": {"directory": str(folder)}}]
    # JSON is YAML.
    (folder / "prefect.yaml").write_text(json.dumps({"name": "bench", "pull": pull, "deployments": entries}))
    return _prefect("deploy", "--all", url=url, folder=folder)


def _prefect(*arguments: str, url: str, folder: Path) -> float:
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    settings = {"PREFECT_API_URL": url, "PREFECT_HOME": str(folder / "home"), "DO_NOT_TRACK": "1"}
    return seconds_of(command, folder, settings, without=("PREFECT_",))
