"""The copy of a database on its throwaway stack: restored, disarmed, migrated, watched, and run on."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from infra.backup import PostgresDatabase, SqliteDatabase, database_of
from infra.backup.engine import DatabaseError, containers, docker
from infra.backup.sqlite_database import DATA
from infra.cli.smoke import NotInTime, try_deployment, workers_online
from infra.provider.api import Api
from infra.provider.connection import Connection
from infra.upgrade import disarming
from infra.upgrade.checkout import STAND_IN
from infra.upgrade.report import Rehearsal, problems

FOLDER: Final = "/opt/prefect-infra"
_SERVERS: Final = ("migration", "server", "api", "services")


def restore(file: Path, project: str, copy: str, manifest: Mapping[str, Any], done: Rehearsal) -> None:
    """Put the backup into the throwaway stack and migrate it, before a server starts on it. Raises: DatabaseError."""
    database = database_of(project, copy)
    if manifest["kind"] != database.kind:
        raise DatabaseError(f"{file} is of a database on {manifest['kind']}, and the stack's is on {database.kind}")

    def prepare() -> None:
        rows = database.rows()
        key = database.value(disarming.ENCRYPTION_KEY)
        former, owner = f"{project}/{done.stack}", f"{project}/{copy}"
        postgres = database.kind == "postgres"
        database.execute(list(disarming.statements(rows, key, former, owner, STAND_IN, postgres=postgres)))
        began = time.monotonic()
        _migrate(database, project, copy)
        done.migration_seconds = round(time.monotonic() - began, 1)
        done.schema_to = database.value("SELECT version_num FROM alembic_version")
        done.count(manifest["rows"], database.rows())

    with file.open("rb") as source:
        database.unpack(source, prepare)


def _migrate(database: SqliteDatabase | PostgresDatabase, project: str, copy: str) -> None:
    if isinstance(database, PostgresDatabase):
        command = ["docker", "start", "--attach", *containers(project, copy, "migration")]
    else:
        command = [
            *("docker", "run", "--rm", "--network", "none", "--cap-drop", "ALL", "--memory", "1g"),
            *("--security-opt", "no-new-privileges:true", "--volume", f"{database.volume}:{DATA}"),
            *(database.image, "prefect", "server", "database", "upgrade", "-y"),
        ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        last = [line for line in (ran.stderr or ran.stdout).strip().splitlines() if line.strip()][-3:]
        raise DatabaseError("the migration failed: " + " / ".join(last))


def read_logs(project: str, copy: str, done: Rehearsal) -> None:
    """Into the report: what the servers have complained of since they were started on the copy."""
    for role in _SERVERS:
        for name in containers(project, copy, role):
            since = docker("inspect", "--format", "{{.State.StartedAt}}", name)
            command = ["docker", "logs", "--since", since, name]
            told = subprocess.run(command, capture_output=True, text=True, check=False)
            errors, warnings = problems([*told.stdout.splitlines(), *told.stderr.splitlines()])
            done.errors.extend(f"{role}: {text}" for text in errors)
            done.warnings.extend(f"{role}: {text}" for text in warnings)


def deployments(connection: Connection) -> list[dict[str, Any]]:
    async def ask() -> list[dict[str, Any]]:
        api = Api(connection)
        try:
            return await api.find("deployments/filter", {})
        finally:
            await api.close()

    return asyncio.run(ask())


def smoke(connection: Connection, outputs: Mapping[str, Any], done: Rehearsal) -> None:
    """A run of workers/smoke.py by each area's worker, in each area's image; no flow of the team's is run."""
    done.smoke = [asdict(trial) for trial in asyncio.run(_smoke(connection, outputs, done))]
    done.errors.extend(
        f"the smoke run of {run['area']} ended {run['state']}: {run['message']}"
        for run in done.smoke
        if run["state"] != "COMPLETED"
    )
    if not done.smoke:
        done.errors.append("no smoke run: the stack has no area with workers of its own")


async def _smoke(connection: Connection, outputs: Mapping[str, Any], done: Rehearsal) -> list[Any]:
    api = Api(connection)
    pools: Mapping[str, str] = outputs["work_pools"]
    try:
        await workers_online(api, {pools[area]: outputs["workers"][area] for area in pools})
        flow = await api.post("flows/", {"name": "smoke-of-an-upgrade"})
        made = {area: await _deployed(api, flow["id"], pool) for area, pool in pools.items()}
        return [await try_deployment(api, area, "smoke", id_, again=True) for area, id_ in made.items()]
    except NotInTime as late:
        done.errors.append(str(late))
        return []
    finally:
        await api.close()


async def _deployed(api: Api, flow: str, pool: str) -> str:
    body = {
        "flow_id": flow,
        "name": f"smoke-{pool}",
        "work_pool_name": pool,
        "entrypoint": "smoke.py:smoke",
        "path": FOLDER,
        "pull_steps": [{"prefect.deployments.steps.set_working_directory": {"directory": FOLDER}}],
    }
    return str((await api.post("deployments/", body))["id"])


def remove_images(references: list[str]) -> None:
    """Those that the rehearsal built. One that something else has come to use meanwhile stays."""
    for reference in references:
        subprocess.run(["docker", "rmi", reference], capture_output=True, check=False)


def images_of(root: Path, base: str, areas: list[str]) -> list[str]:
    """What the images of a checkout are called: those of Prefect, which another release makes others."""
    from infra.components.image import ImageBuilder  # noqa: PLC0415  # Pulumi's SDK takes a second to import

    builder = ImageBuilder(root, base)
    targets = [("server", None), ("proxy", None), *((target, area) for area in areas for target in ("worker", "flows"))]
    return [builder.name(target, area) for target, area in targets]


def there(reference: str) -> bool:
    return bool(docker("images", "--quiet", reference))
