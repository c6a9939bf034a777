"""The salt that Pulumi writes into a dev stack's file stays out of git, and `git status` stays clean."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from infra.cli import salt
from infra.toolchain.paths import ROOT

DECLARED = "config:\n  prefect-infra:environment: dev\n"
SALTED = DECLARED + "encryptionsalt: v1:c2FsdA==:v1:c2FsdA==\n"


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=Prueba", "-c", "user.email=prueba@example.com"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of the project, as far as git cares: its attributes and a dev stack, committed."""
    (tmp_path / ".gitattributes").write_text((ROOT / ".gitattributes").read_text())
    (tmp_path / "Pulumi.dev.yaml").write_text(DECLARED)
    git(tmp_path, "init")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--message", "Primera")
    return tmp_path


def test_a_salted_stack_file_is_no_change_to_git(clone: Path) -> None:
    salt.keep_out_of_git(clone)
    (clone / "Pulumi.dev.yaml").write_text(SALTED)

    salt.settle(clone, "dev")

    assert git(clone, "status", "--porcelain") == ""
    assert (clone / "Pulumi.dev.yaml").read_text() == SALTED


def test_a_change_by_hand_beside_the_salt_stays_unstaged_and_its_commit_has_no_salt(clone: Path) -> None:
    salt.keep_out_of_git(clone)
    (clone / "Pulumi.dev.yaml").write_text(SALTED + "# mío\n")

    salt.settle(clone, "dev")

    assert git(clone, "diff", "--name-only", "--cached") == ""
    assert git(clone, "diff", "--name-only") == "Pulumi.dev.yaml"
    git(clone, "commit", "--all", "--message", "Segunda")
    assert git(clone, "show", "HEAD:Pulumi.dev.yaml") == DECLARED + "# mío"


def test_a_stack_that_git_does_not_know_is_left_alone(clone: Path) -> None:
    (clone / "Pulumi.dev-ana.yaml").write_text(SALTED)

    salt.settle(clone, "dev-ana")

    assert git(clone, "status", "--porcelain") == "?? Pulumi.dev-ana.yaml"


def test_outside_of_git_nothing_happens(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(SALTED)
    salt.keep_out_of_git(tmp_path)
    salt.settle(tmp_path, "dev")
    assert [path.name for path in tmp_path.iterdir()] == ["Pulumi.dev.yaml"]
