"""A broken stack file is refused by key, before anything is made."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.docker


def deployment(declared: Any) -> Any:
    return declared["areas"]["compras"]["deployments"][0]


BROKEN: dict[str, tuple[Callable[[Any], None], str]] = {
    "unknown key": (lambda d: deployment(d).update(entripoint="x"), "entripoint"),
    "bad cron": (lambda d: deployment(d).update(schedules=[{"cron": "61 * * * *"}]), "cron"),
    "bad time zone": (lambda d: d.__setitem__("timezone", "America/Baires"), "timezone"),
    "utc": (lambda d: d.__setitem__("timezone", "Etc/UTC"), "timezone"),
    "missing entrypoint file": (lambda d: deployment(d).update(entrypoint="flows/no_hay.py:f"), "entrypoint"),
    "not a flow": (lambda d: deployment(d).update(entrypoint="flows/compras/lista_de_precios.py:Path"), "entrypoint"),
    "pool of another environment": (
        lambda d: deployment(d).update(work_pool={"name": "compras-prod"}),
        "work_pool",
    ),
    "duplicate names": (
        lambda d: d["areas"]["ventas"]["deployments"][0].update(name=deployment(d)["name"]),
        "name",
    ),
    "wrong type": (lambda d: d["areas"]["compras"].update(concurrency_limit="cuatro"), "concurrency_limit"),
}


@pytest.mark.parametrize("mistake", sorted(BROKEN))
def test_each_mistake_is_told_by_key_and_line_and_nothing_is_made(
    new_platform: Callable[..., Any], mistake: str
) -> None:
    change, key = BROKEN[mistake]
    platform = new_platform(change=change)

    refused = platform.up(check=False)

    told = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert key in told
    assert f"Pulumi.{platform.stack}.yaml:" in told, told
    assert "Traceback" not in told
    assert platform.containers() == []


def test_a_port_that_is_taken_is_told_before_anything_is_made(new_platform: Callable[..., Any]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        platform = new_platform(change=lambda d: d.__setitem__("server", {"port": port}))

        refused = platform.up(check=False)

    told = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert f"port {port}" in told
    assert "prefect-infra:server.port" in told
    assert platform.containers() == []


@pytest.mark.parametrize("base", ["dev", "prod"])
def test_the_committed_stack_files_are_in_the_form_that_pulumi_writes(
    new_platform: Callable[..., Any], base: str
) -> None:
    """Else the first `pulumi up` would leave git with a file full of changes."""
    platform = new_platform(base=base)

    written = platform.file.read_text()

    without_salt = "".join(line for line in written.splitlines(True) if not line.startswith("encryptionsalt:"))
    assert without_salt == (platform.folder / f"Pulumi.{base}.yaml").read_text()
    assert without_salt != written
