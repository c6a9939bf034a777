"""A checkout with a stack of its own on a real Prefect server, brought up by the real `pulumi`; no containers."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.toolchain.launcher import environment
from tests.patient import Patient
from tests.provider.conftest import running_server
from tests.stack.platforms import ROOT, copy_checkout

SECONDS = 600
GIT = "    location: git\n    repository: https://git.example.com/datos/flujos.git\n    branch: main\n"


@dataclass
class Checkout:
    folder: Path
    stack: str
    api_url: str

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "PULUMI_CONFIG_PASSPHRASE": "solo-para-pruebas",
            "PULUMI_BACKEND_URL": f"file://{self.folder}/.state/pulumi?metadata=skip",
            "PULUMI_HOME": str(ROOT / ".state" / "home"),
            "PREFECT_PROFILES_PATH": str(self.folder / "profiles.toml"),
            "PREFECT_INFRA_PYTHON": str(ROOT / ".venv" / "bin" / "python"),
            "NO_COLOR": "1",
        }
        base = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "PREFECT_"))}
        return {**base, **environment(ROOT, self.stack), **own}

    def _run(self, *command: str, code: int | None) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
        if code is not None and done.returncode != code:
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def pulumi(self, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        words = (*arguments, "--non-interactive", "--color", "never")
        return self._run(str(ROOT / ".venv" / "bin" / "pulumi"), *words, code=code)

    def ours(self, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """`prefect-infra`."""
        return self._run(str(ROOT / ".venv" / "bin" / "prefect-infra"), *arguments, code=code)

    def up(self) -> None:
        self.pulumi("up", "--yes", "--skip-preview", "--stack", self.stack)

    def drift(self, code: int) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.ours("drift", "--json", "--stack", self.stack, code=code).stdout)
        return told

    def api(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.api_url}/", transport=Patient(), timeout=30)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_server(tmp_path_factory.mktemp("prefect-home")) as url:
        yield url


@pytest.fixture(scope="module")
def new_checkout(tmp_path_factory: pytest.TempPathFactory, server: str) -> Callable[[], Checkout]:
    def make() -> Checkout:
        folder = tmp_path_factory.mktemp("checkout")
        copy_checkout(folder)
        made = Checkout(folder, f"t-{secrets.token_hex(3)}", server)
        dev = (folder / "Pulumi.dev.yaml").read_text()
        there = dev.replace("    port: auto # a free port, which then stays the same\n", f"    api_url: {server}\n")
        there = there.replace("    location: checkout\n", GIT)
        assert there != dev
        (folder / f"Pulumi.{made.stack}.yaml").write_text(there)
        made.pulumi("stack", "init", made.stack)
        return made

    return make
