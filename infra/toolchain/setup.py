"""The order of the set-up's steps, and what it leaves behind."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.toolchain import (
    actionlint,
    base_image,
    browser,
    cache,
    commands,
    docker_engine,
    docker_plugin,
    pulumi_cli,
    python_env,
    ssh_client,
    yaml_language,
)
from infra.toolchain.apt import Apt
from infra.toolchain.base_image import BaseImage
from infra.toolchain.docker_engine import DockerEngine
from infra.toolchain.docker_plugin import DockerPlugin
from infra.toolchain.facts import DockerFacts, Facts, PluginFacts, PulumiFacts, write_facts
from infra.toolchain.go import Go
from infra.toolchain.packages import Packages
from infra.toolchain.paths import Checkout
from infra.toolchain.progress import Progress
from infra.toolchain.pulumi_cli import PulumiCli

_PulumiHalf = tuple[PulumiCli, DockerPlugin]
_DockerHalf = tuple[DockerEngine, BaseImage]

PURPOSES = ("dev", "test", "check")


@dataclass(frozen=True)
class SetUp:
    """One run over one checkout; `install` says whether packages of the machine may be installed."""

    checkout: Checkout
    cache_root: Path
    progress: Progress
    purpose: str = "dev"
    install: bool = True

    def run(self) -> Facts | None:
        """Makes the checkout ready; a second time it only looks. One at a time: another one waits for its turn.

        For `check` it makes the virtualenv alone, so there are no facts to give.
        """
        with (
            cache.exclusive(self.checkout.state / "setup.lock", self._tell_of_other),
            cache.exclusive(self.cache_root / "setup.lock", self._tell_of_other),
        ):
            cache.sweep(self.cache_root)
            make_private(self.checkout)
            packages = Packages(self.cache_root, python_env.python_in(self.checkout.venv))
            apt = Apt(allowed=self.install)
            self._machine(apt)
            if self.purpose == "check":
                self._python(packages)
                return None
            (cli, plugin), (engine, image) = self._side_by_side(packages, apt)
            facts = Facts(
                base_image=image.tag,
                base_image_origin=image.origin,
                pulumi=PulumiFacts(str(cli.path), str(cli.path.parent), cli.version, cli.origin),
                docker_plugin=PluginFacts(str(plugin.path), plugin.version, plugin.origin),
                docker=DockerFacts(engine.host, engine.version),
            )
            write_facts(self.checkout.root, facts)
            # What only builds need; gigabytes.
            shutil.rmtree(self.cache_root / "go-work", ignore_errors=True)
        return facts

    def _machine(self, apt: Apt) -> None:
        """All that Debian has to bring, known and asked for at once."""
        missing = [*python_env.missing_packages()]
        if self.purpose != "check":
            missing += docker_engine.missing_packages()
            missing += ssh_client.missing_packages(self.checkout.root, self.purpose)
        if self.purpose == "test":
            missing += browser.missing_packages()
        if missing:
            with self.progress.step("Debian packages") as step:
                apt.install(missing, step, purpose="on this machine")
                step.done(" ".join(missing))

    def _side_by_side(self, packages: Packages, apt: Apt) -> tuple[_PulumiHalf, _DockerHalf]:
        """The two halves at once: one waits for the network while the other compiles. The first to fail stops both."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            pulumi, docker = pool.submit(self._pulumi, packages), pool.submit(self._docker, apt)
            try:
                _first_failure((pulumi, docker))
                return pulumi.result(), docker.result()
            except BaseException:
                commands.stop_all()
                raise

    def _python(self, packages: Packages) -> None:
        with self.progress.step("Python packages") as step:
            python_env.ensure(self.checkout, self.purpose, packages, step)

    def _pulumi(self, packages: Packages) -> _PulumiHalf:
        self._python(packages)
        go = Go(self.cache_root, packages)
        with self.progress.step("Pulumi CLI") as step:
            cli = pulumi_cli.ensure(self.checkout, self.cache_root, go, step)
        with self.progress.step("Docker plugin") as step:
            binary = docker_plugin.build(self.cache_root, go, step)
            plugin = docker_plugin.install(self.checkout, cli, binary)
        if self.purpose == "test":
            with self.progress.step("YAML language") as step:
                yaml_language.ensure(self.checkout, cli, self.cache_root, go, step)
            with self.progress.step("actionlint") as step:
                actionlint.ensure(self.checkout, self.cache_root, go, step)
        return cli, plugin

    def _docker(self, apt: Apt) -> _DockerHalf:
        with self.progress.step("Docker engine") as step:
            engine = docker_engine.ensure(self.cache_root, step)
        with self.progress.step("base image") as step:
            return engine, base_image.ensure(engine, self.cache_root, step, apt)

    def _tell_of_other(self, pid: str) -> None:
        self.progress.say(f"another set-up is running (pid {pid}), waiting")


def make_private(checkout: Checkout) -> None:
    """The git-ignored folders, and the passphrase of this checkout's dev stacks, which is made once and never shown."""
    checkout.state.mkdir(exist_ok=True)
    checkout.backend.mkdir(exist_ok=True)
    checkout.pulumi_home.mkdir(exist_ok=True)
    pulumi_cli.without_debug_log(checkout.pulumi_home)
    # Whole or not at all: a link, unlike a rename, doesn't replace one that is there.
    aside = checkout.passphrase.with_name(f"passphrase.{os.getpid()}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            os.link(aside, checkout.passphrase)
    finally:
        aside.unlink()


def _first_failure(branches: Sequence[Future[Any]]) -> None:
    """Waits for all, or for the first failure, which it raises."""
    done, _ = wait(branches, return_when=FIRST_EXCEPTION)
    for branch in done:
        branch.result()
