"""Prod on a swarm of three nodes."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stack.platforms import Platform, copy_checkout
from tests.swarm.nodes import Nodes

PORT = 4443


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    made = Nodes(3)
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def prod(nodes: Nodes, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Up: one area, with a docker worker on whichever nodes."""
    folder = tmp_path_factory.mktemp("checkout")
    copy_checkout(folder)
    host = {"DOCKER_HOST": nodes.environment(1)["DOCKER_HOST"]}
    platform = Platform(folder, f"t-{secrets.token_hex(3)}", folder / "profiles.toml", variables=host)
    shutil.copy2(folder / "Pulumi.prod.yaml", platform.file)

    def on_the_swarm(declared: Any) -> None:
        for area in ("compras", "finanzas"):
            del declared["areas"][area]
        declared["server"] |= {"port": PORT, "protect": False, "proxy": {"host": nodes.address(1)}}
        declared["workers"] = {"type": "docker", "replicas": 2, "drain_seconds": 5}
        declared["schedules_active"] = False
        declared["runtime"] = "swarm"
        declared["registry"] = nodes.registry
        # Not every kernel has ESP, which encrypts.
        declared["swarm"] = {"data_node": "node-1", "encrypted": False, "socket_group": nodes.socket_group}

    platform.edit(on_the_swarm)
    platform.run("stack", "init", platform.stack)
    platform.up()
    return platform
