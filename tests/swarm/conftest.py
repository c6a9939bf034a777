"""Prod on a swarm of three nodes: one manages, one keeps the data, two are the machines of Ventas."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stack.platforms import Platform, declared_in
from tests.stack.signing_in import api, outputs, trusting  # noqa: F401  # fixtures
from tests.swarm.in_flight import WAITS, waiting
from tests.swarm.nodes import Nodes

PORT = 4443
PLAIN_PORT = 4480
DATA_NODE = 2
VENTAS = (2, 3)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    made = Nodes(3)
    try:
        made.start()
        for number in VENTAS:
            made.label(number, "prefect-infra.area=ventas")
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def declared(nodes: Nodes, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Not up yet: an area with docker workers on machines of its own, one with a process worker on whichever."""

    def on_the_swarm(declared: Any) -> None:
        own = {"host": nodes.address(1), "http_port": PLAIN_PORT}
        del declared["areas"]["finanzas"]
        declared["server"] |= {"port": PORT, "protect": False, "proxy": own}
        declared["workers"] = {"type": "docker", "replicas": 2, "drain_seconds": 60}
        # One run each: of two, each of its two machines has one.
        declared["areas"]["ventas"]["workers"] = {"placement": "area", "limit": 1}
        declared["areas"]["compras"]["workers"] = {"type": "process", "replicas": 1, "drain_seconds": 300}
        for area in ("ventas", "compras"):
            slow = {"name": waiting(area), "entrypoint": "flows/espera.py:espera", "description": "Espera."}
            declared["areas"][area]["deployments"].append(slow)
        declared["janitor"] = {"every": "5s", "heartbeat_seconds": 30, "rerun_crashed": 1}
        declared["schedules_active"] = False
        declared["runtime"] = "swarm"
        declared["registry"] = nodes.registry
        declared["swarm"] = {"data_node": f"node-{DATA_NODE}", "socket_group": nodes.socket_group}

    own = nodes.log_in(tmp_path_factory.mktemp("docker"))
    folder = tmp_path_factory.mktemp("checkout")
    platform = declared_in(folder, "prod", f"t-{secrets.token_hex(3)}", on_the_swarm, own)
    (platform.folder / "flows" / "espera.py").write_text(WAITS)
    platform.run("stack", "init", platform.stack)
    return platform


@pytest.fixture(scope="module")
def prod(nodes: Nodes, declared: Platform) -> Platform:
    """Up."""

    def as_the_kernel_can(given: Any) -> None:
        given["swarm"]["encrypted"] = nodes.encrypts

    declared.edit(as_the_kernel_can)
    declared.up()
    return declared
