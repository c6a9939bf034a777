"""An area whose flow runs are containers, started through the socket proxy."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.stack.platforms import docker, eventually
from tests.stack.test_fresh_dev_stack import logs_of, run_to_the_end

pytestmark = pytest.mark.docker
SOONER = "resumen-diario-de-ventas"


def ventas_in_containers(declared: Any) -> None:
    for area in ("compras", "finanzas"):
        del declared["areas"][area]
    ventas = declared["areas"]["ventas"]
    ventas["workers"] = {"type": "docker"}
    (summary,) = [each for each in ventas["deployments"] if each["name"] == SOONER]
    summary["command"] = "python -m prefect.engine"


def test_a_run_is_a_confined_container_and_nothing_of_it_is_left_after_destroy(
    new_platform: Callable[..., Any],
) -> None:
    platform = new_platform(change=ventas_in_containers)
    platform.up()
    outputs = platform.outputs()
    worker = outputs["workers"]["ventas"][0]
    mounts = json.loads(docker("inspect", worker))[0]["Mounts"]
    assert not any(mount["Source"].endswith("docker.sock") for mount in mounts)
    deployment = outputs["deployments"]["control-de-latidos"]["id"]
    with platform.api() as api:
        run = run_to_the_end(api, deployment)
        assert run["state"]["type"] == "COMPLETED", run["state"]
        assert eventually("logs", lambda: logs_of(api, run["id"]))
        sooner = run_to_the_end(api, outputs["deployments"][SOONER]["id"])
        assert sooner["state"]["type"] == "COMPLETED", sooner["state"]
        assert eventually("its logs", lambda: logs_of(api, sooner["id"]))
    runs = [name for name in platform.containers() if "-run-" in name]
    assert runs
    about = json.loads(docker("inspect", runs[0]))[0]
    assert about["Config"]["User"] == "10001:10001"
    assert about["HostConfig"]["CapDrop"] == ["ALL"]
    assert about["HostConfig"]["Memory"] > 0
    assert about["HostConfig"]["PidsLimit"] > 0
    assert not about["HostConfig"]["Privileged"]
    assert "unchanged" in platform.up("--expect-no-changes").stdout
    assert "unchanged" in platform.run("refresh", "--yes", "--stack", platform.stack, "--expect-no-changes").stdout

    platform.destroy()

    assert platform.containers() == []
    assert platform.stack not in docker("volume", "ls", "--format", "{{.Name}}")
    assert platform.stack not in docker("network", "ls", "--format", "{{.Name}}")
