"""A database on Postgres, in a container of the stack: dumped as of one moment, restored beside the other, swapped."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from infra.backup.engine import (
    STOP_SECONDS,
    DatabaseError,
    containers,
    docker,
    last_line,
    prefect_version,
    wait_until_healthy,
)
from workers.backup import archive, postgres_dump
from workers.backup.postgres_dump import CONNECT, COUNTS

# Into a database of its own, so that a backup that doesn't fit changes nothing. The extension was there before the
# database's first start, and pg_dump takes what is as old as that for a part of Postgres.
_FILL: Final = (
    CONNECT
    + """
psql --dbname=postgres --quiet --set=ON_ERROR_STOP=1 \
  -c "DROP DATABASE IF EXISTS prefect_restoring WITH (FORCE)" -c "CREATE DATABASE prefect_restoring"
psql --dbname=prefect_restoring --quiet --set=ON_ERROR_STOP=1 -c "CREATE EXTENSION IF NOT EXISTS pg_trgm"
pg_restore --exit-on-error --no-owner --dbname=prefect_restoring
psql --dbname=prefect_restoring --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 <<'SQL'
"""
    + COUNTS
    + """
SQL
"""
)
# Who still uses it, to back it up say, would keep it from being renamed.
_SWAP: Final = (
    CONNECT  # noqa: S608  # no text of anybody else goes into it
    + """
others="SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '$POSTGRES_DB'"
psql --dbname=postgres --quiet --set=ON_ERROR_STOP=1 \
  -c "DROP DATABASE IF EXISTS prefect_before_restore WITH (FORCE)" -c "$others" \
  -c "ALTER DATABASE \\"$POSTGRES_DB\\" RENAME TO prefect_before_restore" \
  -c "ALTER DATABASE prefect_restoring RENAME TO \\"$POSTGRES_DB\\""
"""
)

_ASK: Final = (
    CONNECT
    + """
psql --dbname="$POSTGRES_DB" --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1
"""
)


@dataclass(frozen=True)
class PostgresDatabase:
    container: str
    servers: tuple[str, ...]
    """The containers of Prefect that use it."""
    image: str
    """Of those."""
    kind: str = "postgres"

    @classmethod
    def of(cls, project: str, stack: str) -> PostgresDatabase | None:
        found = containers(project, stack, "postgres")
        servers = (*containers(project, stack, "api"), *containers(project, stack, "services"))
        if not found and servers:
            elsewhere = f"the database of {stack} is elsewhere: back it up there, and restore it there"
            raise DatabaseError(f"{elsewhere}, with pg_dump and pg_restore of its own version (docs/operations.md)")
        if not found:
            return None
        if not servers:
            raise DatabaseError(f"{stack} has a database and no server: `pulumi up --stack {stack}` first")
        image = docker("inspect", "--format", "{{.Image}}", servers[0])
        return cls(container=found[0], servers=servers, image=image)

    def pack(self, into: IO[bytes]) -> None:
        """While the servers use it."""
        try:
            with self.reached() as container:
                postgres_dump.pack(into, prefect=self.version(), within=("docker", "exec", container))
        except archive.BackupError as error:
            raise DatabaseError(str(error)) from error

    @contextmanager
    def reached(self) -> Iterator[str]:
        """A container of this engine, with Postgres's own tools, from which the database is found."""
        yield self.container

    def stop_servers(self) -> None:
        if self.servers:
            docker("stop", "--time", str(STOP_SECONDS), *self.servers)

    def start_servers(self) -> None:
        if self.servers:
            docker("start", *self.servers)

    def wait_for_servers(self) -> None:
        """Raises: DatabaseError: one doesn't become healthy."""
        for server in self.servers:
            wait_until_healthy(server)

    def unpack(self, source: IO[bytes], prepare: Callable[[], None] | None = None) -> None:
        """The servers are stopped for the moment in which the databases change places. `prepare`: before they start."""
        with self.reached():
            self._restore(source, prepare)

    def _restore(self, source: IO[bytes], prepare: Callable[[], None] | None) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, archive.DUMP)
            try:
                manifest = archive.read(source, path)
            except archive.BackupError as error:
                raise DatabaseError(str(error)) from error
            with path.open("rb") as dump:
                filled = self._shell(_FILL, stdin=dump)
        if filled.returncode != 0:
            raise DatabaseError(f"pg_restore: {_reason(filled.stderr)}")
        if json.loads(filled.stdout) != manifest["rows"]:
            raise DatabaseError("the database has not the rows that were backed up: nothing was replaced")
        try:
            self.stop_servers()
            swapped = self._shell(_SWAP)
            if swapped.returncode != 0:
                raise DatabaseError(f"psql: {last_line(swapped.stderr)}")
            if prepare is not None:
                prepare()
        finally:
            self.start_servers()
        self.wait_for_servers()

    def rows(self) -> dict[str, int]:
        """By table."""
        counted: dict[str, int] = json.loads(self._told(COUNTS))
        return counted

    def value(self, query: str) -> str | None:
        """The first column of the first row, as text."""
        return next(iter(self._told(query).splitlines()), None)

    def execute(self, statements: Sequence[str]) -> None:
        """All or none of them."""
        self._told(";\n".join(["BEGIN", *statements, "COMMIT"]) + ";")

    def _told(self, sql: str) -> str:
        with tempfile.TemporaryFile() as script:
            script.write(sql.encode())
            script.seek(0)
            done = self._shell(_ASK, stdin=script)
        if done.returncode != 0:
            raise DatabaseError(f"psql: {last_line(done.stderr)}")
        return done.stdout.decode()

    def version(self) -> str:
        return prefect_version(self.image)

    def _shell(self, script: str, *, stdin: IO[bytes] | None = None) -> subprocess.CompletedProcess[bytes]:
        interactive = ["--interactive"] if stdin else []
        with self.reached() as container:
            return subprocess.run(
                ["docker", "exec", *interactive, container, "sh", "-c", script],
                stdin=stdin or subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )


def _reason(errors: bytes) -> str:
    """What Postgres said; the last line may be the command that it said it of."""
    said = [line for line in errors.decode(errors="replace").splitlines() if "ERROR:" in line]
    return said[0].partition("ERROR:")[2].strip() if said else last_line(errors)
