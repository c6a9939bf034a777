"""The file of a throwaway stack, and what the stack then is."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.model import Stack, StackErrors, load_stack_file
from infra.model.files import StackFile
from infra.throwaway import stack_file
from infra.throwaway.lifetime import Lifetime
from infra.throwaway.request import Request
from infra.toolchain.launcher import is_dev

LIFE = Lifetime.of("8h", datetime(2026, 11, 25, 18, 30, tzinfo=UTC))


def written(request: Request, life: Lifetime = LIFE) -> Stack:
    (request.root / request.file.name).write_text(stack_file.text(request, life), encoding="utf-8")
    return load_stack_file(request.root, request.stack)


@pytest.mark.parametrize("base", ["dev", "prod"])
def test_it_is_like_its_base_but_disturbs_nothing_and_nothing_keeps_it(root: Path, base: str) -> None:
    stack = written(Request(root, "ana", base, "8h"))

    assert stack.environment == base
    assert [area.pool.name for area in stack.areas] == [f"compras-{base}", f"ventas-{base}"]
    assert (stack.server.memory_mb, stack.server.auth) == (900, "required")
    assert (stack.server.port, stack.server.bind, stack.server.protect) == ("auto", "127.0.0.1", False)
    [profile] = stack.profiles
    assert (profile.name, profile.activate) == (f"prefect-infra-{base}-ana", False)
    assert profile.settings == {"PREFECT_LOGGING_LEVEL": "DEBUG"}


def test_no_schedule_makes_runs_even_one_that_says_it_does(root: Path) -> None:
    def active(stack: Stack) -> list[bool]:
        return [each.active for area in stack.areas for made in area.deployments for each in made.schedules]

    assert active(load_stack_file(root, "dev")) == [True]
    assert active(written(Request(root, "ana", "dev", "8h"))) == [False]


def test_it_has_the_areas_that_were_asked_for(root: Path) -> None:
    stack = written(Request(root, "ana", "dev", "8h", ("compras",)))

    assert [area.name for area in stack.areas] == ["compras"]
    assert "areas/compras.yaml" in (root / "Pulumi.dev-ana.yaml").read_text()


def test_renewed_it_keeps_all_else_that_stands_in_it(root: Path) -> None:
    request = Request(root, "ana", "dev", "8h", ("compras",))
    written(request)
    path = root / "Pulumi.dev-ana.yaml"
    path.write_text("encryptionsalt: v1:abc=\n" + path.read_text() + "  prefect-infra:env: {CLAVE: valor} # mío\n")

    stack = written(replace(request, areas=()), Lifetime(LIFE.made, LIFE.expires + timedelta(days=1)))

    assert "CLAVE: valor} # mío" in path.read_text()
    assert path.read_text().startswith("encryptionsalt: v1:abc=\n")
    assert [area.name for area in stack.areas] == ["compras"]
    renewed = stack_file.life(StackFile(root, path.name))
    assert renewed is not None
    assert renewed.expires == LIFE.expires + timedelta(days=1)


def test_its_passphrase_is_the_checkouts_own_whatever_it_is_made_from(root: Path) -> None:
    written(Request(root, "ana", "prod", "8h"))

    assert is_dev(root, "prod-ana")
    assert not is_dev(root, "prod")


@pytest.mark.parametrize("expires", ["mañana", "2026-11-25", "2026-11-25T23:40:00"])
def test_an_end_that_is_no_moment_is_told_with_its_line(root: Path, expires: str) -> None:
    written(Request(root, "ana", "dev", "8h"))
    path = root / "Pulumi.dev-ana.yaml"
    path.write_text(path.read_text().replace(LIFE.expires.isoformat(), expires))

    with pytest.raises(StackErrors, match=r"Pulumi.dev-ana.yaml:6.*prefect-infra:throwaway.expires"):
        load_stack_file(root, "dev-ana")


def test_git_does_not_see_it_as_long_as_it_is_there(root: Path) -> None:
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    written(Request(root, "ana", "prod", "8h"))

    assert stack_file.keep_out_of_git(root, "Pulumi.prod-ana.yaml")
    assert not stack_file.keep_out_of_git(root, "Pulumi.prod-ana.yaml")
    status = ["git", "status", "--porcelain", "--untracked-files=all"]
    assert "prod-ana" not in subprocess.run(status, cwd=root, check=True, capture_output=True, text=True).stdout
    stack_file.let_git_see(root, "Pulumi.prod-ana.yaml")
    assert "prod-ana" in subprocess.run(status, cwd=root, check=True, capture_output=True, text=True).stdout
