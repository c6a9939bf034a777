"""Another machine with an engine of its own, and what is declared for it: a dev stack, then prod."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests.remote.commands import pulumi
from tests.remote.machine import Machine
from tests.stack.platforms import Platform, declared_in
from tests.stack.signing_in import api, outputs, trusting  # noqa: F401  # fixtures
from tests.swarm.in_flight import WAITS, waiting


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """One for all modules: its engine gets the base image, and builds the others, once."""
    made = Machine()
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def elsewhere(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Its file, and nothing made yet: one area, whose runs are containers of their own."""

    def on_that_machine(declared: Any) -> None:
        for area in ("ventas", "finanzas"):
            del declared["areas"][area]
        declared["host"] = machine.url
        declared["server"] = {"bind": "0.0.0.0", "auth": "required"}
        declared["workers"] = {"type": "docker", "drain_seconds": 5}
        declared["code"] = {"location": "image"}

    folder = tmp_path_factory.mktemp("checkout")
    return declared_in(folder, "dev", f"dev-{secrets.token_hex(3)}", on_that_machine, machine.client)


@pytest.fixture(scope="module")
def prod(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Up: the ports, replicas and protection of Pulumi.prod.yaml, with one area and one worker."""

    def on_that_machine(declared: Any) -> None:
        for area in ("compras", "finanzas"):
            del declared["areas"][area]
        declared["host"] = machine.url
        declared["server"]["bind"] = "0.0.0.0"
        declared["workers"]["replicas"] = 1
        slow = {"name": waiting("ventas"), "entrypoint": "flows/espera.py:espera", "description": "Espera."}
        declared["areas"]["ventas"]["deployments"].append(slow)
        declared["schedules_active"] = False

    folder = tmp_path_factory.mktemp("checkout")
    made = declared_in(folder, "prod", f"t-{secrets.token_hex(3)}", on_that_machine, machine.client)
    (folder / "flows" / "espera.py").write_text(WAITS)
    for words in (("stack", "init"), ("up", "--yes")):
        done = pulumi(made, *words)
        assert done.returncode == 0, done.stdout + done.stderr
    return made
