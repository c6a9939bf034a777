"""What every command tells of itself, and what a shell completes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest
import typer
from typer.testing import CliRunner

from infra.cli import app


def commands(command: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, *path, name)


ALL = list(commands(typer.main.get_command(app)))


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(path) or "prefect-infra" for path, _ in ALL])
def test_the_help_has_an_example_with_options_that_there_are(path: tuple[str, ...], command: Any) -> None:
    found = re.search(r"Example: `(.*?)`", command.help, re.DOTALL)

    assert found is not None
    example = " ".join(found[1].split())
    assert " ".join(("prefect-infra", *path)) in example
    here = example[example.index(" ".join(("prefect-infra", *path))) :]
    known = {flag for _, each in ALL for parameter in each.params for flag in parameter.opts + parameter.secondary_opts}
    own = {flag for parameter in command.params for flag in parameter.opts + parameter.secondary_opts}
    assert set(re.findall(r"(?<!\S)--[\w-]+", here)) <= (known if hasattr(command, "commands") else own)


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(path) or "prefect-infra" for path, _ in ALL])
def test_every_option_and_argument_is_told(path: tuple[str, ...], command: Any) -> None:
    assert [parameter.name for parameter in command.params if not getattr(parameter, "help", None)] == []


@pytest.mark.parametrize(
    "name",
    [
        "adopt",
        "check",
        "deploy",
        "diff",
        "drift",
        "flows",
        "prune",
        "review",
        "rules",
        "stack list",
        "stack new",
        "stack rm",
        "timeline",
    ],
)
def test_what_a_script_would_read_comes_as_json(name: str) -> None:
    [command] = [command for path, command in ALL if " ".join(path) == name]

    assert {"--json", "--format"} & {flag for parameter in command.params for flag in parameter.opts}


@pytest.mark.thorough  # each is a process of its own
@pytest.mark.parametrize(("no_color", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)], ids=["colour", "NO_COLOR"])
def test_colour_is_for_a_terminal_and_not_where_it_is_not_wanted(
    tmp_path: Path, no_color: dict[str, str], coloured: bool
) -> None:
    environment = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "FORCE_COLOR", "CI"}}
    command = str(Path(sys.executable).with_name("prefect-infra"))

    said, code = pexpect.run(
        f"{command} flows",
        cwd=str(tmp_path),
        env={**environment, "TERM": "xterm-256color", **no_color},
        withexitstatus=True,
        timeout=60,
    )
    piped = subprocess.run(
        [command, "flows"], cwd=tmp_path, env={**environment, **no_color}, capture_output=True, check=False
    )

    assert (code, piped.returncode) == (2, 2)
    assert b"is not in a checkout" in said
    assert bool(re.search(rb"\x1b\[[\d;]*3[0-7]m", said)) is coloured
    assert b"\x1b" not in piped.stderr


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("prefect-infra ti", ["timeline"]),
        ("prefect-infra check --stack d", ["dev"]),
        ("prefect-infra timeline --stack dev --pool c", ["compras-dev"]),
        ("prefect-infra deploy --area ", ["compras", "ventas"]),
        ("prefect-infra stack ", ["new", "list", "rm"]),
        ("prefect-infra stack new ana --from dev --areas compras,v", ["compras,ventas"]),
        ("prefect-infra deploy --entrypoint flows/compras/pedidos.py:a", ["flows/compras/pedidos.py:avisar"]),
    ],
)
def test_a_shell_completes_names(checkout: Path, typed: str, completed: list[str]) -> None:
    words = typed.split(" ")
    environment = {
        "_PREFECT_INFRA_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(words) - 1),
    }

    told = CliRunner().invoke(app, prog_name="prefect-infra", env=environment).stdout

    assert told.split() == completed


def test_completing_outside_of_a_checkout_completes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environment = {
        "_PREFECT_INFRA_COMPLETE": "complete_bash",
        "COMP_WORDS": "prefect-infra timeline --pool ",
        "COMP_CWORD": "3",
    }

    assert CliRunner().invoke(app, prog_name="prefect-infra", env=environment).stdout.split() == []
