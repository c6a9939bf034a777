"""Fresh Prefect servers on the loopback, each with a database of its own.

The database of a server that has migrated once is copied for the later ones: migrating takes longer than much of what
is measured.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import httpx

START_SECONDS: Final = 120
STOP_SECONDS: Final = 20


@dataclass(frozen=True)
class Server:
    url: str
    pid: int

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Databases(Protocol):
    """Where servers keep their data."""

    name: str

    def fresh(self, home: Path) -> dict[str, str]:
        """The settings of a server over a new database; a copy of the template once there is one."""

    def keep_as_template(self, home: Path) -> None:
        """The database of the server of that home, now stopped, is what later ones begin with."""


class Sqlite:
    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._template = folder / "template.db"

    def fresh(self, home: Path) -> dict[str, str]:
        if self._template.exists():
            shutil.copyfile(self._template, home / "prefect.db")
        return {}

    def keep_as_template(self, home: Path) -> None:
        shutil.copyfile(home / "prefect.db", self._template)


class Servers:
    def __init__(self, folder: Path, databases: Databases, *, stock: bool = False) -> None:
        """`stock`: as Prefect ships it, without what our images set."""
        self._stock = stock
        self.database = databases.name
        self._folder = folder
        self._databases = databases
        self._made = 0

    def prepare(self) -> None:
        """Migrate a database once."""
        with self.fresh():
            pass
        self._databases.keep_as_template(self._folder / "server-1")

    @contextmanager
    def fresh(self) -> Iterator[Server]:
        self._made += 1
        home = self._folder / f"server-{self._made}"
        home.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")},
            **self._databases.fresh(home),
            "PREFECT_HOME": str(home),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            **({} if self._stock else {"PYTHONTZPATH": ""}),  # as in our images: see workers/Dockerfile
        }
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
        with (home / "server.log").open("wb") as log:
            process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            try:
                url = f"http://127.0.0.1:{port}/api"
                _wait_until_healthy(url, process, home / "server.log")
                yield Server(url, process.pid)
            finally:
                process.terminate()
                try:
                    process.wait(STOP_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/health").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError(f"the Prefect server did not start; its log:\n{log.read_text()[-4000:]}")
