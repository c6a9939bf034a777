"""One container follows another under one name: the new one is healthy, or the former has its name back and goes on."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from infra.toolchain.facts import read_facts

pytestmark = pytest.mark.docker
ROOT = Path(__file__).parents[2]
WORKS = "trap 'exit 0' TERM; touch /tmp/sano; sleep 600 & wait"
NEVER_HEALTHY = "trap 'exit 0' TERM; echo no llego a http://u:s3cr3t@servidor; sleep 600 & wait"
HEALTHY_THE_SECOND_TIME = f"test -e /tmp/otra && {{ {WORKS}; }}; touch /tmp/otra; {NEVER_HEALTHY}"


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


@dataclass
class Names:
    """Containers of one name, one after the other."""

    name: str

    @property
    def labels(self) -> dict[str, str]:
        return {"prefect-infra-test": self.name}

    def start(self, script: str, name: str | None = None, restart: str = "always") -> str:
        options = ("--network", "none", "--restart", restart, "--health-cmd", "test -e /tmp/sano")
        labels = ("--label", f"prefect-infra-test={self.name}", "--health-interval", "1s")
        image = read_facts(ROOT).base_image
        return docker("run", "-d", "--name", name or self.name, *options, *labels, image, "sh", "-c", script)

    def follow(self, script: str) -> str:
        """As Pulumi does it: the one at work is renamed, and the new one made."""
        docker("rename", self.name, f"{self.name}-former-{self.id_of(self.name)[:12]}")
        return self.start(script)

    def id_of(self, name: str) -> str:
        return docker("inspect", "--format", "{{.Id}}", name)

    def there(self) -> dict[str, str]:
        """Names and states by id."""
        shown = docker("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.State}}", "-f", f"name={self.name}")
        return {line.split()[0]: " ".join(line.split()[1:]) for line in shown.splitlines()}

    def inputs(self, container: str, seconds: int = 60, **more: Any) -> dict[str, Any]:
        told = {"name": self.name, "container_id": container, "labels": self.labels, "timeout_seconds": seconds}
        return {**told, **more}


@pytest.fixture
def names() -> Iterator[Names]:
    made = Names(f"t-{secrets.token_hex(4)}")
    yield made
    for container in docker("ps", "-aq", "--filter", f"name={made.name}").split():
        docker("rm", "--force", container)


async def test_it_is_there_once_the_container_is_healthy(offline: Any, names: Names) -> None:
    first = names.start(WORKS)
    resource = await offline.up("HandedOver", "r", names.inputs(first))
    assert docker("inspect", "--format", "{{.State.Health.Status}}", first) == "healthy"
    assert (await offline.up("HandedOver", "r", names.inputs(first))).steps == ["same"]
    assert await offline.refresh(resource) == []

    second = names.follow(WORKS)
    await offline.up("HandedOver", "r", names.inputs(second))
    third = names.follow(WORKS)
    await offline.up("HandedOver", "r", names.inputs(third))

    assert names.there() == {third: f"{names.name} running"}


async def test_one_whose_former_is_needed_longer_leaves_it_to_who_removes_it(offline: Any, names: Names) -> None:
    first = names.start(WORKS)
    await offline.up("HandedOver", "r", names.inputs(first, ends_former=False))
    second = names.follow(WORKS)

    await offline.up("HandedOver", "r", names.inputs(second, ends_former=False))

    assert names.there() == {first: f"{names.name}-leaving-{first[:12]} running", second: f"{names.name} running"}


async def test_in_the_place_of_one_that_is_not_healthy_the_former_goes_on_under_its_name(
    offline: Any, names: Names
) -> None:
    first = names.start(WORKS)
    await offline.up("HandedOver", "r", names.inputs(first))
    broken = names.follow(NEVER_HEALTHY)

    with pytest.raises(grpc.aio.AioRpcError, match=r"not healthy after 2 s") as told:
        await offline.up("HandedOver", "r", names.inputs(broken, seconds=2))

    assert "no llego a http://u:[secret]@servidor" in str(told.value.details())
    assert "the former container goes on" in str(told.value.details())
    assert names.there() == {first: f"{names.name} running", broken: f"{names.name}-failed-{broken[:12]} exited"}
    good = names.follow(WORKS)
    await offline.up("HandedOver", "r", names.inputs(good))
    assert names.there()[good] == f"{names.name} running"


async def test_one_that_failed_is_tried_again_and_fails_again_or_takes_over(offline: Any, names: Names) -> None:
    first = names.start(WORKS)
    await offline.up("HandedOver", "r", names.inputs(first))
    second = names.follow(HEALTHY_THE_SECOND_TIME)
    with pytest.raises(grpc.aio.AioRpcError, match=r"not healthy"):
        await offline.up("HandedOver", "r", names.inputs(second, seconds=2))

    await offline.up("HandedOver", "r", names.inputs(second))

    assert names.there() == {second: f"{names.name} running"}


async def test_one_that_ends_by_itself_again_and_again_is_not_waited_for(offline: Any, names: Names) -> None:
    broken = names.start("echo falta un módulo; exit 3")
    with pytest.raises(grpc.aio.AioRpcError, match=r"ended by itself \d+ times") as told:
        await offline.up("HandedOver", "r", names.inputs(broken, seconds=600))
    assert "falta un módulo" in str(told.value.details())
    assert "former" not in str(told.value.details())


async def test_one_that_comes_and_goes_rests_unless_the_one_before_it_is_at_work(offline: Any, names: Names) -> None:
    first = names.start(WORKS)
    docker("stop", first)
    await offline.up("HandedOver", "r", names.inputs(first, comes_and_goes=True))
    assert names.there() == {first: f"{names.name} exited"}
    second = names.follow(WORKS)
    docker("stop", second)
    await offline.up("HandedOver", "r", names.inputs(second, comes_and_goes=True))
    assert names.there() == {second: f"{names.name} exited"}

    docker("start", second)
    third = names.follow(WORKS)
    docker("stop", third)
    await offline.up("HandedOver", "r", names.inputs(third, comes_and_goes=True))

    assert names.there() == {third: f"{names.name} running"}
    broken = names.follow(NEVER_HEALTHY)
    with pytest.raises(grpc.aio.AioRpcError, match=r"not healthy after 2 s"):
        await offline.up("HandedOver", "r", names.inputs(broken, seconds=2, comes_and_goes=True))
    assert names.there() == {third: f"{names.name} running", broken: f"{names.name}-failed-{broken[:12]} exited"}


async def test_with_it_goes_what_an_interrupted_up_left_of_its_name_and_nothing_else(
    offline: Any, names: Names
) -> None:
    first = names.start(WORKS)
    resource = await offline.up("HandedOver", "r", names.inputs(first))
    unproven = names.follow(WORKS)
    similar = names.start(WORKS, name=f"{names.name}-10")

    await offline.destroy(resource)

    assert names.there() == {
        first: f"{names.name}-former-{first[:12]} running",
        similar: f"{names.name}-10 running",
    }
    assert unproven not in names.there()


async def test_one_that_is_gone_is_gone(offline: Any, names: Names) -> None:
    first = names.start(WORKS)
    resource = await offline.up("HandedOver", "r", names.inputs(first))
    docker("rm", "--force", first)
    assert await offline.refresh(resource) == ["gone"]


async def test_another_resources_container_that_has_the_name_by_now_is_left_alone(offline: Any, names: Names) -> None:
    first = names.start(WORKS)
    resource = await offline.up("HandedOver", "r", names.inputs(first))
    docker("rm", "--force", first)
    other = names.start(WORKS)

    await offline.destroy(resource)

    assert names.there() == {other: f"{names.name} running"}
