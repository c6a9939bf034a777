"""A backup of a database on Postgres, by its own pg_dump: as of one moment, while it is used.

The standard library alone: an image of Postgres has no other.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from workers.backup import archive

CONNECT: Final = """
set -eu
export PGHOST="${PGHOST:-/tmp}" PGUSER="$POSTGRES_USER" PGPASSWORD="$(cat "$POSTGRES_PASSWORD_FILE")"
"""
"""Where POSTGRES_USER, POSTGRES_DB and POSTGRES_PASSWORD_FILE are, as in the database's own container."""
COUNTS: Final = """
SELECT json_object_agg(name, count) FROM (
  SELECT table_name AS name, (xpath('/row/c/text()', query_to_xml(
    format('SELECT count(*) AS c FROM public.%I', table_name), false, true, '')))[1]::text::bigint AS count
  FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE') AS counted;
"""
# The dump goes to stdout, what was counted to stderr: both of one snapshot, which lives as long as the transaction.
_DUMP: Final = "".join(
    (
        CONNECT,
        r"""
psql --dbname="$POSTGRES_DB" --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 <<'SQL'
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT pg_export_snapshot() AS name \gset
\setenv SNAPSHOT :name
\! pg_dump --format=custom --snapshot="$SNAPSHOT" --dbname="$POSTGRES_DB" || echo failed >&2
\o |cat >&2
SELECT json_build_object('schema', (SELECT max(version_num) FROM alembic_version));
""",
        COUNTS,
        """
COMMIT;
SQL
""",
    )
)


def pack(into: IO[bytes], *, prefect: str, within: Sequence[str] = (), scratch: Path | None = None) -> dict[str, Any]:
    """Write a backup of the database that the environment names. What it says of itself.

    Args:
        into: What it is written to.
        prefect: The version of Prefect whose database it is.
        within: The command that runs another where the database is; none: here.
        scratch: A folder with room for the dump; None: the usual one.

    Raises:
        BackupError: Postgres can't be reached, or its dump isn't whole.

    """
    with tempfile.TemporaryFile(dir=scratch) as dump:
        command = [*within, "sh", "-c", _DUMP]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=dump, stderr=subprocess.PIPE, check=False)
        lines = done.stderr.decode(errors="replace").splitlines()
        told = [line for line in lines if line.startswith("{")]
        if done.returncode != 0 or "failed" in lines or len(told) != 2:  # noqa: PLR2004  # the schema, the rows
            said = [line for line in lines if line.strip() not in ("", "failed") and line not in told]
            raise archive.BackupError(f"pg_dump: {said[-1].strip() if said else f'exit code {done.returncode}'}")
        schema, rows = map(json.loads, told)
        known = {"made": datetime.now(UTC).isoformat(timespec="seconds"), "prefect": prefect, **schema, "rows": rows}
        archive.wrap(dump, known, into)
    return known
