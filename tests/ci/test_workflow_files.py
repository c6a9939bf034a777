"""The workflows, as files."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from infra.cli import app

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def workflow(file: Path) -> Any:
    return YAML(typ="safe").load(file.read_text())


def test_actionlint_finds_nothing_wrong() -> None:
    done = subprocess.run(
        # What ShellCheck would say is not asked for: it is on some machines and not on others.
        [str(ROOT / ".venv" / "bin" / "actionlint"), "-no-color", "-shellcheck=", "-pyflakes=", *map(str, FILES)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (0, "")
    assert len(FILES) == 4


def test_actionlint_would_find_something(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(FILES[0].read_text().replace("needs.stacks", "needs.nowhere").replace("steps.reviewed", "steps.x"))

    done = subprocess.run([str(ROOT / ".venv" / "bin" / "actionlint"), str(wrong)], capture_output=True, check=False)

    assert done.returncode == 1


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_nothing_that_others_write_gets_into_a_shell_by_itself(file: Path) -> None:
    """An expression within `run` is put into the script as text; from `env` it is only a value."""
    for job in workflow(file)["jobs"].values():
        for step in job.get("steps", ()):
            assert "${{" not in step.get("run", "")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_job_has_as_few_rights_as_it_needs_and_ends_sometime(file: Path) -> None:
    told = workflow(file)
    assert set(told["permissions"].values()) == {"read"}
    for name, job in told["jobs"].items():
        writes = {right for right, level in job.get("permissions", {}).items() if level == "write"}
        assert writes == {"preview.yml review": {"pull-requests"}, "drift.yml drift": {"issues"}}.get(
            f"{file.name} {name}", set()
        )
        assert "uses" in job or "timeout-minutes" in job


def test_no_secret_is_handed_to_the_job_that_only_looks_at_files() -> None:
    for file in FILES:
        for job in workflow(file)["jobs"].values():
            if "environment" not in job:
                assert "secrets." not in str(job)


def test_the_actions_used_are_those_that_the_documentation_names() -> None:
    used = {
        each for file in FILES for each in re.findall(r"uses: (\S+)", file.read_text()) if not each.startswith("./")
    }

    docs = (ROOT / "docs" / "ci.md").read_text()
    assert used == {"actions/checkout@v4", "actions/upload-artifact@v4"}
    assert all(f"`{each}`" in docs for each in used)


def test_the_pipeline_for_gitlab_calls_commands_and_options_that_there_are() -> None:
    """GitLab's own check needs a GitLab."""
    text = re.search(r"```yaml\n(# .gitlab-ci.yml\n.*?)```", (ROOT / "docs" / "ci.md").read_text(), re.DOTALL)
    assert text is not None
    told = YAML(typ="safe").load(text[1])

    lines = [line for job in told.values() if isinstance(job, dict) for line in job.get("script", ())]
    called = [found for line in lines for found in re.findall(r"prefect-infra ([^|>;)]*)", line)]
    assert len(called) == 6
    for call in called:
        words = [word for word in call.split() if re.fullmatch(r"[a-z]+", word)]
        command: Any = typer.main.get_command(app)
        for word in words:
            if word in getattr(command, "commands", {}):
                command = command.commands[word]
        known = {flag for parameter in command.params for flag in parameter.opts}
        assert set(re.findall(r"(?<!\S)--[\w-]+", call)) <= known
    for line in lines:
        assert subprocess.run(["bash", "-n", "-c", line], check=False).returncode == 0, line
