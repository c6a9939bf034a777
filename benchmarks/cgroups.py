"""What containers take of the machine, as the kernel counts it: memory without page cache, and processor time."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

_CGROUPS: Final = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Cgroups:
    """By stack: its containers' ids by role."""

    ids: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, stacks: Mapping[str, str]) -> Self:
        """From names to the stacks' own names."""
        return cls({name: _containers(stack) for name, stack in stacks.items()})

    def memory_mb(self) -> dict[str, float]:
        """Of each stack: what can't be given back (anonymous memory and the kernel's own)."""
        return {
            name: round(sum(_memory(each) for each in containers.values()) / 1e6, 0)
            for name, containers in self.ids.items()
        }

    def cpu_seconds(self) -> dict[str, dict[str, float]]:
        return {
            name: {role: round(_cpu(each), 1) for role, each in containers.items()}
            for name, containers in self.ids.items()
        }

    def idle_cpus(self, seconds: float) -> dict[str, float]:
        """How many processors each stack takes with nothing to run."""
        before = self.cpu_seconds()
        time.sleep(seconds)
        after = self.cpu_seconds()
        return {name: round((sum(after[name].values()) - sum(before[name].values())) / seconds, 3) for name in self.ids}


def _containers(stack: str) -> dict[str, str]:
    columns = '{{.ID}} {{.Label "prefect-infra.role"}}{{.Label "prefect-infra.area"}}'
    command = ["docker", "ps", "--no-trunc", "--filter", f"label=prefect-infra.stack={stack}", "--format", columns]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return {role: id_ for id_, role in (line.split() for line in listed)}


def _memory(container: str) -> int:
    for stat, keys in (("memory.stat", ("anon", "kernel_stack", "slab")), ("memory.stat", ("total_rss",))):
        for file in _files(container, "memory", stat):
            values = dict(line.split()[:2] for line in file.read_text().splitlines())
            if keys[0] in values:
                return sum(int(values.get(key, 0)) for key in keys)
    raise RuntimeError(f"the kernel doesn't tell what memory {container} takes")


def _cpu(container: str) -> float:
    for file in _files(container, "cpu,cpuacct", "cpu.stat"):
        values = dict(line.split()[:2] for line in file.read_text().splitlines())
        if "usage_usec" in values:
            return int(values["usage_usec"]) / 1e6
    for file in _files(container, "cpuacct", "cpuacct.usage"):
        return int(file.read_text()) / 1e9
    raise RuntimeError(f"the kernel doesn't tell what processor time {container} takes")


def _files(container: str, controller: str, name: str) -> list[Path]:
    """Both versions of control groups, by systemd's driver or the engine's own."""
    folders = [
        _CGROUPS / "system.slice" / f"docker-{container}.scope",
        _CGROUPS / "docker" / container,
        _CGROUPS / controller / "docker" / container,
    ]
    return [folder / name for folder in folders if (folder / name).is_file()]
