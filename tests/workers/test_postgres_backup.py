"""A backup of a real Postgres, and a restore that changes it as a whole or not at all."""

from __future__ import annotations

import io
import json
import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from infra.backup import DatabaseError, PostgresDatabase
from infra.upgrade import disarming
from tests.stack.outside import service_image
from tests.stack.platforms import docker, eventually
from workers.backup import archive

pytestmark = [pytest.mark.docker, pytest.mark.thorough]
TABLES = """
CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('a1b2');
CREATE TABLE flow_run (id serial PRIMARY KEY, name text UNIQUE);
INSERT INTO flow_run (name) SELECT 'corrida ' || n FROM generate_series(1, 5000) n;
"""

WRITE = """
DO $$ BEGIN
  WHILE NOT EXISTS (SELECT FROM enough) LOOP
    INSERT INTO event (name) VALUES ('a');
    INSERT INTO event (name) VALUES ('b');
    COMMIT;
    PERFORM pg_sleep(0.001);
  END LOOP;
END $$;
"""


class Quiet(PostgresDatabase):
    """No server of Prefect uses it, so that none is asked for its version."""

    def version(self) -> str:
        return "3.8.8"


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    name, image = f"t-backup-{secrets.token_hex(3)}", service_image("postgres")
    password = tmp_path_factory.mktemp("secret") / "password"
    password.write_text(secrets.token_hex())
    password.parent.chmod(0o755)
    password.chmod(0o444)
    variables = {"POSTGRES_USER": "prefect", "POSTGRES_DB": "prefect", "POSTGRES_PASSWORD_FILE": "/password"}
    words = [word for key, value in variables.items() for word in ("-e", f"{key}={value}")]
    mount = ("-v", f"{password}:/password:ro", "--user", "10001:10001", "--network", "none")
    docker("run", "-d", "--name", name, *mount, *words, image, "sh", "/opt/prefect-infra/postgres.sh")
    try:
        eventually("ready", lambda: docker("exec", name, "pg_isready", "-q", "-h", "127.0.0.1") == "", 180)
        sql(name, TABLES)
        yield name
    finally:
        docker("rm", "-f", "-v", name)


def sql(container: str, text: str, database: str = "prefect") -> str:
    shell = 'PGPASSWORD="$(cat /password)" psql -h /tmp -U prefect -d "$1" -qAt -v ON_ERROR_STOP=1 -c "$2"'
    return docker("exec", container, "sh", "-c", shell, "sh", database, text)


def packed(database: PostgresDatabase) -> bytes:
    into = io.BytesIO()
    database.pack(into)
    return into.getvalue()


def test_what_is_restored_is_what_was_backed_up_and_the_other_is_kept(postgres: str, tmp_path: Path) -> None:
    database = Quiet(container=postgres, servers=(), image="")
    backup = packed(database)
    manifest = archive.read(io.BytesIO(backup))
    assert manifest["rows"] == {"alembic_version": 1, "flow_run": 5000}
    assert (manifest["kind"], manifest["schema"], manifest["prefect"]) == ("postgres", "a1b2", "3.8.8")
    sql(postgres, "DELETE FROM flow_run WHERE id > 7")
    file = tmp_path / "x.backup"
    file.write_bytes(backup)

    with file.open("rb") as source:
        database.unpack(source)

    assert sql(postgres, "SELECT count(*), max(name) FROM flow_run") == "5000|corrida 999"
    assert sql(postgres, "SELECT count(*) FROM flow_run", "prefect_before_restore") == "7"
    assert json.loads(json.dumps(archive.read(io.BytesIO(packed(database)))["rows"])) == manifest["rows"]


