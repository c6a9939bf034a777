"""What the program makes of a stack that is on another machine's engine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from infra.components import remote_host
from infra.model import RemoteHost

HOST = "ssh://deploy@prefect.example.com:2222"


def elsewhere(config: dict[str, Any]) -> None:
    config["host"] = HOST
    config["server"] = {"bind": "0.0.0.0", "auth": "required"}
    config["workers"] = {"type": "docker"}
    config["code"] = {"location": "image"}


@pytest.fixture
def machine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `ssh` that answers for it: its socket is of group 4711."""
    remote_host.group_of_socket_there.cache_clear()
    folder = tmp_path_factory.mktemp("bin")
    (folder / "ssh").write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\necho 4711\n')
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("DOCKER_HOST", HOST)
    return folder


def test_it_is_reached_by_the_machines_name_and_nothing_of_this_machine_is_mounted(
    program: Callable[..., Any], machine: Path
) -> None:
    made = program("dev", change=elsewhere)

    (port,) = made.of("HostPort").values()
    assert (port["host"], port["bind"]) == (HOST, "0.0.0.0")
    (profile,) = made.of("Profile").values()
    assert profile["api_url"] == "http://prefect.example.com:4321/api"
    mounts = [mount for each in made.of("Container").values() for mount in each.get("mounts", [])]
    assert {mount["source"] for mount in mounts if mount["type"] == "bind"} == {"/var/run/docker.sock"}
    for pool in made.of("WorkPool").values():
        assert not any(bind.startswith("/") for bind in pool["job_defaults"]["volumes"])


def test_socket_proxies_are_in_the_group_of_that_machines_socket(program: Callable[..., Any], machine: Path) -> None:
    made = program("dev", change=elsewhere)

    holding = {name: each["groupAdds"] for name, each in made.of("Container").items() if each.get("groupAdds")}
    assert sorted(holding) == [f"prefect-infra-dev-{area}-socket-proxy" for area in ("compras", "finanzas", "ventas")]
    assert list(holding.values()) == [["4711"]] * 3
    asked = (machine / "asked").read_text().splitlines()
    question = "-l deploy -p 2222 -- prefect.example.com stat -L -c %g /var/run/docker.sock"
    assert [line.endswith(question) for line in asked] == [True]


@pytest.mark.parametrize("asked", [None, "unix:///var/run/docker.sock", "ssh://deploy@another.example.com"])
def test_nothing_is_made_where_docker_would_ask_another_engine(
    program: Callable[..., Any], machine: Path, monkeypatch: pytest.MonkeyPatch, asked: str | None
) -> None:
    monkeypatch.delenv("DOCKER_HOST") if asked is None else monkeypatch.setenv("DOCKER_HOST", asked)

    with pytest.raises(pulumi.RunError, match=f"prefect-infra:host is {HOST}"):
        program("dev", change=elsewhere)


BASE = "localhost/prefect-infra/base:1"


@pytest.fixture
def engines(machine: Path) -> Path:
    """A `docker` by which this machine's engine has the base image, and the other's gets what it is sent."""
    script = f"""\
case "$*" in
  "image inspect"*) test -e {machine}/loaded ;;
  "--host unix:///here.sock save {BASE}") echo "layers of {BASE}" ;;
  "--host unix:///bare.sock save"*) echo "No such image: {BASE}" >&2; exit 1 ;;
  "--host {HOST} load --quiet") cat > {machine}/sent; test -s {machine}/sent && mv {machine}/sent {machine}/loaded ;;
  *) exit 9 ;;
esac
"""
    (machine / "docker").write_text(f'#!/bin/sh\necho "$@" >> {machine}/docker-asked\n{script}')
    (machine / "docker").chmod(0o755)
    return machine


def sending(here: str) -> Callable[[], Any]:
    (hook,) = remote_host.base_first(BASE, here, RemoteHost(url=HOST, machine="prefect.example.com")).before_create
    return lambda: hook(None)


async def test_the_base_image_is_sent_once_however_many_images_are_built_from_it(engines: Path) -> None:
    send = sending("unix:///here.sock")
    await asyncio.gather(send(), send(), send())

    assert (engines / "loaded").read_text() == f"layers of {BASE}\n"
    asked = (engines / "docker-asked").read_text().splitlines()
    assert len([line for line in asked if " save " in line]) == 1


async def test_a_base_image_that_is_nowhere_is_told_with_both_ways_to_make_it(engines: Path) -> None:
    with pytest.raises(pulumi.RunError) as caught:
        await sending("unix:///bare.sock")()
    told = str(caught.value)
    assert f"No such image: {BASE}" in told
    assert f"`make setup` makes it here, `DOCKER_HOST={HOST} make setup` there" in told
