"""A real stack on the real Docker engine, from a copy of the checkout, with a state and profiles of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from filelock import FileLock
from ruamel.yaml import YAML

from infra.toolchain import checkout_copy
from infra.toolchain.launcher import environment
from tests.patient import Patient

ROOT = Path(__file__).parents[2]
UP_SECONDS = 600
ANSWER_SECONDS = 120  # a machine on which several suites run


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


def console(container: str) -> str:
    """What a container has written, to either stream."""
    done = subprocess.run(["docker", "logs", container], check=True, capture_output=True, text=True)
    return done.stdout + done.stderr


def is_running(container: str) -> bool:
    return docker("inspect", "--format", "{{.State.Running}}", container) == "true"


def is_healthy(container: str) -> bool:
    return docker("inspect", "--format", "{{.State.Health.Status}}", container) == "healthy"


def eventually(what: str, probe: Callable[[], Any], seconds: float = 60, every: float = 1.0) -> Any:
    """The first true answer of `probe`; fails with `what` when there is none in time."""
    deadline = time.monotonic() + seconds
    answer: Any = None
    while time.monotonic() < deadline:
        try:
            answer = probe()
        except (httpx.HTTPError, subprocess.CalledProcessError) as error:
            answer = error
        else:
            if answer:
                return answer
        time.sleep(every)
    raise AssertionError(f"{what}: not within {seconds} s; last: {answer!r}")


def started(container: str) -> str:
    """When, the last time."""
    return docker("inspect", container, "--format", "{{.State.StartedAt}}")


@dataclass
class Platform:
    """A stack in a copy of the checkout."""

    folder: Path
    stack: str
    profiles: Path
    log: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    """Of the environment, over all others."""
    has_images: bool = False

    @property
    def file(self) -> Path:
        return self.folder / f"Pulumi.{self.stack}.yaml"

    @property
    def environment(self) -> dict[str, str]:
        own = {
            "PULUMI_CONFIG_PASSPHRASE": "solo-para-pruebas",
            "PULUMI_BACKEND_URL": f"file://{self.folder}/.state/pulumi?metadata=skip",
            "PULUMI_HOME": str(ROOT / ".state" / "home"),
            "PREFECT_PROFILES_PATH": str(self.profiles),
        }
        base = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "PREFECT_"))}
        return {**base, **environment(ROOT, self.stack), **own, **self.variables}

    def run(self, *arguments: str, check: bool = True, given: str = "") -> subprocess.CompletedProcess[str]:
        """`given`: what it reads."""
        done = subprocess.run(
            [str(ROOT / ".venv" / "bin" / "pulumi"), *arguments, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            input=given,
            timeout=UP_SECONDS,
            check=False,
        )
        self.log.append(f"$ pulumi {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        if check and done.returncode != 0:
            raise AssertionError("\n".join(self.log[-1:]))
        return done

    def up(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        # Two that build an image for the first time at once make two of one name: a change for whose is the former one.
        with nullcontext() if self.has_images else FileLock(ROOT / ".state" / "first-up.lock"):
            done = self.run("up", "--yes", "--stack", self.stack, *arguments, check=check)
        self.has_images = done.returncode == 0
        return done

    def preview(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("preview", "--stack", self.stack, *arguments, check=check)

    def destroy(self) -> None:
        self.run("destroy", "--yes", "--stack", self.stack)
        self.run("stack", "rm", "--yes", "--preserve-config", self.stack)

    def outputs(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(
            self.run("stack", "output", "--json", "--show-secrets", "--stack", self.stack).stdout
        )
        return answer

    def edit(self, change: Callable[[Any], None]) -> None:
        """Change the declared configuration, under `config` without the namespace."""
        yaml = YAML()
        document = yaml.load(self.file.read_text())
        areas = document["config"].get("prefect-infra:areas", {})
        for area, own in areas.items():  # so that all can be changed in one place
            if isinstance(own, str):
                areas[area] = yaml.load((self.folder / own).read_text())
        change(Declared(document["config"]))
        with self.file.open("w") as file:
            yaml.dump(document, file)

    def api(self) -> httpx.Client:
        outputs = self.outputs()
        auth = outputs.get("auth_string")
        return httpx.Client(
            base_url=outputs["api_url"] + "/",
            auth=tuple(auth.split(":", 1)) if auth else None,
            transport=Patient(),
            timeout=ANSWER_SECONDS,
        )

    def named(self, role: str) -> str:
        """What the container or volume of a part is called."""
        return f"prefect-infra-{self.stack}-{role}"

    def containers(self) -> list[str]:
        names = docker("ps", "--all", "--filter", f"label=prefect-infra.stack={self.stack}", "--format", "{{.Names}}")
        return sorted(names.split())

    def volumes(self) -> list[str]:
        names = docker("volume", "ls", "--filter", f"label=prefect-infra.stack={self.stack}", "--format", "{{.Name}}")
        return sorted(names.split())


class Declared:
    def __init__(self, config: Any) -> None:
        self._config = config

    def __getitem__(self, key: str) -> Any:
        return self._config[f"prefect-infra:{key}"]

    def __setitem__(self, key: str, value: Any) -> None:
        self._config[f"prefect-infra:{key}"] = value

    def __delitem__(self, key: str) -> None:
        del self._config[f"prefect-infra:{key}"]


def declared_in(
    folder: Path,
    base: str,
    stack: str,
    change: Callable[[Any], None] | None = None,
    variables: Mapping[str, str] | None = None,
) -> Platform:
    """A copy of the checkout in which the stack has a file, made from that of `base`. Nothing of it is there yet."""
    copy_checkout(folder)
    platform = Platform(folder, stack, folder / "profiles.toml", variables=dict(variables or {}))
    shutil.copy2(folder / f"Pulumi.{base}.yaml", platform.file)
    if change:
        platform.edit(change)
    return platform


def copy_checkout(folder: Path) -> None:
    """What git would clone, the uncommitted included; and the set-up's results, which needn't be made twice."""
    checkout_copy.copy_checkout(ROOT, folder)
    for file in folder.glob("Pulumi.*.yaml"):
        # As git has it: with the salt of a stack that this checkout has up, no other passphrase would do.
        file.write_text(re.sub(r"^encryptionsalt: .*\n", "", file.read_text(), flags=re.MULTILINE))
