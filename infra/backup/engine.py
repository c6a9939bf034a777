"""The engine, asked by its command line, and what may go wrong with a database behind it."""

from __future__ import annotations

import subprocess
import time
from typing import Final

from infra.components.naming import LABEL

PYTHON: Final = "/opt/prefect/bin/python"
HEALTHY_SECONDS: Final = 300
STOP_SECONDS: Final = 30


class DatabaseError(Exception):
    """A database can't be reached, or not be used in this way. The text says why."""


def docker(*arguments: str) -> str:
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        raise DatabaseError(f"docker: {error.strerror}") from error
    if done.returncode != 0:
        raise DatabaseError(f"docker {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def containers(project: str, stack: str, role: str) -> list[str]:
    """Of a stack's role, the stopped ones too."""
    wanted = (f"{LABEL}.project={project}", f"{LABEL}.stack={stack}", f"{LABEL}.role={role}")
    filters = [word for label in wanted for word in ("--filter", f"label={label}")]
    return sorted(docker("ps", "--all", "--format", "{{.Names}}", *filters).split())


def wait_until_healthy(container: str) -> None:
    deadline = time.monotonic() + HEALTHY_SECONDS
    while docker("inspect", "--format", "{{.State.Health.Status}}", container) != "healthy":
        if time.monotonic() > deadline:
            raise DatabaseError(f"{container} is not healthy after {HEALTHY_SECONDS} s: see `docker logs {container}`")
        time.sleep(1)


def prefect_version(image: str) -> str:
    """Of Prefect, in a server's image."""
    ask = "from importlib import metadata; print(metadata.version('prefect'))"
    return docker("run", "--rm", "--network", "none", "--entrypoint", PYTHON, image, "-I", "-c", ask)


def last_line(text: bytes) -> str:
    lines = text.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else ""
