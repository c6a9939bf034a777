"""Installs Debian packages, where that is possible and allowed; says so before it does."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from infra.toolchain.commands import find, run
from infra.toolchain.errors import CommandError, SetupError
from infra.toolchain.progress import Step

_INSTALL = "apt-get install --no-install-recommends"
_OPTIONS = ("-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=30", "-o", "DPkg::Lock::Timeout=300")
_one_at_a_time = threading.Lock()


def as_root() -> list[str] | None:
    """The words to put before a command that only root may run; None when there is no way that asks no password."""
    if os.geteuid() == 0:
        return []
    if find("sudo") is None:
        return None
    try:
        run(["sudo", "-n", "true"], timeout=10)
    except CommandError:
        return None
    return ["sudo", "-n"]


@dataclass
class Apt:
    """The machine's package manager; `allowed` is False under --no-install."""

    allowed: bool = True
    _lists: str | None = None  # what the update of the package lists printed, once it has run

    def install(self, packages: Sequence[str], step: Step, *, purpose: str) -> None:
        names = " ".join(packages)
        prefix = self._permission(names, purpose)
        typed = " ".join([*prefix, _INSTALL, names])
        with _one_at_a_time:
            step.now(f"about to run `{typed}` {purpose}; --no-install refuses")
            apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", *_OPTIONS]
            if self._lists is None:
                self._lists = _update(apt)
            try:
                # To the end, whatever fails elsewhere: half installed is worse than late.
                run([*apt, "install", "-y", "--no-install-recommends", *packages], to_the_end=True)
            except CommandError as error:
                # Why a package cannot be found is said by the update of the lists, which calls it a warning.
                failed = CommandError(typed.split(), "failed", f"{self._lists}\n{error.output}")
                raise failed.told_as(
                    f"could not install {names} {purpose}", fix=f"install by hand: {typed}", needs="the package mirror"
                ) from error

    def _permission(self, names: str, purpose: str) -> list[str]:
        """The prefix to install with; or the reason why not, with what the reader can type."""
        what = f"{names}: needed {purpose}, and not installed"
        if find("apt-get") is None:
            raise SetupError(
                what, why="this is no Debian or Ubuntu: nothing is installed for you", fix="see docs/setup.md"
            )
        if not self.allowed:
            raise SetupError(what, why="installing was refused (--no-install)", fix=f"sudo {_INSTALL} {names}")
        prefix = as_root()
        if prefix is None:
            why = "installing needs root, or a sudo that asks no password"
            raise SetupError(what, why=why, fix=f"sudo {_INSTALL} {names}")
        return prefix


def _update(apt: Sequence[str]) -> str:
    try:
        return run([*apt, "update"], to_the_end=True)
    except CommandError as error:
        return error.output
