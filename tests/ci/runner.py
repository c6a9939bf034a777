"""A runner of workflows: its steps' own shell lines, in a clone of a bare repository, with the host's environment.

It knows as much of GitHub's expressions as our workflows use, and fails on any other.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.ci.github import TOKEN, Hosted

ROOT = Path(__file__).parents[2]
DAY = "2026-03-30T12:00:00-03:00"
WHO = {
    "GIT_AUTHOR_NAME": "Ana",
    "GIT_AUTHOR_EMAIL": "ana@example.com",
    "GIT_COMMITTER_NAME": "Ana",
    "GIT_COMMITTER_EMAIL": "ana@example.com",
    "GIT_AUTHOR_DATE": DAY,
    "GIT_COMMITTER_DATE": DAY,
}
STEP_SECONDS = 600
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=folder, env={**os.environ, **WHO}, check=True, capture_output=True, text=True
    ).stdout.strip()


@dataclass
class Done:
    """What came of a job."""

    outputs: dict[str, str]
    failed: str | None
    """The step that did."""
    code: int
    log: str
    summary: str


@dataclass
class Runner:
    workspace: Path
    origin: Path
    host: Hosted
    machine: Mapping[str, str]
    """Environment variables that all processes on it have."""
    variables: dict[str, str]
    secrets: dict[str, str]
    ran: set[tuple[str, str, str]] = field(default_factory=set)
    """By workflow, job and step."""

    def check_out(self, *commits: str) -> str:
        """As `actions/checkout` leaves it; of two commits, the second merged into the first, as for a pull request."""
        if not self.workspace.exists():
            git(self.workspace.parent, "clone", "-q", str(self.origin), self.workspace.name)
        git(self.workspace, "fetch", "-q", "origin")
        git(self.workspace, "checkout", "-qf", "--detach", commits[0])
        git(self.workspace, "clean", "-qffd")
        if len(commits) > 1:
            git(self.workspace, "merge", "-q", "--no-ff", "-m", "The pull request, merged", commits[1])
        return git(self.workspace, "rev-parse", "HEAD")

    def job(self, file: str, name: str, values: Mapping[str, str]) -> Done:
        """On what is checked out."""
        declared = YAML(typ="safe").load((self.workspace / ".github" / "workflows" / file).read_text())["jobs"][name]
        known = {
            **{f"vars.{key}": value for key, value in self.variables.items()},
            "github.token": TOKEN,
            **values,
        }
        if "environment" in declared:  # only these jobs see the secrets
            known |= {f"secrets.{key}": value for key, value in self.secrets.items()}
        done = Done({}, None, 0, "", "")
        outputs: dict[str, dict[str, str]] = {}
        for step in declared["steps"]:
            if done.failed and "if" not in step:
                continue
            if "if" in step and not self._holds(step["if"]):
                continue
            if "run" not in step:
                assert step["uses"].startswith(("actions/checkout@", "actions/upload-artifact@"))
                continue
            known |= {f"steps.{id_}.outputs.{key}": value for id_, had in outputs.items() for key, value in had.items()}
            env = {**declared.get("env", {}), **step.get("env", {})}
            self._step(
                file, name, step, {key: self._filled(str(text), known) for key, text in env.items()}, done, outputs
            )
        for key, text in declared.get("outputs", {}).items():
            steps = {f"steps.{id_}.outputs.{k}": value for id_, had in outputs.items() for k, value in had.items()}
            done.outputs[key] = self._filled(text, {**known, **steps})
        return done

    def _step(
        self,
        file: str,
        job: str,
        step: Mapping[str, Any],
        env: Mapping[str, str],
        done: Done,
        outputs: dict[str, dict[str, str]],
    ) -> None:
        said, summary = self.workspace.parent / "output", self.workspace.parent / "summary"
        said.write_text("")
        summary.write_text("")
        ran = subprocess.run(
            ["bash", "-e", "-c", step["run"]],  # GitHub's own way when no shell is named
            cwd=self.workspace,
            env={**self.machine, **self.host.environment, "GITHUB_TOKEN": "", "GITHUB_OUTPUT": str(said),
                 "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_SHA": git(self.workspace, "rev-parse", "HEAD"),
                 "CI": "true", **env},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=STEP_SECONDS,
            check=False,
        )  # fmt: skip
        self.ran.add((file, job, step["name"]))
        done.log += f"== {file} {job} {step['name']}\n{ran.stdout}{ran.stderr}"
        done.summary += summary.read_text()
        if "id" in step:
            outputs[step["id"]] = dict(line.split("=", 1) for line in said.read_text().splitlines())
        if ran.returncode and done.failed is None:
            done.failed, done.code = step["name"], ran.returncode

    def _filled(self, text: str, known: Mapping[str, str]) -> str:
        return _EXPRESSION.sub(lambda found: self._value(found[1], known), text)

    def _value(self, expression: str, known: Mapping[str, str]) -> str:
        for part in expression.split(" || "):
            if re.fullmatch(r"'[^']*'", part):
                return part.strip("'")
            # A variable that nobody set, and the output of a step that did not run, are empty; all else must be known.
            value = known.get(part, "") if part.startswith(("vars.", "steps.")) else known[part]
            if value:
                return value
        return ""

    def _holds(self, condition: str) -> bool:
        for term in condition.removeprefix("${{").removesuffix("}}").strip().split(" && "):
            if term == "!cancelled()":
                continue
            file = re.fullmatch(r"hashFiles\('([\w.]+)'\) != ''", term)
            assert file is not None, term
            if not (self.workspace / file[1]).exists():
                return False
        return True


def all_steps() -> set[tuple[str, str, str]]:
    """Of all workflows: those that run something."""
    found = set()
    for file in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        for job, declared in YAML(typ="safe").load(file.read_text())["jobs"].items():
            found |= {(file.name, job, step["name"]) for step in declared.get("steps", ()) if "run" in step}
    return found


def machine(folder: Path) -> dict[str, str]:
    """The environment of a machine that has set nothing of ours up, and keeps no profile but its own."""
    base = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "PREFECT_", "GITHUB_"))}
    assert shutil.which("bash")
    return {**base, **WHO, "PREFECT_PROFILES_PATH": str(folder / "profiles.toml"), "NO_COLOR": "1"}


def listed(output: str) -> list[str]:
    told: list[str] = json.loads(output)
    return told
