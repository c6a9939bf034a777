"""The docker command, by one that answers as the engine does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tenacity import wait_none

from infra.components import orphans
from infra.provider.docker_command import docker
from infra.provider.errors import NotFound, ProviderError

ENDING = "Error response from daemon: sandbox 64c9 not found\nError: failed to rename container named 1833"


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A line for each time that it was called."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for command in (docker, orphans.docker):
        monkeypatch.setattr(command.retry, "wait", wait_none())
    return tmp_path / "calls"


def says(calls: Path, complaint: str, *, until: int) -> None:
    """With an error until it was called so often."""
    command = calls.parent / "docker"
    command.write_text(
        f"#!/bin/sh\necho >> {calls}\n"
        f'if [ "$(wc -l < {calls})" -gt {until} ]; then echo done; exit; fi\ncat >&2 <<END\n{complaint}\nEND\nexit 1\n'
    )
    command.chmod(0o755)


def how_often(calls: Path) -> int:
    return calls.read_text().count("\n")


@pytest.mark.parametrize("command", [docker, orphans.docker], ids=["of the provider", "of the program"])
async def test_a_container_that_ends_just_now_is_renamed_a_moment_later(calls: Path, command: Any) -> None:
    says(calls, ENDING, until=2)
    assert (await command("rename", "1833", "x")).strip() == "done"
    assert how_often(calls) == 3


async def test_one_that_ends_for_ever_is_told_after_a_while(calls: Path) -> None:
    says(calls, ENDING, until=1000)
    with pytest.raises(ProviderError, match=r"docker rename: .*sandbox"):
        await docker("rename", "1833", "x")


@pytest.mark.parametrize(
    ("complaint", "error"), [("Error: No such container: x", NotFound), ("Error: name in use", ProviderError)]
)
async def test_any_other_complaint_is_told_at_once(calls: Path, complaint: str, error: type[Exception]) -> None:
    says(calls, complaint, until=1000)
    with pytest.raises(error, match=complaint):
        await docker("rename", "x", "y")
    assert how_often(calls) == 1
