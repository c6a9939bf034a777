"""The set-up runs before anything is installed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.toolchain import launcher
from infra.toolchain.paths import ROOT, SOURCES


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", [ROOT / "infra" / "__init__.py", *sorted(SOURCES.glob("*.py"))], ids=lambda p: p.name)
def test_a_module_imports_the_standard_library_and_its_neighbours_alone(path: Path) -> None:
    foreign = {
        name
        for name in _imported(path)
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("infra.toolchain")
    }
    assert foreign == set()


def test_it_runs_without_site_packages() -> None:
    words = [sys.executable, "-S", "-m", "infra.toolchain", "setup", "--help"]
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "--no-install" in told


def test_the_launcher_imports_nothing_of_the_package_so_that_it_starts_fast() -> None:
    assert not any(name.startswith("infra") for name in _imported(Path(launcher.__file__)))
