"""Pulumi's own command on a small program, with what kills it, its plugins, or both."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from infra.toolchain.launcher import environment

ROOT = Path(__file__).parents[2]
SHIM = """#!/bin/sh
echo $$ >> "{pids}"
exec "{python}" "$@"
"""


@dataclass
class Cli:
    """Pulumi's own command, with a small program and a state of its own."""

    folder: Path
    program: str
    name: str
    url: str
    variables: dict[str, str] = field(default_factory=dict)
    """What else is in its environment."""
    process: subprocess.Popen[str] | None = None

    def __post_init__(self) -> None:
        (self.folder / "backend").mkdir()
        (self.folder / "infra").symlink_to(ROOT / "infra")
        (self.folder / "__main__.py").write_text(self.program)
        (self.folder / "Pulumi.yaml").write_text(
            "name: muestra\nruntime: python\nplugins:\n  providers:\n    - name: prefect\n      path: infra/provider\n"
        )
        shim = self.folder / "python"
        shim.write_text(SHIM.format(pids=self.pids, python=ROOT / ".venv" / "bin" / "python"))
        shim.chmod(0o755)

    @property
    def pids(self) -> Path:
        return self.folder / "pids"

    async def run(self, *arguments: str) -> tuple[int, str]:
        own = {
            "PULUMI_CONFIG_PASSPHRASE": "solo-para-pruebas",
            "PULUMI_BACKEND_URL": f"file://{self.folder}/backend?metadata=skip",
            "PULUMI_HOME": str(ROOT / ".state" / "home"),
            "PREFECT_INFRA_PYTHON": str(self.folder / "python"),
            "PREFECT_API_URL": self.url,
            "PYTHONPATH": str(ROOT),
            "NAME": self.name,
            **self.variables,
        }
        base = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "PREFECT_"))}
        self.pids.write_text("")  # those of before may be other processes' by now
        self.process = subprocess.Popen(  # noqa: ASYNC220  # started in no time
            [ROOT / ".venv" / "bin" / "pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env={**base, **environment(ROOT, "t-killed"), **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        told, _ = await asyncio.to_thread(self.process.communicate, None, 120)
        return self.process.returncode, told

    def kill_plugins(self) -> None:
        for pid in map(int, self.pids.read_text().split()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill_itself(self) -> None:
        assert self.process is not None
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        self.process.kill()
        for child in children:
            with suppress(OSError):
                if b"pulumi-language-" in Path(f"/proc/{child}/cmdline").read_bytes():
                    os.kill(int(child), signal.SIGKILL)  # it would wait for its engine as long as the machine runs

    def kill_all(self) -> None:
        """Itself first: it is not to tell its state that a plugin is gone."""
        self.kill_itself()
        self.kill_plugins()

    @property
    def is_locked(self) -> bool:
        return any((self.folder / "backend").rglob("locks/**/*.json"))

    @property
    def objects(self) -> list[str]:
        """The types of Prefect's objects that the last checkpoint has."""
        (path,) = (self.folder / "backend").rglob("stacks/**/*.json")
        latest = json.loads(path.read_text())["checkpoint"]["latest"] or {}
        types = [str(resource["type"]) for resource in latest.get("resources") or ()]
        return [type_ for type_ in types if type_.startswith("prefect:index:")]
