"""The database of a stack's server, reached through the engine: packed while it is used, replaced while it is not."""

from __future__ import annotations

import inspect
import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from infra.components.naming import LABEL
from workers.backup import archive

DATA: Final = "/var/lib/prefect"
DATABASE: Final = f"{DATA}/prefect.db"
PYTHON: Final = "/opt/prefect/bin/python"
HEALTHY_SECONDS: Final = 180
STOP_SECONDS: Final = 30
_URL: Final = "PREFECT_SERVER_DATABASE_CONNECTION_URL="


class DatabaseError(Exception):
    """It can't be reached, or not be used in this way. The text says why."""


@dataclass(frozen=True)
class ServerDatabase:
    container: str
    image: str
    volume: str

    @classmethod
    def of(cls, project: str, stack: str) -> ServerDatabase:
        """Raises: DatabaseError: there is no such server, or its database is none of SQLite."""
        names = _containers(project, stack, "server")
        if not names:
            if _containers(project, stack, "api"):
                raise DatabaseError(f"the database of {stack} is on Postgres: `pg_dump` backs it up")
            raise DatabaseError(f"no server of the stack {stack} is on this engine: `pulumi up --stack {stack}` first")
        about = json.loads(_docker("inspect", names[0]))[0]
        url = next((each for each in about["Config"]["Env"] if each.startswith(_URL)), "")
        volume = next((each["Name"] for each in about["Mounts"] if each["Destination"] == DATA), None)
        if "sqlite" not in url or volume is None:
            raise DatabaseError(f"{names[0]} doesn't keep its data in SQLite on a volume of its own")
        return cls(container=names[0], image=about["Image"], volume=volume)

    def pack(self, into: IO[bytes]) -> None:
        """While the server is used."""
        command = ["docker", "exec", self.container, PYTHON, "-I", "-c", _script(), "pack", DATABASE]
        done = subprocess.run(command, stdout=into, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise DatabaseError(_last_line(done.stderr) or f"{self.container} is not running")

    def unpack(self, source: IO[bytes]) -> dict[str, Any]:
        """With the server stopped for it, and started again however it ends."""
        _docker("stop", "--time", str(STOP_SECONDS), self.container)
        try:
            command = [
                *("docker", "run", "--rm", "--interactive", "--network", "none", "--cap-drop", "ALL"),
                *("--security-opt", "no-new-privileges:true", "--read-only", "--memory", "512m"),
                *("--volume", f"{self.volume}:{DATA}", "--entrypoint", PYTHON, self.image),
                *("-I", "-c", _script(), "unpack", DATABASE),
            ]
            done = subprocess.run(command, stdin=source, capture_output=True, check=False)
            if done.returncode != 0:
                raise DatabaseError(_last_line(done.stderr))
        finally:
            _docker("start", self.container)
        manifest: dict[str, Any] = json.loads(done.stdout)
        return manifest

    def wait_until_healthy(self) -> None:
        deadline = time.monotonic() + HEALTHY_SECONDS
        while _docker("inspect", "--format", "{{.State.Health.Status}}", self.container) != "healthy":
            if time.monotonic() > deadline:
                raise DatabaseError(f"{self.container} is not healthy after {HEALTHY_SECONDS} s: see `docker logs`")
            time.sleep(1)

    def version(self) -> str:
        """Of Prefect, in the server's image."""
        ask = "from importlib import metadata; print(metadata.version('prefect'))"
        return _docker("run", "--rm", "--network", "none", "--entrypoint", PYTHON, self.image, "-I", "-c", ask)


def check(file: Path) -> dict[str, Any]:
    """The manifest of a backup that is whole. Raises: DatabaseError."""
    try:
        with file.open("rb") as source:
            return archive.read(source)
    except OSError as error:
        raise DatabaseError(f"{file}: {error.strerror}") from error
    except archive.BackupError as error:
        raise DatabaseError(f"{file}: {error}") from error


def _containers(project: str, stack: str, role: str) -> list[str]:
    wanted = (f"{LABEL}.project={project}", f"{LABEL}.stack={stack}", f"{LABEL}.role={role}")
    filters = [word for label in wanted for word in ("--filter", f"label={label}")]
    return _docker("ps", "--all", "--format", "{{.Names}}", *filters).split()


def _script() -> str:
    return inspect.getsource(archive)


def _docker(*arguments: str) -> str:
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        raise DatabaseError(f"docker: {error.strerror}") from error
    if done.returncode != 0:
        raise DatabaseError(f"docker {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def _last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("backup: ") if lines else ""
