"""Pulumi's Docker provider plugin: the vendor's where the machine has it, else one built from pinned Go modules."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from infra.toolchain import cache
from infra.toolchain.commands import run
from infra.toolchain.errors import CommandError
from infra.toolchain.go import MODULES, Go
from infra.toolchain.paths import Checkout
from infra.toolchain.progress import Step
from infra.toolchain.pulumi_cli import PulumiCli
from infra.toolchain.versions import DOCKER_PLUGIN

_NAME = "pulumi-resource-docker"
_FOLDER = f"resource-docker-v{DOCKER_PLUGIN}"
_ORIGIN = "origin"


@dataclass(frozen=True)
class DockerPlugin:
    """The plugin as it stands in the checkout's Pulumi home."""

    path: Path
    version: str
    origin: str


def build(cache_root: Path, go: Go, step: Step) -> Path:
    """The plugin's binary: the vendor's from the user's own Pulumi home, which is only read, or ours from the cache."""
    vendors = vendors_binary()
    if vendors:
        step.done(f"{DOCKER_PLUGIN}, the vendor's: {vendors}")
        return vendors
    place = (
        cache_root
        / f"docker-plugin-{DOCKER_PLUGIN}-{cache.fingerprint(cache.files_fingerprint(MODULES / 'docker-provider'))}"
    )

    def compile_it(folder: Path) -> None:
        go.build("docker-provider", ".", folder / _NAME, step, stamp=f"-X main.version={DOCKER_PLUGIN}")

    binary = cache.entry(place, compile_it) / _NAME
    step.done(f"{DOCKER_PLUGIN}, built from Go modules: {binary}")
    return binary


def vendors_binary() -> Path | None:
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    binary = home / "plugins" / _FOLDER / _NAME
    return binary if binary.is_file() and not (binary.parent / _ORIGIN).exists() else None


def install(checkout: Checkout, cli: PulumiCli, binary: Path) -> DockerPlugin:
    """Hands the binary to Pulumi, for this checkout's home only."""
    folder = checkout.pulumi_home / "plugins" / _FOLDER
    marker = folder / _ORIGIN
    source = str(binary)
    if not marker.is_file() or marker.read_text() != source:
        environment = {"PULUMI_HOME": str(checkout.pulumi_home), "PULUMI_SKIP_UPDATE_CHECK": "true"}
        which = ("resource", "docker", DOCKER_PLUGIN)
        try:
            run([cli.path, "plugin", "install", *which, "--reinstall", "--file", binary], env=environment, timeout=120)
        except CommandError as error:
            raise error.told_as(
                f"Pulumi did not take the Docker plugin {binary}",
                needs="nothing",
                fix=f"remove {checkout.pulumi_home} and run this again",
            ) from error
        marker.write_text(source)
    vendors = binary.parent.name == _FOLDER
    return DockerPlugin(folder / _NAME, DOCKER_PLUGIN, "vendor" if vendors else "built")
