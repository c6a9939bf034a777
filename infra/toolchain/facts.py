"""What the set-up found and made, left in `.state/toolchain.json` for the program, the command line and the tests."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infra.toolchain.errors import SetupError
from infra.toolchain.paths import Checkout


@dataclass(frozen=True)
class PulumiFacts:
    path: str
    bin: str
    version: str
    origin: str  # machine | built


@dataclass(frozen=True)
class PluginFacts:
    path: str
    version: str
    origin: str  # vendor | built


@dataclass(frozen=True)
class DockerFacts:
    host: str  # what DOCKER_HOST should be; empty for the default socket
    version: str


@dataclass(frozen=True)
class Facts:
    """One set-up's result; `base_image` is the tag that the images of servers and workers start from."""

    base_image: str
    base_image_origin: str  # pulled | bootstrapped
    pulumi: PulumiFacts
    docker_plugin: PluginFacts
    docker: DockerFacts


def write_facts(root: Path, facts: Facts) -> None:
    place = Checkout(root).facts
    place.parent.mkdir(parents=True, exist_ok=True)
    aside = place.with_name(f"{place.name}.{os.getpid()}")
    aside.write_text(json.dumps(asdict(facts), indent=2) + "\n")
    aside.replace(place)


def read_facts(root: Path) -> Facts:
    """The facts of the checkout at `root`; an error that says what to run when there are none, or older ones."""
    place = Checkout(root).facts
    try:
        return _parse(json.loads(place.read_text()))
    except FileNotFoundError as error:
        raise SetupError(f"the toolchain is not set up: {place} is not there", fix="run `make setup`") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SetupError(f"{place} is not what this version writes: {error!r}", fix="run `make setup`") from error


def _parse(raw: Mapping[str, Any]) -> Facts:
    return Facts(
        base_image=raw["base_image"],
        base_image_origin=raw["base_image_origin"],
        pulumi=PulumiFacts(**raw["pulumi"]),
        docker_plugin=PluginFacts(**raw["docker_plugin"]),
        docker=DockerFacts(**raw["docker"]),
    )
