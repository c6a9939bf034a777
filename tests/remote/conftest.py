"""A dev stack on another machine's engine."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.remote.machine import Machine
from tests.stack.platforms import Platform, copy_checkout


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
    folder = tmp_path_factory.mktemp("checkout")
    copy_checkout(folder)
    platform = Platform(folder, f"dev-{secrets.token_hex(3)}", folder / "profiles.toml", variables=machine.client)
    shutil.copy2(folder / "Pulumi.dev.yaml", platform.file)

    def on_that_machine(declared: Any) -> None:
        for area in ("ventas", "finanzas"):
            del declared["areas"][area]
        declared["host"] = machine.url
        declared["server"] = {"bind": "0.0.0.0", "auth": "required"}
        declared["workers"] = {"type": "docker", "drain_seconds": 5}
        declared["code"] = {"location": "image"}

    platform.edit(on_that_machine)
    return platform
