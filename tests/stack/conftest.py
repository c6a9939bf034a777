"""Stacks for tests, destroyed even when a test fails."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stack import older
from tests.stack.platforms import Declared, Platform, declared_in, docker
from tests.stack.signing_in import api, outputs, trusting  # noqa: F401  # fixtures
from tests.stack.told import give_the_address, tell_of_failures


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


@pytest.fixture(scope="session")
def older_prefect(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an older release, installed for the tests."""
    return older.install(tmp_path_factory.mktemp("older-prefect"))


@pytest.fixture(scope="session")
def declared_prod(new_platform: Callable[..., Platform]) -> Platform:
    """Prod, not up yet: one area, one worker and another when there is more to do; on ports that are free."""

    def small(declared: Declared) -> None:
        for area in ("compras", "finanzas"):
            del declared["areas"][area]
        declared["server"] |= {"port": "auto", "protect": False, "services_replicas": 2}
        declared["server"]["proxy"]["http_port"] = "auto"
        scale = {"min": 1, "max": 2, "cool_down": "10s"}
        declared["workers"] = {"type": "docker", "limit": 1, "autoscale": scale}
        declared["schedules_active"] = False
        tell_of_failures(declared, "ventas")

    made = new_platform("prod", small)
    give_the_address(made)
    return made


@pytest.fixture(scope="session")
def left(declared_prod: Platform, older_prefect: Path, tmp_path_factory: pytest.TempPathFactory) -> older.Left:
    """What the first `up` of prod finds in the database: an older Prefect has used it."""
    home = tmp_path_factory.mktemp("older-home")
    names = ("ventas-prod", "resumen-diario", "resumen-diario-de-ventas")
    return older.left_in_the_volume_of(declared_prod, older_prefect, home, *names)


@pytest.fixture(scope="session")
def prod(declared_prod: Platform, left: older.Left) -> Platform:
    """Up, for four modules. The last one changes it, and takes it down."""
    del left
    declared_prod.up()
    return declared_prod
