"""After the Docker daemon itself was killed, and runs again, the platform is whole by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stack.platforms import ROOT, docker, eventually
from tests.stack.test_fresh_dev_stack import run_to_the_end
from tests.stack.test_lifecycle import only_compras

pytestmark = pytest.mark.docker
PID_FILE = Path("/var/run/docker.pid")


@pytest.mark.skipif(
    os.environ.get("CI") != "true" and os.environ.get("KILL_DOCKERD") != "1",
    reason="kills this machine's Docker daemon, which others may be using: only in CI, or with KILL_DOCKERD=1",
)
def test_the_platform_is_whole_again_once_the_killed_daemon_runs(new_platform: Callable[..., Any]) -> None:
    platform = new_platform(change=only_compras)
    platform.up()
    outputs = platform.outputs()
    with platform.api() as api:
        run = run_to_the_end(api, outputs["deployments"]["importar-lista-de-precios"]["id"])
        names = platform.containers()

        os.kill(int(PID_FILE.read_text()), signal.SIGKILL)
        time.sleep(1)
        setup = [sys.executable, "-m", "infra.toolchain", "setup", "--for", "test"]
        done = subprocess.run(setup, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        began = time.monotonic()

        def healthy() -> bool:
            states = [docker("inspect", "-f", "{{.State.Health.Status}}", name) for name in names]
            return set(states) == {"healthy"}

        eventually("all healthy", healthy, 60)
        print(f"whole again {time.monotonic() - began:.1f} s after the daemon ran")
        assert api.get(f"flow_runs/{run['id']}").json()["state"]["type"] == "COMPLETED"
        again = run_to_the_end(api, outputs["deployments"]["importar-lista-de-precios"]["id"])
        assert again["state"]["type"] == "COMPLETED"
    assert "unchanged" in platform.up("--expect-no-changes").stdout
    platform.destroy()
