"""The stacks' own Postgres, in a container, for a server that the provider talks to."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.stack.outside import USER, service_image
from tests.stack.platforms import docker, eventually


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """The address of an empty database, on this machine's loopback."""
    name, password = f"t-provider-{secrets.token_hex(3)}", secrets.token_hex(8)
    folder.chmod(0o755)  # the container's user reads there
    (folder / "password").write_text(password)
    (folder / "password").chmod(0o644)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = {"POSTGRES_USER": "prefect", "POSTGRES_DB": "prefect", "POSTGRES_PASSWORD_FILE": "/given/password"}
    words = [word for key, value in variables.items() for word in ("-e", f"{key}={value}")]
    run = ("run", "-d", "--name", name, "--user", USER, "-v", f"{folder}:/given:ro", "-p", f"127.0.0.1:{port}:5432")
    docker(*run, *words, service_image("postgres"), "sh", "/opt/prefect-infra/postgres.sh")
    ask = (
        "exec",
        "-e",
        f"PGPASSWORD={password}",
        name,
        "psql",
        "-h",
        "127.0.0.1",
        "-U",
        "prefect",
        "-qAtc",
        "SELECT 1",
    )
    try:
        eventually("the database answers", lambda: docker(*ask) == "1", 120)
        yield f"postgresql+asyncpg://prefect:{password}@127.0.0.1:{port}/prefect"
    finally:
        docker("rm", "--force", "--volumes", name)
