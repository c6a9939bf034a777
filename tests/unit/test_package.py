"""What the package says of itself."""

from __future__ import annotations

import tomllib
from pathlib import Path

import infra


def test_the_version_is_the_same_everywhere() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["version"] == infra.__version__
