"""What the Docker engine has of the project's stacks, by the labels that each of their parts carries."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from infra.components.naming import LABEL, Naming

_FIELD: Final = "\t"
_PUBLISHED: Final = re.compile(r"(\S+):(\d+)->4200/tcp")
_KINDS: Final = ("container", "network", "volume")


class EngineError(Exception):
    """The engine didn't do what it was asked; the text is its own."""


@dataclass
class Parts:
    """One stack's parts on the engine."""

    areas: set[str] = field(default_factory=set)
    running: int = 0
    containers: int = 0
    url: str | None = None
    """Of the UI, while the server's container runs."""
    since: datetime | None = None
    """When the oldest container was made."""


@dataclass(frozen=True)
class Engine:
    """The engine's command line, in the environment that says where the engine is."""

    environment: Mapping[str, str]

    def ask(self, *arguments: str) -> list[str]:
        """The lines of its answer. Raises: EngineError."""
        try:
            done = subprocess.run(
                ["docker", *arguments],
                env=dict(self.environment),
                capture_output=True,
                text=True,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except OSError as error:
            raise EngineError(f"docker: {error}: run `make doctor`") from error
        if done.returncode != 0:
            raise EngineError(f"docker {' '.join(arguments[:2])}: {done.stderr.strip()}")
        return done.stdout.splitlines()

    def parts(self, project: str) -> dict[str, Parts]:
        """By stack. Raises: EngineError."""
        labels = [f'{{{{.Label "{LABEL}.{name}"}}}}' for name in ("stack", "area", "role")]
        columns = _FIELD.join([*labels, "{{.State}}", "{{.Ports}}", "{{.CreatedAt}}"])
        found: defaultdict[str, Parts] = defaultdict(Parts)
        for line in self.ask("ps", "--all", *_labelled(project=project), "--format", columns):
            stack, area, role, state, ports, made = line.split(_FIELD)
            parts = found[stack]
            parts.containers += 1
            parts.running += state == "running"
            if area:
                parts.areas.add(area)
            if role == "server" and (published := _PUBLISHED.search(ports)):
                parts.url = f"http://{published[1]}:{published[2]}"
            parts.since = min(filter(None, (parts.since, _created(made))), default=None)
        return dict(found)

    def remains(self, naming: Naming, *, without: Sequence[str] = ()) -> dict[str, list[str]]:
        """The names of a stack's containers, networks and volumes, by kind. Raises: EngineError."""
        mine = _labelled(project=naming.project, stack=naming.stack)
        found = {
            "container": self.ask("ps", "--all", *mine, "--format", "{{.Names}}"),
            "network": self.ask("network", "ls", *mine, "--format", "{{.Name}}"),
            "volume": self.ask("volume", "ls", *mine, "--format", "{{.Name}}"),
        }
        return {kind: [name for name in names if name not in without] for kind, names in found.items()}

    def sweep(self, naming: Naming, *, keep: Sequence[str] = ()) -> list[str]:
        """Remove whatever carries the stack's labels. Returns what could not be, in words. Raises: EngineError."""
        for kind in _KINDS:  # in this order: a container holds on to its networks and volumes
            names = self.remains(naming, without=keep)[kind]
            force = {"container": ["--force", "--volumes"], "volume": ["--force"]}.get(kind, [])
            if names:
                try:
                    self.ask(kind, "rm", *force, *names)
                except EngineError:
                    continue  # another one may be collecting, too: what counts is what is left
        return [f"{kind} {name}" for kind, names in self.remains(naming, without=keep).items() for name in names]


def _labelled(**labels: str) -> list[str]:
    return [word for name, value in labels.items() for word in ("--filter", f"label={LABEL}.{name}={value}")]


def _created(text: str) -> datetime | None:
    """Docker's `2026-11-25 15:40:00 -0300 -03`."""
    try:
        return datetime.strptime(" ".join(text.split()[:3]), "%Y-%m-%d %H:%M:%S %z")
    except ValueError:
        return None
