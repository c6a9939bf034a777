"""The stack under load: brought up, looked at from outside, and taken down."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.reliability import checkout, small_disk
from benchmarks.reliability.checkout import ROOT, Size
from infra.cli import platform_down
from infra.cli.platform_up import connection
from infra.cli.pulumi import Pulumi
from infra.components.naming import LABEL, Naming
from infra.provider.connection import Connection

FOLDER: Final = ROOT / ".state" / "reliability"
PROJECT: Final = "prefect-infra"
COMMAND_SECONDS: Final = 240
"""Of the engine's, on a machine that is much too busy."""
_READ: Final = (
    "import urllib.request as u; print(u.urlopen('http://127.0.0.1:8405/metrics', timeout=5).read().decode())"
)


class BroughtUpError(Exception):
    """`pulumi up` of the stack did not end well."""


def docker(*arguments: str, check: bool = True, seconds: float = COMMAND_SECONDS, both: bool = False) -> str:
    """What it writes to stdout; `both`: and to stderr."""
    done = subprocess.run(
        ["docker", *arguments], check=check, capture_output=True, text=True, timeout=seconds, stdin=subprocess.DEVNULL
    )
    return (done.stdout + done.stderr if both else done.stdout).strip()


@dataclass
class Stack:
    size: Size
    folder: Path = FOLDER
    change: Callable[[Path], None] = lambda _: None
    """What is done to the copy of the checkout before it is brought up."""
    _outputs: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return checkout.stack_name()

    @property
    def pulumi(self) -> Pulumi:
        own = {
            "PULUMI_CONFIG_PASSPHRASE": "solo-para-pruebas",
            "PULUMI_BACKEND_URL": f"file://{self.folder}/.state/pulumi?metadata=skip",
            "PREFECT_PROFILES_PATH": str(self.folder / "profiles.toml"),
        }
        return Pulumi(self.folder, self.name, own)

    def up(self) -> None:
        """As it is declared; one of the same size that is up already is used as it is. Raises: BroughtUpError."""
        if self.is_up():
            return
        if self.folder.is_dir():
            self.down()
        checkout.make(self.folder, self.size)
        self.change(self.folder)
        if small_disk.is_possible():
            naming = Naming(PROJECT, self.name)
            small_disk.make(self._disk, naming.of("postgres-data"), naming.labels("data"))
        self.apply()
        checkout.note_size(self.folder, self.size)

    def is_up(self) -> bool:
        return checkout.same_size(self.folder, self.size) and bool(self.containers())

    def apply(self) -> None:
        """`pulumi up` of what is declared now. Raises: BroughtUpError."""
        answer = self.pulumi.ask("stack", "select", self.name, "--create")
        if answer.returncode == 0:
            answer = self.pulumi.ask("up", "--yes", "--skip-preview", "--suppress-outputs", "--stack", self.name)
        if answer.returncode != 0:
            raise BroughtUpError(answer.stdout[-3000:] + answer.stderr[-1000:])
        self._outputs = {}

    def down(self) -> str | None:
        """Everything of it. What stood in the way, in words."""
        if self.has_small_disk:
            small_disk.forget(self._disk)
        problem = platform_down.destroy(self.pulumi) if self.folder.is_dir() and self.pulumi.exists() else None
        if problem is None and self.has_small_disk:
            docker("volume", "rm", "--force", self.prefixed("postgres-data"))  # of an `up` that never came to it
        if problem is None and self.folder.is_dir():
            shutil.rmtree(self.folder)
        return problem

    @property
    def _disk(self) -> Path:
        return self.folder / "postgres.ext4"

    @property
    def has_small_disk(self) -> bool:
        return self._disk.is_file()

    @property
    def outputs(self) -> dict[str, Any]:
        if not self._outputs:
            self._outputs = self.pulumi.outputs()
        return self._outputs

    @property
    def connection(self) -> Connection:
        return connection(self.outputs)

    def prefixed(self, role: str) -> str:
        return f"{PROJECT}-{self.name}-{role}"

    @property
    def network(self) -> str:
        return f"prefect-infra-{self.name}"

    def containers(self) -> list[str]:
        """All but those of flow runs, and the one that migrates the database and ends."""
        told = docker(
            *("ps", "--all", "--filter", f"label={LABEL}.stack={self.name}"),
            *("--format", '{{.Names}} {{.Label "prefect-infra.role"}}'),
        )
        pairs = (line.split() for line in told.splitlines())
        return sorted(name for name, role in pairs if role not in {"run", "migration"})

    def unwell(self) -> list[str]:
        """The containers that don't run, or aren't healthy."""
        found: list[dict[str, Any]] = json.loads(docker("inspect", *self.containers()))
        return sorted(
            each["Name"].removeprefix("/")
            for each in found
            if not each["State"]["Running"] or each["State"].get("Health", {}).get("Status") != "healthy"
        )

    def unwell_roles(self) -> list[str]:
        """The same by their roles; empty while the engine doesn't tell."""
        try:
            return [each.removeprefix(self.prefixed("")) for each in self.unwell()]
        except (subprocess.SubprocessError, json.JSONDecodeError):
            return []

    def proxy_metrics(self) -> str:
        """HAProxy's figures; empty while there are none."""
        try:
            return docker("exec", self.prefixed("proxy"), "python3", "-I", "-S", "-c", _READ, check=False)
        except subprocess.TimeoutExpired:
            return ""

    def database_faults(self) -> str:
        """What pg_amcheck finds broken in tables and indexes; empty: nothing."""
        check = (
            'PGPASSWORD="$(cat /run/secrets/postgres_password)" '
            "pg_amcheck --install-missing -h 127.0.0.1 -U prefect prefect > /tmp/amcheck 2>&1 || cat /tmp/amcheck"
        )
        return docker("exec", self.prefixed("postgres"), "sh", "-c", check, check=False, seconds=300)

    def notes(self) -> str:
        """What the runs of all areas wrote on their data volumes."""
        texts = []
        for number in range(1, self.size.areas + 1):
            socket = f"prefect-infra-{self.name}-area{number}-worker-1"
            image = docker("inspect", "--format", "{{.Image}}", socket)
            volume = f"prefect-infra-{self.name}-area{number}-data"
            mounted = f"{volume}:/var/lib/flows:ro"
            read = f"cat /var/lib/flows/{checkout.NOTES} 2>/dev/null || true"
            texts.append(docker("run", "--rm", "--network", "none", "-v", mounted, image, "sh", "-c", read))
        return "\n".join(texts)
