"""Stacks for tests, destroyed even when a test fails."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.stack.platforms import Declared, Platform, declared_in, docker


@pytest.fixture(scope="session")
def new_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Platform]]:
    """Makes stacks `t-<random>` from Pulumi.dev.yaml (or another); destroys what a test left up."""
    made: list[Platform] = []

    def make(base: str = "dev", change: Callable[[Any], None] | None = None, *, init: bool = True) -> Platform:
        platform = declared_in(tmp_path_factory.mktemp("checkout"), base, f"t-{secrets.token_hex(3)}", change)
        if init:
            platform.run("stack", "init", platform.stack)
        made.append(platform)
        return platform

    yield make
    for platform in made:
        if platform.containers():
            platform.run("destroy", "--yes", "--stack", platform.stack, check=False)
        if left := platform.volumes():  # backups stay when a stack is destroyed
            docker("volume", "rm", *left)


@pytest.fixture(scope="module")
def platform(new_platform: Callable[..., Platform]) -> Platform:
    """One dev stack that is up, for the tests of a module."""

    def tell_every_call(declared: Declared) -> None:
        declared["server"] = {"log_level": "INFO"}  # uvicorn's access log

    made = new_platform(change=tell_every_call)
    made.up()
    return made
