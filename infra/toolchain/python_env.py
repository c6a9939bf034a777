"""The virtualenv `.venv`, from a lock with hashes, with the project itself on its path."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import tomllib
from pathlib import Path

from infra.toolchain import cache, launcher
from infra.toolchain.commands import find, run
from infra.toolchain.errors import CommandError
from infra.toolchain.packages import Packages
from infra.toolchain.paths import SOURCES, Checkout
from infra.toolchain.progress import Step
from infra.toolchain.versions import spell

LOCKS = {
    "dev": SOURCES / "requirements.lock",
    "test": SOURCES / "requirements-dev.lock",
    "check": SOURCES / "requirements-dev.lock",
}
_STAMP = ".toolchain-stamp"

# A shell line first, as pip writes it: a `#!` with the path of a deep checkout would be too long for the kernel.
_SCRIPT = """\
#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import sys
from {module} import {function}
sys.exit({function}())
"""


def missing_packages() -> tuple[str, ...]:
    """Debian keeps a part of Python that makes virtualenvs in a package of its own."""
    if importlib.util.find_spec("ensurepip") is not None or find("apt-get") is None:
        return ()
    return (f"python{spell(sys.version_info[:2])}-venv",)


def ensure(checkout: Checkout, purpose: str, packages: Packages, step: Step) -> None:
    """Makes `.venv` what the lock says; the lock for tests contains the other, so that one also serves `dev`."""
    wanted = {name: _key(checkout, lock) for name, lock in LOCKS.items()}
    stamp = checkout.venv / _STAMP
    found = stamp.read_text().strip() if stamp.is_file() else ""
    if found == wanted["test"] or found == wanted[purpose]:
        step.done("as locked")
    else:
        # Who had the tools for tests keeps them: `make dev` after a change of the locks must not take them away.
        had_tools = (checkout.bin / "pytest").exists()
        lock = LOCKS["test" if had_tools else purpose]
        _create(checkout, step)
        _install(checkout, lock, packages, step)
        stamp.write_text(_key(checkout, lock) + "\n")
        step.done(f"made from {lock.name}")
    launcher.install(checkout.root)


def python_in(venv: Path) -> Path:
    return venv / "bin" / "python"


def _key(checkout: Checkout, lock: Path) -> str:
    # The root too: scripts in a virtualenv carry its path, so a moved checkout needs a new one.
    return cache.fingerprint(
        sys.version, sys.base_prefix, str(checkout.root), lock.read_bytes(), json.dumps(_scripts(checkout))
    )


def _scripts(checkout: Checkout) -> dict[str, str]:
    project = tomllib.loads((checkout.root / "pyproject.toml").read_text())["project"]
    scripts: dict[str, str] = project.get("scripts", {})
    return scripts


def _base_python() -> Path:
    """The interpreter under the virtualenv that may be active: the one to be made must not hang on itself."""
    folder = Path(sys.base_prefix) / "bin"
    names = (f"python{spell(sys.version_info[:2])}", "python3")
    return next((folder / name for name in names if (folder / name).exists()), Path(sys.executable))


def _create(checkout: Checkout, step: Step) -> None:
    step.now("making the virtualenv")
    python = _base_python()
    shutil.rmtree(checkout.venv, ignore_errors=True)
    try:
        run([python, "-m", "venv", checkout.venv])
    except CommandError as error:
        raise error.told_as(
            f"could not make the virtualenv {checkout.venv}",
            needs="nothing",
            fix="check that `python3 -m venv` works (Debian: apt-get install python3-venv)",
        ) from error


def _install(checkout: Checkout, lock: Path, packages: Packages, step: Step) -> None:
    step.now(f"installing {lock.name}, hashes checked")
    packages.install(lock, what="could not install the locked Python packages")
    site = next((checkout.venv / "lib").glob("python*/site-packages"))
    # The project itself: its root on the path is all an editable install would do, without a build back end.
    (site / "prefect_infra.pth").write_text(f"{checkout.root}\n")
    for name, target in _scripts(checkout).items():
        module, function = target.split(":")
        script = checkout.bin / name
        script.write_text(_SCRIPT.format(python=python_in(checkout.venv), module=module, function=function))
        script.chmod(0o755)
