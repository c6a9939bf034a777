"""A Postgres cluster in a temporary folder, from Debian's package, run as a user without privileges."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

USER: Final = "postgres"  # Debian's package makes it
TEMPLATE: Final = "migrated"


class Postgres:
    """Databases of one cluster, reached over the loopback."""

    name = "postgres"

    def __init__(self, programs: Path, port: int) -> None:
        self._programs = programs
        self._port = port
        self._made = 0

    def fresh(self, home: Path) -> dict[str, str]:
        del home
        self._made += 1
        name = f"prefect_{self._made}"
        self.run("createdb", *(["-T", TEMPLATE] if self._made > 1 else []), name)
        url = f"postgresql+asyncpg://{USER}@127.0.0.1:{self._port}/{name}"
        return {"PREFECT_SERVER_DATABASE_CONNECTION_URL": url}

    def keep_as_template(self, home: Path) -> None:
        del home
        self.run("createdb", "-T", f"prefect_{self._made}", TEMPLATE)

    def run(self, program: str, *arguments: str) -> None:
        where = ["-h", "127.0.0.1", "-p", str(self._port), "-U", USER]
        subprocess.run([self._programs / program, *where, *arguments], check=True, capture_output=True)


@contextmanager
def cluster(folder: Path, *, install: bool) -> Iterator[Postgres]:
    programs = _programs(install=install)
    data = folder / "cluster"
    data.mkdir()
    as_user: list[str | Path] = []
    if os.geteuid() == 0:  # Postgres refuses to run as root
        for parent in (data.parent, *data.parent.parents[:-2]):
            parent.chmod(parent.stat().st_mode | 0o111)
        shutil.chown(data, USER, USER)
        as_user = ["runuser", "-u", USER, "--"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    initdb: list[str | Path] = [
        programs / "initdb",
        "-D",
        data,
        "-U",
        USER,
        "--auth=trust",
        "--encoding=UTF8",
        "--no-locale",
    ]
    subprocess.run([*as_user, *initdb], check=True, capture_output=True, cwd="/")
    control: list[str | Path] = [*as_user, programs / "pg_ctl", "-D", data, "-w"]
    options = f"-h 127.0.0.1 -p {port} -k {data}"
    subprocess.run(
        [*control, "-l", data / "log", "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, cwd="/"
    )
    try:
        yield Postgres(programs, port)
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, cwd="/")


def _programs(*, install: bool) -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found and install:
        subprocess.run(["apt-get", "install", "--yes", "postgresql"], check=True)
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        raise SystemExit("no Postgres in /usr/lib/postgresql: `apt-get install postgresql`, or give --install")
    return found[-1].parent
