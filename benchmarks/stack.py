"""Ours: a real Pulumi program over `infra.resources`, brought up by the real CLI against a running server."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.work import Work
from infra.toolchain import pulumi_cli

ROOT: Final = Path(__file__).resolve().parents[1]
PULUMI: Final = ROOT / ".venv/bin/pulumi"
STACK: Final = "bench"
SAMPLE_SECONDS: Final = 0.2

PROJECT: Final = f"""\
name: benchmark
runtime:
  name: python
  options: {{toolchain: pip, virtualenv: {ROOT}/.venv}}
plugins:
  providers: [{{name: prefect, path: {ROOT}/infra/provider}}]
"""
PROGRAM: Final = """\
import json
from pathlib import Path

import pulumi

from infra.resources import Deployment, Provider, WorkPool

work = json.loads(Path("work.json").read_text())
if work:
    at_once = work["writes_at_once"]
    opts = pulumi.ResourceOptions(provider=Provider("server", api_url=work["api_url"], writes_at_once=at_once))
    pools = {name: WorkPool(name, name=name, type="process", opts=opts) for name in work["pools"]}
    for item in work["deployments"]:
        pool = pools[item.pop("work_pool_name")]
        Deployment(item["name"], work_pool=pool, opts=opts, **item)
"""


@dataclass(frozen=True)
class Taken:
    """One command: by the clock, by the processors (CLI, program and plugin), and the plugin's most memory."""

    seconds: float
    cpu_seconds: float
    plugin_mb: float


class Project:
    def __init__(self, folder: Path, **environment: str) -> None:
        self._folder = folder
        (folder / "state").mkdir(parents=True)
        (folder / "Pulumi.yaml").write_text(PROJECT)
        (folder / "__main__.py").write_text(PROGRAM)
        (folder / "work.json").write_text("null")
        # As in any checkout: a plugin that the program's packages name and that isn't there is sought in the network.
        (folder / "home").mkdir()
        (folder / "home/plugins").symlink_to(ROOT / ".state/home/plugins")
        pulumi_cli.without_debug_log(folder / "home")
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "PULUMI_"))},
            "PULUMI_BACKEND_URL": f"file://{folder}/state?metadata=skip",  # as the launcher has it
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_CONFIG_PASSPHRASE": "benchmark",
            **environment,
        }
        self.run("stack", "init", STACK)

    def declare(self, url: str, work: Work, writes_at_once: int, **changes: Any) -> None:
        """The work as the program's; `changes` are made to the first deployment."""
        declared = {"writes_at_once": writes_at_once, **work.declared(url, **changes)}
        (self._folder / "work.json").write_text(json.dumps(declared))

    def up(self, *options: str) -> Taken:
        return self.run("up", "--yes", "--skip-preview", "--suppress-outputs", *options)

    def preview(self) -> Taken:
        return self.run("preview", "--suppress-outputs")

    def destroy(self) -> Taken:
        return self.run("destroy", "--yes", "--skip-preview", "--suppress-outputs")

    def run(self, *arguments: str) -> Taken:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.perf_counter()
        with (self._folder / "log").open("w+") as log:
            command: list[str | Path] = [PULUMI, "--non-interactive", *arguments]
            process = subprocess.Popen(command, cwd=self._folder, env=self._environment, stdout=log, stderr=log)
            watch = _Memory(process.pid)
            watch.start()
            status = process.wait()
            seconds = time.perf_counter() - started
            watch.stop()
            if status != 0:
                log.seek(0)
                raise RuntimeError(f"pulumi {' '.join(arguments)}: {log.read()[-4000:]}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Taken(seconds, cpu, watch.most_mb)

    def summary(self) -> str:
        return (self._folder / "log").read_text()[-400:]


class _Memory(threading.Thread):
    """The most memory that a plugin of ours below a process has had."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self._root = root
        self._stopped = threading.Event()
        self.most_mb = 0.0

    def stop(self) -> None:
        self._stopped.set()
        self.join()

    def run(self) -> None:
        while not self._stopped.wait(SAMPLE_SECONDS):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    if b"infra.provider" in (process / "cmdline").read_bytes() and self._is_below(process):
                        self.most_mb = max(self.most_mb, _most_mb(process))
                except OSError:
                    continue  # it has ended meanwhile

    def _is_below(self, process: Path) -> bool:
        while process.name not in {"0", "1"}:
            if int(process.name) == self._root:
                return True
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            process = process.with_name(parent)
        return False


def _most_mb(process: Path) -> float:
    for line in (process / "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0
