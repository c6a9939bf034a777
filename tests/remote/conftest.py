"""A dev stack on another machine's engine."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests.remote.machine import Machine
from tests.stack.platforms import Platform, declared_in


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
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
