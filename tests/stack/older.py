"""What an older Prefect leaves behind: made by that release itself, installed beside the one that is tested."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from infra.components.naming import Naming
from infra.components.postgres import DATA, NAME, PORT, USER
from infra.provider.kinds.kind import OWNER_LABEL
from infra.provider.kinds.work_pool import MARK
from tests.provider.conftest import running_server
from tests.stack.outside import service_image
from tests.stack.platforms import ROOT, Platform, docker, eventually
from workers.backup import postgres_dump

OLDER = "3.6.29"
PASSWORD = "de-la-instalacion-anterior"  # of a database that is gone with the test
SECRET = "la-verdadera"  # likewise


@dataclass(frozen=True)
class Left:
    """By id, what is to be found again."""

    deployment: str
    waiting_run: str
    block: str
    schema: str = ""
    """The revision of the database's."""
    backup: Path | None = None
    """Of all that."""


def install(folder: Path) -> Path:
    """An older Prefect's interpreter."""
    python = folder / "venv" / "bin" / "python"
    uv = str(ROOT / ".venv" / "bin" / "uv")
    packages = (f"prefect=={OLDER}", "fastapi<0.120", "sqlalchemy<2.1")
    subprocess.run([uv, "venv", "--quiet", str(folder / "venv")], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), *packages], check=True)
    return python


def post(api: httpx.Client, path: str, body: dict[str, Any]) -> Any:
    answer = api.post(path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


def fill(api: httpx.Client, owner: str, pool: str, kind: str, flow: str, name: str) -> Left:
    """A pool, a deployment of a stack's that runs each minute, a run that waits for its worker, and a secret."""
    template: dict[str, Any] = {
        "job_configuration": {"command": "{{ command }}"},
        "variables": {"type": "object", "properties": {"command": {"type": "string"}}},
        MARK: {OWNER_LABEL: owner},
    }
    post(api, "work_pools/", {"name": pool, "type": kind, "base_job_template": template})
    flow_id = post(api, "flows/", {"name": flow})["id"]
    body = {"name": name, "flow_id": flow_id, "work_pool_name": pool, "labels": {OWNER_LABEL: owner}}
    schedule = {"active": True, "schedule": {"cron": "* * * * *", "timezone": "America/Argentina/Buenos_Aires"}}
    deployment = post(api, "deployments/", {**body, "entrypoint": "flows/x.py:x", "schedules": [schedule]})["id"]
    run = post(api, f"deployments/{deployment}/create_flow_run", {})["id"]
    type_ = api.get("block_types/slug/secret").json()["id"]
    schema = post(api, "block_schemas/filter", {"block_schemas": {"block_type_id": {"any_": [type_]}}})[0]["id"]
    ids = {"block_type_id": type_, "block_schema_id": schema}
    block = post(api, "block_documents/", {"name": "clave-del-erp", "data": {"value": SECRET}, **ids})["id"]
    return Left(deployment, run, block)


def left_in_the_volume_of(platform: Platform, python: Path, home: Path, *names: str) -> Left:
    """Postgres on the volume that the stack's own will have, filled by an older server: what an `up` finds there.

    `names`: of a docker pool, a flow and its deployment.
    """
    pool, flow, name = names
    with _database(platform, home) as (container, port):
        url = f"postgresql+asyncpg://{USER}:{PASSWORD}@127.0.0.1:{port}/{NAME}"
        settings = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}
        with (
            running_server(home, str(python), **settings) as address,
            httpx.Client(base_url=f"{address}/", timeout=60) as api,
        ):
            left = fill(api, f"prefect-infra/{platform.stack}", pool, "docker", flow, name)
            assert api.get("admin/version").json() == OLDER
        backup = home / "older.backup"
        with backup.open("wb") as into:
            postgres_dump.pack(into, prefect=OLDER, within=("docker", "exec", container))
        return Left(left.deployment, left.waiting_run, left.block, revision(container), backup)


def revision(container: str) -> str:
    return sql(container, "SELECT version_num FROM alembic_version")


def sql(container: str, text: str) -> str:
    """Asked of a stack's Postgres by its own means."""
    ask = f'PGPASSWORD="$(cat "$POSTGRES_PASSWORD_FILE")" psql -h 127.0.0.1 -U {USER} -d {NAME} -qAt -c "$1"'
    return docker("exec", container, "sh", "-c", ask, "sh", text)


@contextmanager
def _database(platform: Platform, folder: Path) -> Iterator[tuple[str, str]]:
    naming = Naming("prefect-infra", platform.stack)
    volume, container = naming.of("postgres-data"), naming.of("postgres")
    labels = [word for key, value in naming.labels("data").items() for word in ("--label", f"{key}={value}")]
    docker("volume", "create", *labels, volume)
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    own = {"POSTGRES_USER": USER, "POSTGRES_DB": NAME, "POSTGRES_PASSWORD_FILE": "/run/password"}
    variables = [word for key, value in own.items() for word in ("-e", f"{key}={value}")]
    mounts = ("-v", f"{volume}:{DATA}", "-v", f"{password}:/run/password:ro", "-p", f"127.0.0.1::{PORT}")
    run = ("run", "-d", "--name", container, "--user", "10001:10001", "--stop-signal", "SIGINT", *mounts, *variables)
    docker(*run, service_image("postgres"), "sh", "/opt/prefect-infra/postgres.sh")
    try:
        eventually("the database", lambda: sql(container, "SELECT 1") == "1", 120)
        published = json.loads(docker("inspect", container))[0]["NetworkSettings"]["Ports"][f"{PORT}/tcp"]
        yield container, published[0]["HostPort"]
        docker("stop", "--time", "60", container)
    finally:
        docker("rm", "--force", container)
