"""A database on SQLite, in the volume of the stack's one server: packed while it is used, replaced while it is not."""

from __future__ import annotations

import inspect
import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Final

from infra.backup.engine import (
    PYTHON,
    STOP_SECONDS,
    DatabaseError,
    containers,
    docker,
    last_line,
    prefect_version,
    wait_until_healthy,
)
from workers.backup import archive

DATA: Final = "/var/lib/prefect"
DATABASE: Final = f"{DATA}/prefect.db"


_SQL: Final = """
import json, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
with connection:
    row = None
    for statement in sys.argv[2:]:
        row = connection.execute(statement).fetchone()
connection.close()
print(json.dumps(None if row is None or row[0] is None else str(row[0])))
"""


@dataclass(frozen=True)
class SqliteDatabase:
    container: str
    image: str
    volume: str
    kind: str = "sqlite"

    @classmethod
    def of(cls, project: str, stack: str) -> SqliteDatabase | None:
        names = containers(project, stack, "server")
        if not names:
            return None
        about = json.loads(docker("inspect", names[0]))[0]
        volume = next((each["Name"] for each in about["Mounts"] if each["Destination"] == DATA), None)
        if volume is None:
            raise DatabaseError(f"{names[0]} doesn't keep its data on a volume of its own")
        return cls(container=names[0], image=about["Image"], volume=volume)

    def pack(self, into: IO[bytes]) -> None:
        """While the server is used."""
        command = ["docker", "exec", self.container, PYTHON, "-I", "-c", inspect.getsource(archive), "pack", DATABASE]
        done = subprocess.run(command, stdout=into, stderr=subprocess.PIPE, check=False)
        if done.returncode != 0:
            raise DatabaseError(last_line(done.stderr).removeprefix("backup: ") or f"{self.container} is not running")

    def unpack(self, source: IO[bytes], prepare: Callable[[], None] | None = None) -> None:
        """With the server stopped for it, and started again however it ends. `prepare`: before it starts."""
        docker("stop", "--time", str(STOP_SECONDS), self.container)
        try:
            done = subprocess.run(
                self._aside(inspect.getsource(archive), "unpack", DATABASE),
                stdin=source,
                capture_output=True,
                check=False,
            )
            if done.returncode != 0:
                raise DatabaseError(last_line(done.stderr).removeprefix("backup: "))
            if prepare is not None:
                prepare()
        finally:
            docker("start", self.container)
        wait_until_healthy(self.container)

    def rows(self) -> dict[str, int]:
        """By table, while the server is stopped."""
        counted: dict[str, int] = json.loads(self._run(inspect.getsource(archive), "facts", DATABASE))["rows"]
        return counted

    def value(self, query: str) -> str | None:
        """The first column of the first row, as text, while the server is stopped."""
        found: str | None = json.loads(self._run(_SQL, DATABASE, query))
        return found

    def execute(self, statements: Sequence[str]) -> None:
        """All or none of them, while the server is stopped."""
        self._run(_SQL, DATABASE, *statements)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(self._aside(*arguments), stdin=subprocess.DEVNULL, capture_output=True, check=False)
        if done.returncode != 0:
            raise DatabaseError(last_line(done.stderr).removeprefix("backup: "))
        return done.stdout.decode()

    def _aside(self, *arguments: str) -> list[str]:
        """A Python of its own on the volume, with no network."""
        return [
            *("docker", "run", "--rm", "--interactive", "--network", "none", "--cap-drop", "ALL"),
            *("--security-opt", "no-new-privileges:true", "--read-only", "--memory", "512m"),
            *("--volume", f"{self.volume}:{DATA}", "--entrypoint", PYTHON, self.image, "-I", "-c", *arguments),
        ]

    def version(self) -> str:
        return prefect_version(self.image)
