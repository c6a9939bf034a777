"""A database on Postgres, in a container of the stack: dumped as of one moment, restored beside the other, swapped."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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
from workers.backup import archive

_CONNECT: Final = """
set -eu
export PGHOST=/tmp PGUSER="$POSTGRES_USER" PGPASSWORD="$(cat "$POSTGRES_PASSWORD_FILE")"
"""
_COUNTS: Final = """
SELECT json_object_agg(name, count) FROM (
  SELECT table_name AS name, (xpath('/row/c/text()', query_to_xml(
    format('SELECT count(*) AS c FROM public.%I', table_name), false, true, '')))[1]::text::bigint AS count
  FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE') AS counted;
"""
# The dump goes to stdout, what was counted to stderr: both of one snapshot, which lives as long as the transaction.
_PACK: Final = "".join(
    (
        _CONNECT,
        r"""
psql --dbname="$POSTGRES_DB" --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 <<'SQL'
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT pg_export_snapshot() AS name \gset
\setenv SNAPSHOT :name
\! pg_dump --format=custom --snapshot="$SNAPSHOT" --dbname="$POSTGRES_DB" || echo failed >&2
\o |cat >&2
SELECT json_build_object('schema', (SELECT max(version_num) FROM alembic_version));
""",
        _COUNTS,
        """
COMMIT;
SQL
""",
    )
)
# Into a database of its own, so that a backup that doesn't fit changes nothing.
_FILL: Final = (
    _CONNECT
    + """
psql --dbname=postgres --quiet --set=ON_ERROR_STOP=1 \
  -c "DROP DATABASE IF EXISTS prefect_restoring WITH (FORCE)" -c "CREATE DATABASE prefect_restoring"
pg_restore --exit-on-error --no-owner --dbname=prefect_restoring
psql --dbname=prefect_restoring --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 <<'SQL'
"""
    + _COUNTS
    + """
SQL
"""
)
_SWAP: Final = (
    _CONNECT
    + """
psql --dbname=postgres --quiet --set=ON_ERROR_STOP=1 \
  -c "DROP DATABASE IF EXISTS prefect_before_restore WITH (FORCE)" \
  -c "ALTER DATABASE \\"$POSTGRES_DB\\" RENAME TO prefect_before_restore" \
  -c "ALTER DATABASE prefect_restoring RENAME TO \\"$POSTGRES_DB\\""
"""
)

_ASK: Final = (
    _CONNECT
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
        if not found:
            return None
        servers = (*containers(project, stack, "api"), *containers(project, stack, "services"))
        if not servers:
            raise DatabaseError(f"{stack} has a database and no server: `pulumi up --stack {stack}` first")
        image = docker("inspect", "--format", "{{.Image}}", servers[0])
        return cls(container=found[0], servers=servers, image=image)

    def pack(self, into: IO[bytes]) -> None:
        """While the servers use it."""
        with tempfile.TemporaryFile() as dump:
            done = self._shell(_PACK, stdout=dump)
            lines = done.stderr.decode(errors="replace").splitlines()
            if done.returncode != 0 or "failed" in lines:
                raise DatabaseError(f"pg_dump: {last_line(done.stderr)}")
            schema, rows = (json.loads(line) for line in lines if line.startswith("{"))
            facts = {
                "made": datetime.now(UTC).isoformat(timespec="seconds"),
                "prefect": self.version(),
                **schema,
                "rows": rows,
            }
            archive.wrap(dump, facts, into)

    def unpack(self, source: IO[bytes], prepare: Callable[[], None] | None = None) -> None:
        """The servers are stopped for the moment in which the databases change places. `prepare`: before they start."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, archive.DUMP)
            try:
                manifest = archive.read(source, path)
            except archive.BackupError as error:
                raise DatabaseError(str(error)) from error
            with path.open("rb") as dump:
                filled = self._shell(_FILL, stdin=dump)
        if filled.returncode != 0:
            raise DatabaseError(f"pg_restore: {last_line(filled.stderr)}")
        if json.loads(filled.stdout) != manifest["rows"]:
            raise DatabaseError("the database has not the rows that were backed up: nothing was replaced")
        if self.servers:
            docker("stop", "--time", str(STOP_SECONDS), *self.servers)
        try:
            swapped = self._shell(_SWAP)
            if swapped.returncode != 0:
                raise DatabaseError(f"psql: {last_line(swapped.stderr)}")
            if prepare is not None:
                prepare()
        finally:
            if self.servers:
                docker("start", *self.servers)
        for server in self.servers:
            wait_until_healthy(server)

    def rows(self) -> dict[str, int]:
        """By table."""
        counted: dict[str, int] = json.loads(self._told(_COUNTS))
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

    def _shell(
        self, script: str, *, stdin: IO[bytes] | None = None, stdout: IO[bytes] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        interactive = ["--interactive"] if stdin else []
        return subprocess.run(
            ["docker", "exec", *interactive, self.container, "sh", "-c", script],
            stdin=stdin or subprocess.DEVNULL,
            stdout=stdout or subprocess.PIPE,
            stderr=subprocess.PIPE,
            check=False,
        )