def test_a_backup_is_of_one_moment_while_others_write(postgres: str, tmp_path: Path) -> None:
    """Each transaction adds two rows: an odd number of them would be half of one."""
    database = Quiet(container=postgres, servers=(), image="")
    sql(postgres, "CREATE TABLE event (id serial PRIMARY KEY, name text); CREATE TABLE enough (at timestamptz)")
    writer = threading.Thread(target=sql, args=(postgres, WRITE))
    writer.start()
    try:
        eventually("written", lambda: int(sql(postgres, "SELECT count(*) FROM event")) > 0)
        backups = []
        for _ in range(3):
            backups.append(packed(database))
            time.sleep(0.1)
    finally:
        sql(postgres, "INSERT INTO enough VALUES (now())")
        writer.join(60)

    counts = [archive.read(io.BytesIO(backup))["rows"]["event"] for backup in backups]
    assert 0 < counts[0] < counts[1] < counts[2] < int(sql(postgres, "SELECT count(*) FROM event"))
    assert all(count % 2 == 0 for count in counts)
    file = tmp_path / "x.backup"
    file.write_bytes(backups[0])
    with file.open("rb") as source:
        database.unpack(source)  # which holds what is in it against what was counted
    assert sql(postgres, "SELECT count(*) FROM event") == str(counts[0])
    sql(postgres, "DROP TABLE event, enough")


def test_what_is_not_whole_changes_nothing(postgres: str, tmp_path: Path) -> None:
    database = Quiet(container=postgres, servers=(), image="")
    backup = packed(database)
    file = tmp_path / "x.backup"
    middle = 3000  # of the dump: before it are two headers and the manifest, behind it what tar fills up with
    flipped = backup[:middle] + bytes([backup[middle] ^ 0xFF]) + backup[middle + 1 :]
    for spoilt in (backup[:middle], flipped, b"no backup"):
        file.write_bytes(spoilt)
        with pytest.raises(DatabaseError), file.open("rb") as source:
            database.unpack(source)

    assert sql(postgres, "SELECT count(*) FROM flow_run") == "5000"


def test_a_container_that_is_no_postgres_is_told_in_words() -> None:
    with pytest.raises(DatabaseError, match="pg_dump"):
        packed(Quiet(container="t-no-such", servers=(), image=""))


def test_a_restored_copy_is_disarmed_before_a_server_starts_on_it(postgres: str, tmp_path: Path) -> None:
    database = Quiet(container=postgres, servers=(), image="")
    key = Fernet.generate_key().decode()
    data = json.dumps(Fernet(key.encode()).encrypt(b'{"value": "la-verdadera"}').decode())
    sql(
        postgres,
        f"""
        CREATE TYPE state_type AS ENUM ('SCHEDULED', 'CANCELLED', 'COMPLETED', 'FAILED', 'CRASHED');
        CREATE TABLE configuration (key text, value jsonb);
        INSERT INTO configuration VALUES ('ENCRYPTION_KEY', '{{"fernet_key": "{key}"}}');
        CREATE TABLE automation (enabled boolean, tags jsonb);
        INSERT INTO automation VALUES (true, '["prefect-infra.stack:p/prod"]');
        CREATE TABLE deployment_schedule (active boolean); INSERT INTO deployment_schedule VALUES (true);
        CREATE TABLE block_document (data jsonb); INSERT INTO block_document VALUES ('{data}');
        CREATE TABLE flow_run_state (id int, type state_type, name text);
        INSERT INTO flow_run_state VALUES (1, 'SCHEDULED', 'Late');
        ALTER TABLE flow_run ADD state_id int, ADD state_type state_type, ADD state_name text,
          ADD next_scheduled_start_time timestamptz;
        UPDATE flow_run SET state_id = 1, state_type = 'SCHEDULED' WHERE id = 1;
        """,
    )
    backup = tmp_path / "x.backup"
    backup.write_bytes(packed(database))

    def disarm() -> None:
        known = database.value(disarming.ENCRYPTION_KEY)
        database.execute(
            list(disarming.statements(database.rows(), known, "p/prod", "p/prod-upgrade", "nada", postgres=True))
        )

    with backup.open("rb") as source:
        database.unpack(source, disarm)

    assert database.value("SELECT enabled::text || tags::text FROM automation") == (
        'false["prefect-infra.stack:p/prod-upgrade"]'
    )
    assert database.value("SELECT active FROM deployment_schedule") == "f"
    assert database.value("SELECT count(*) FROM flow_run WHERE state_type = 'SCHEDULED'") == "0"
    assert database.value("SELECT type FROM flow_run_state") == "CANCELLED"
    left = database.value("SELECT data #>> '{}' FROM block_document")
    assert left is not None
    assert json.loads(Fernet(key.encode()).decrypt(left)) == {"value": "nada"}
