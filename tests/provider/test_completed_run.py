"""A container that runs once, to a good end, or fails the `up` and runs again at the next."""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from infra.toolchain.facts import read_facts

pytestmark = pytest.mark.docker
ROOT = Path(__file__).parents[2]


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def volume() -> Iterator[str]:
    name = f"t-{secrets.token_hex(4)}"
    docker("volume", "create", name)
    yield name
    for container in docker("ps", "-aq", "--filter", f"volume={name}").split():
        docker("rm", "--force", container)
    docker("volume", "rm", name)


def made(volume: str, script: str) -> str:
    image = read_facts(ROOT).base_image
    return docker("create", "--network", "none", "-v", f"{volume}:/v", image, "sh", "-c", script)


def ran(container: str) -> bool:
    state = json.loads(docker("inspect", container))[0]["State"]
    return bool(state["Status"] == "exited")


async def test_it_is_there_once_the_container_has_ended_well(offline: Any, volume: str) -> None:
    container = made(volume, "echo hecho > /v/x")
    resource = await offline.up("CompletedRun", "r", {"container_id": container})
    assert ran(container)
    assert await offline.refresh(resource) == []
    assert (await offline.up("CompletedRun", "r", {"container_id": container})).steps == ["same"]
    other = made(volume, "cat /v/x")
    await offline.up("CompletedRun", "r", {"container_id": other})
    assert docker("logs", other) == "hecho"


async def test_one_that_fails_is_told_with_its_last_words_and_runs_again(offline: Any, volume: str) -> None:
    script = "test -f /v/again && exit 0; touch /v/again; echo no llego a postgresql://u:s3cr3t@db/p >&2; exit 3"
    container = made(volume, script)
    with pytest.raises(grpc.aio.AioRpcError, match=r"ended with exit code 3") as told:
        await offline.up("CompletedRun", "r", {"container_id": container})
    assert "no llego a postgresql://u:[secret]@db/p" in str(told.value.details())
    assert "s3cr3t" not in str(told.value.details())

    await offline.up("CompletedRun", "r", {"container_id": container})


async def test_one_that_takes_too_long_is_stopped(offline: Any, volume: str) -> None:
    container = made(volume, "trap 'exit 1' TERM; sleep 600 & wait")
    with pytest.raises(grpc.aio.AioRpcError, match=r"not at its end after 1 s"):
        await offline.up("CompletedRun", "r", {"container_id": container, "timeout_seconds": 1})
    assert ran(container)


async def test_one_that_is_gone_is_gone(offline: Any, volume: str) -> None:
    container = made(volume, "true")
    resource = await offline.up("CompletedRun", "r", {"container_id": container})
    docker("rm", container)
    assert await offline.refresh(resource) == ["gone"]
