"""Deployments whose code is in the image: nothing of the checkout is mounted, and new code comes with an `up`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.stack.platforms import docker, eventually
from tests.stack.test_fresh_dev_stack import logs_of, run_to_the_end

pytestmark = pytest.mark.docker
FLOW = '''from prefect import flow, get_run_logger


@flow
def saludo() -> None:
    """Dice qué versión es."""
    get_run_logger().info("versión {version}")
'''
WORKER_TYPES = {"compras": "process", "ventas": "docker"}


def baked(declared: Any) -> None:
    declared["code"] = {"location": "image"}
    del declared["areas"]["finanzas"]
    for area, type_ in WORKER_TYPES.items():
        declared["areas"][area]["workers"] = {"type": type_}
        declared["areas"][area]["deployments"] = [
            {"name": f"saludo-de-{area}", "entrypoint": "flows/saludo.py:saludo", "description": "Saluda."}
        ]
    del declared["areas"]["compras"]["queues"]


def test_runs_of_both_worker_types_take_the_code_from_the_image_and_an_up_brings_new_code(
    new_platform: Callable[..., Any],
) -> None:
    platform = new_platform(change=baked)
    flow = platform.folder / "flows" / "saludo.py"
    for version in ("uno", "dos"):
        flow.write_text(FLOW.replace("{version}", version))
        platform.up()
        outputs = platform.outputs()
        flow.unlink()  # where only the image has it
        with platform.api() as api:
            for area in WORKER_TYPES:
                run = run_to_the_end(api, outputs["deployments"][f"saludo-de-{area}"]["id"])
                assert run["state"]["type"] == "COMPLETED", run["state"]
                eventually(
                    f"the log of {area}, version {version}",
                    lambda run=run, version=version: [
                        row for row in logs_of(api, run["id"]) if row["message"] == f"versión {version}"
                    ],
                )
        for name in platform.containers():
            mounts = json.loads(docker("inspect", name))[0]["Mounts"]
            assert not [mount for mount in mounts if mount["Source"].startswith(str(platform.folder))], name
    platform.destroy()
