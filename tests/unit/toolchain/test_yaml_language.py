"""The language host for YAML: the machine's own where Pulumi is, else one that the CLI finds in the checkout's home."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from infra.toolchain import yaml_language
from infra.toolchain.paths import Checkout
from infra.toolchain.progress import Progress, Step
from infra.toolchain.pulumi_cli import PulumiCli
from infra.toolchain.versions import YAML_LANGUAGE_BUILT

_HOST = "pulumi-language-yaml"


class Builds:
    """A Go that counts what it is asked to build."""

    def __init__(self) -> None:
        self.built: list[Path] = []

    def build(self, module: str, package: str, output: Path, step: Any, *, stamp: str) -> None:
        assert stamp.endswith(f"={YAML_LANGUAGE_BUILT}")
        self.built.append(output)
        output.write_text("#!/bin/sh\n")
        output.chmod(0o755)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "path").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path


def ensure(place: Path, go: Builds, clone: str = "clone", origin: str = "built") -> Path:
    checkout = Checkout(place / clone)
    cli = PulumiCli(place / "pulumi", "3.250.0", origin)
    yaml_language.ensure(checkout, cli, place / "cache", go, Step("", Progress()))  # type: ignore[arg-type]
    return checkout.pulumi_home / "plugins" / f"language-yaml-v{YAML_LANGUAGE_BUILT}" / _HOST


def own(place: Path) -> None:
    program = place / "path" / _HOST
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)


def test_it_is_built_once_for_all_clones_and_linked_into_each_ones_home(place: Path) -> None:
    go = Builds()
    links = [ensure(place, go, clone) for clone in ("one", "one", "two")]
    assert len(go.built) == 1
    assert {link.resolve().parent.parent for link in links} == {place / "cache"}
    assert all(link.is_symlink() for link in links)


def test_a_link_to_what_is_gone_is_mended(place: Path) -> None:
    go = Builds()
    link = ensure(place, go)
    link.unlink()
    link.symlink_to(place / "gone")
    assert ensure(place, go).resolve().is_file()
    assert sorted(link.parent.iterdir()) == [link]


def test_a_machine_with_pulumi_and_its_yaml_host_uses_that(place: Path) -> None:
    own(place)
    go = Builds()
    assert not ensure(place, go, origin="machine").exists()
    assert go.built == []


@pytest.mark.parametrize(("origin", "on_the_path"), [("machine", False), ("built", True)])
def test_one_without_the_other_is_not_relied_on(place: Path, origin: str, on_the_path: bool) -> None:
    if on_the_path:
        own(place)
    assert ensure(place, Builds(), origin=origin).resolve().is_file()
