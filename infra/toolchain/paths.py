"""Where the set-up puts things: in the checkout what belongs to it, in the user's cache what clones can share."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SOURCES = Path(__file__).resolve().parent
ROOT = SOURCES.parents[1]


@dataclass(frozen=True)
class Checkout:
    """A clone of the project and the git-ignored places in it."""

    root: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def bin(self) -> Path:
        return self.venv / "bin"

    @property
    def state(self) -> Path:
        return self.root / ".state"

    @property
    def pulumi_home(self) -> Path:
        return self.state / "home"

    @property
    def backend(self) -> Path:
        return self.state / "pulumi"

    @property
    def passphrase(self) -> Path:
        return self.state / "passphrase"

    @property
    def facts(self) -> Path:
        return self.state / "toolchain.json"


def cache_root(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """The folder outside the checkout where builds are kept: XDG's, or the platform's own habit."""
    env = os.environ if environ is None else environ
    home = Path(env.get("HOME") or env.get("USERPROFILE") or Path.home())
    given = env.get("XDG_CACHE_HOME", "")
    if Path(given).is_absolute():  # XDG: relative ones are to be ignored
        base = Path(given)
    elif platform == "darwin":
        base = home / "Library" / "Caches"
    elif platform == "win32":
        base = Path(env.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        base = home / ".cache"
    return base / "prefect-infra"
