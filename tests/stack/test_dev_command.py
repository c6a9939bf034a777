"""`prefect-infra dev`, which `make dev` and `make dev-down` call."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.stack.platforms import ROOT, docker
from tests.stack.test_lifecycle import only_compras

pytestmark = pytest.mark.docker


def dev(platform: Any, verb: str) -> str:
    command = [str(ROOT / ".venv/bin/prefect-infra"), "dev", verb, "--stack", platform.stack]
    done = subprocess.run(
        command, cwd=platform.folder, env=platform.environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_up_tries_the_platform_out_again_changes_nothing_and_down_leaves_nothing(
    new_platform: Callable[..., Any],
) -> None:
    platform = new_platform(change=only_compras, init=False)
    declared = YAML(typ="safe").load(platform.file.read_text())

    first = dev(platform, "up")

    assert "Completed" in first
    assert "http://127.0.0.1:" in first
    assert "PREFECT_API_URL" in platform.profiles.read_text()
    again = dev(platform, "up")
    assert "run earlier" in again
    assert "unchanged" in again

    dev(platform, "down")

    assert platform.containers() == []
    for kind in ("volume", "network"):
        assert platform.stack not in docker(kind, "ls", "--format", "{{.Name}}")
    assert not platform.profiles.exists()
    assert YAML(typ="safe").load(platform.file.read_text()) == declared
    state = platform.folder / ".state" / "pulumi"
    assert [path for path in state.rglob(f"{platform.stack}*") if path.is_file()] == []
    assert "nothing to take down" in dev(platform, "down")
