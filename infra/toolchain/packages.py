"""Installs locked Python packages: hashes checked, wheels only, nothing resolved. By uv, or where it cannot, by pip."""

from __future__ import annotations

import ast
import os
import re
import tempfile
from pathlib import Path

from infra.toolchain import cache
from infra.toolchain.commands import run
from infra.toolchain.errors import CommandError, OfflineError, SetupError
from infra.toolchain.paths import SOURCES

# The lock that pins uv itself.
_LOCK_WITH_UV = SOURCES / "requirements-dev.lock"
_STRICT = ("--require-hashes", "--no-deps", "--only-binary", ":all:")
# What people have told pip about their index, in the words of uv.
_SAID_TO_PIP = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
}


class Packages:
    """Installs into the virtualenv of `python`, which has pip; what it downloads is kept in the cache."""

    def __init__(self, cache_root: Path, python: Path) -> None:
        self._cache = cache_root
        self._python = python

    def install(self, lock: Path, *, what: str, target: Path | None = None) -> None:
        """`what` is what could not be done if it fails; `target` is a folder, else the virtualenv itself."""
        where = ["--target", str(target)] if target else []
        # Compiled once, as pip does of itself: every start of a program, a plugin or a test is faster by a half, also
        # where Python is told not to write bytecode (as in many containers and CI servers).
        compiled = [] if target else ["--compile-bytecode"]
        try:
            self._with_uv(lock, [*where, *compiled], what)
        except OfflineError:
            raise
        except SetupError:
            # pip knows ways to an index that uv doesn't; and if it fails too, its error is the one to show.
            self._with_pip(lock, where, what)

    def _with_uv(self, lock: Path, where: list[str], what: str) -> None:
        def fetch(folder: Path) -> None:
            with tempfile.NamedTemporaryFile("w", suffix=".lock") as pin:
                pin.write(_uv_pin())
                pin.flush()
                self._with_pip(Path(pin.name), ["--target", str(folder)], what)

        uv = cache.entry(self._cache / f"uv-{cache.fingerprint(_uv_pin())}", fetch) / "bin" / "uv"
        words: list[str | Path] = [uv, "pip", "install", "--python", self._python, *where, *_STRICT, "-r", lock]
        environment = {**self._index(), "UV_CACHE_DIR": str(self._cache / "packages"), "UV_NO_CONFIG": "1"}
        try:
            run([*words, "--offline"], env=environment)
        except CommandError:
            run(words, env=environment)

    def _with_pip(self, lock: Path, where: list[str], what: str) -> None:
        options = ["--no-input", "--disable-pip-version-check", "--retries", "2", "--root-user-action", "ignore"]
        if "PIP_DEFAULT_TIMEOUT" not in os.environ:
            options += ["--timeout", "30"]
        try:
            run([self._python, "-m", "pip", "install", *options, *where, *_STRICT, "-r", lock])
        except CommandError as error:
            raise error.told_as(
                what,
                needs="the Python package index",
                fix="see what pip says above; the locks are for CPython 3.11 and newer on Linux, macOS and WSL",
            ) from error

    def _index(self) -> dict[str, str]:
        """Pip's settings for uv, but for those that were made for uv itself."""
        printed = run([self._python, "-m", "pip", "config", "list"])
        settings: dict[str, str] = {}
        for key, value in re.findall(r"^\S+?\.([a-z-]+)=('.*'|\".*\")$", printed, re.MULTILINE):
            variable = _SAID_TO_PIP.get(key)
            if variable and variable not in os.environ:
                settings[variable] = " ".join(str(ast.literal_eval(value)).split())
        return settings


def _uv_pin() -> str:
    """The lines of the lock that pin uv, with its hashes."""
    found = re.search(r"^uv==.*(?:\n {4}.*)+\n", _LOCK_WITH_UV.read_text(), re.MULTILINE)
    if found is None:
        raise SetupError(f"{_LOCK_WITH_UV} does not pin uv", fix="make lock")
    return found[0]
