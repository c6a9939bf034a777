"""What a rehearsed upgrade leaves out, switches off, and tells."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from packaging.version import Version
from ruamel.yaml import YAML
from typer.testing import CliRunner

from infra.cli import app
from infra.model import load_stack_file
from infra.upgrade import disarming
from infra.upgrade.checkout import RehearsalError, copy_of, harmless, pin
from infra.upgrade.report import Rehearsal, changes, in_words, problems

REPOSITORY = Path(__file__).parents[3]


def test_what_reaches_beyond_the_copy_is_left_out_and_areas_come_later() -> None:
    declared: dict[str, Any] = {
        "environment": "prod",
        "server": {
            "port": 443, "bind": "0.0.0.0", "auth": "required",
            "database": {"type": "postgres", "url": {"secret": "database_url"}, "memory_mb": 2048},
            "redis": {"url": {"secret": "redis_url"}}, "replicas": 4,
            "proxy": {"host": "x", "tls": {"certificate": {}}},
        },
        "janitor": {}, "backup": {"folder": "/srv/backups"}, "alerts": {"to": {}},
        "variables": {"a": 1},
        "workers": {"type": "docker", "replicas": 3},
        "areas": {"compras": {
            "alerts": {"to": {}}, "workers": {"replicas": 2, "memory_mb": 512},
            "deployments": [{"name": "uno", "triggers": [{}], "parameters": {"triggers": 3}}],
            "in": {"prod": {"alerts": {}}},
        }},
    }  # fmt: skip

    whole = harmless(declared, whole=True)

    assert whole["server"] == {
        "auth": "required", "database": {"type": "postgres", "memory_mb": 2048}, "redis": {}, "proxy": {},
        "replicas": 1, "services_replicas": 1,
    }  # fmt: skip
    assert whole.keys() == {"environment", "server", "variables", "workers", "areas"}
    assert whole["workers"] == {"type": "docker", "replicas": 1}
    assert whole["areas"]["compras"] == {
        "workers": {"memory_mb": 512}, "deployments": [{"name": "uno", "parameters": {"triggers": 3}}],
        "in": {"prod": {}},
    }  # fmt: skip
    first = harmless(declared, whole=False)
    assert first["areas"] == {}
    assert "variables" not in first


def test_nothing_fires_and_no_secret_is_left_in_a_disarmed_copy() -> None:
    key = Fernet.generate_key().decode()
    database = sqlite3.connect(":memory:")
    secret = Fernet(key.encode()).encrypt(b'{"value": "la-verdadera"}').decode()
    database.executescript("""
        CREATE TABLE deployment_schedule (active); INSERT INTO deployment_schedule VALUES (1);
        CREATE TABLE automation (enabled, tags); INSERT INTO automation VALUES (1, '["prefect-infra.stack:p/prod"]');
        CREATE TABLE flow_run_state (id, type, name); INSERT INTO flow_run_state VALUES (1, 'SCHEDULED', 'Late'),
            (2, 'COMPLETED', 'Completed');
        CREATE TABLE flow_run (state_id, state_type, state_name, next_scheduled_start_time);
        INSERT INTO flow_run VALUES (1, 'SCHEDULED', 'Late', 'now'), (2, 'COMPLETED', 'Completed', NULL);
        CREATE TABLE deployment (labels); INSERT INTO deployment VALUES ('{"s": "p/prod"}'), ('{"s": "p/prod-eu"}');
        CREATE TABLE block_document (data);
    """)
    database.execute("INSERT INTO block_document VALUES (?)", (json.dumps(secret),))
    tables = dict.fromkeys(("deployment_schedule", "automation", "deployment", "block_document"), 1)

    known = json.dumps({"fernet_key": key})
    for each in disarming.statements(tables, known, "p/prod", "p/prod-upgrade", "nada", postgres=False):
        database.execute(each)

    def rows(query: str) -> list[Any]:
        return database.execute(query).fetchall()

    assert rows("SELECT active FROM deployment_schedule") == [(0,)]
    assert rows("SELECT * FROM automation") == [(0, '["prefect-infra.stack:p/prod-upgrade"]')]
    assert rows("SELECT state_type FROM flow_run") == [("CANCELLED",), ("COMPLETED",)]
    assert rows("SELECT type FROM flow_run_state") == [("CANCELLED",), ("COMPLETED",)]
    assert rows("SELECT labels FROM deployment") == [('{"s": "p/prod-upgrade"}',), ('{"s": "p/prod-eu"}',)]
    ((data,),) = rows("SELECT data FROM block_document")
    assert json.loads(Fernet(key.encode()).decrypt(json.loads(data))) == {"value": "nada"}


def test_complaints_of_a_servers_log_are_told_once_with_how_often_they_came() -> None:
    log = [
        "10:00:00.123 | INFO    | prefect.server - all is well",
        "10:00:01.123 | WARNING | prefect.server.services - took 1.234567s, too long",
        "10:00:09.123 | WARNING | prefect.server.services - took 7.654321s, too long",
        "10:00:09.124 | ERROR   | prefect.server - it broke",
        "10:00:10.000 | ERROR   | prefect.server.events - Error during evaluation",
        "Traceback (most recent call last):",
        "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) database is locked",
    ]

    errors, warnings = problems(log)

    assert errors == ["prefect.server - it broke"]
    busy = "prefect.server.events - Error during evaluation"
    assert warnings == ["prefect.server.services - took …, too long (2 times)", busy]


def test_deployments_that_would_change_are_told_with_their_fields() -> None:
    before = [{"id": "1", "name": "uno", "tags": ["a"], "updated": 1, "schedules": [{"slug": "x", "active": True}]}]
    same = [{"id": "1", "name": "uno", "tags": ["a"], "updated": 2, "schedules": [{"slug": "x", "active": False}]}]
    other = [{**same[0], "tags": ["b"], "schedules": []}, {"id": "2", "name": "dos"}]

    assert changes(before, same) == {}
    assert changes(before, other) == {"uno": ["tags", "schedules"], "dos": ["made"]}


def test_it_is_well_only_when_a_flow_ran_and_no_row_was_lost() -> None:
    done = Rehearsal(
        "prod", "sqlite", "3.7.8", "3.8.8", smoke=[{"area": "a", "state": "COMPLETED", "seconds": 1.0, "message": ""}]
    )
    assert done.well
    assert "all well" in in_words(done)

    done.count({"flow": 3, "gone": 1}, {"flow": 2, "new": 0})

    assert not done.well
    assert done.errors == ["the migration took rows from flow: 3 before, 2 after"]
    assert "gone: 1 -> -" in in_words(done)
    assert not Rehearsal("prod", "sqlite", "3.7.8", "3.8.8").well


def test_requirements_without_a_pin_are_refused(tmp_path: Path) -> None:
    (tmp_path / "workers").mkdir()
    (tmp_path / "workers" / "requirements.in").write_text("prefect>=3\n")

    with pytest.raises(RehearsalError, match="no line `prefect==…`"):
        pin(tmp_path, Version("3.9.0"))


def test_a_release_that_is_pinned_already_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "workers").mkdir()
    (tmp_path / "workers" / "requirements.lock").write_text("prefect==3.8.8 \\\n    --hash=sha256:00\n")

    assert not pin(tmp_path, Version("3.8.8"))


def test_a_copy_has_the_checkouts_files_and_another_state(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for name in (
        "Pulumi.prod.yaml",
        "workers/requirements.in",
        ".state/toolchain.json",
        ".state/passphrase",
        ".venv/x",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("config: {}\n" if name.startswith("Pulumi.") else "real")

    copy = copy_of(root, "prod", root / ".state" / "upgrade-test-prod")

    assert copy.stack == "prod-upgrade"
    assert (copy.root / "workers" / "requirements.in").read_text() == "real"
    assert (copy.root / ".state" / "passphrase").read_text() != "real"
    assert (copy.root / ".state" / "passphrase").stat().st_mode & 0o077 == 0
    assert not list((copy.root / ".state").glob("upgrade-test*"))


@pytest.mark.parametrize("whole", [False, True])
def test_a_copy_takes_nothing_that_was_left_out_from_the_stack_that_it_is_called_after(
    tmp_path: Path, whole: bool
) -> None:
    """As another stack of such a name would: dev-ana is as dev is, but for what its file says."""
    root = tmp_path / "root"
    for declaring in ("areas", "flows", "workers"):
        shutil.copytree(REPOSITORY / declaring, root / declaring)
    for stack in ("dev", "prod"):
        shutil.copy(REPOSITORY / f"Pulumi.{stack}.yaml", root)
    (root / ".state").mkdir()
    (root / ".state" / "toolchain.json").write_text("{}")
    declared = YAML().load((root / "Pulumi.prod.yaml").read_text())
    config = declared["config"]
    config["prefect-infra:alerts"] = {"on": ["failed"], "to": {"type": "webhook", "secret": "avisos"}}
    config["prefect-infra:avisos"] = {"secure": "v1:abcdefgh"}
    config["prefect-infra:variables"] = {"tasa_iva": {"value": 21}}
    with (root / "Pulumi.prod-ana.yaml").open("w") as file:
        YAML().dump(declared, file)

    copy = copy_of(root, "prod-ana", tmp_path / "copy")
    copy.declare(whole=whole)

    made = load_stack_file(copy.root, "prod-ana-upgrade")
    assert copy.secret_names == ["avisos"]
    assert made.janitor is None
    assert not any(area.alerts for area in made.areas)
    assert len(made.areas) == (3 if whole else 0)
    assert bool(made.variables) is whole
    assert made.server.scaled is not None


@pytest.mark.parametrize(("to", "told"), [("mañana", "is no version"), ("3.x", "is no version")])
def test_what_is_no_version_is_refused_in_words(to: str, told: str) -> None:
    done = CliRunner().invoke(app, ["upgrade-test", "--stack", "dev", "--to", to])

    assert done.exit_code == 2
    assert told in done.stderr
