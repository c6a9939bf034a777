"""Calls of the Pulumi CLI: each one is shown, its output is passed through as it comes, and nothing is rewritten."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.cli.console import err, fail
from infra.toolchain import launcher


@dataclass(frozen=True)
class Pulumi:
    """The CLI for one stack of one checkout, with the set-up's environment: the user's own login is never touched."""

    root: Path
    stack: str
    extra: Mapping[str, str] = field(default_factory=dict)
    """Variables beyond the set-up's."""

    def show(self, *arguments: str, on_stderr: bool = False) -> int:
        """Run it in the foreground; on stderr where stdout is for something else. Returns its exit code."""
        command = self._command(*arguments)
        err.print(f"$ {shlex.join(['pulumi', *command[1:]])}", style="bold", markup=False)
        stdout = sys.stderr if on_stderr else None
        return subprocess.run(command, cwd=self.root, env=self.environment, check=False, stdout=stdout).returncode

    def ask(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it unseen, for what it tells."""
        return subprocess.run(
            self._command(*arguments),
            cwd=self.root,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )

    def tell(self, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it unseen with something to read, which thus is in no list of processes."""
        return subprocess.run(
            self._command(*arguments),
            cwd=self.root,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
            input=text,
        )

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets included: for use, not for show."""
        answer = self.ask("stack", "output", "--json", "--show-secrets", "--stack", self.stack)
        if answer.returncode != 0:
            fail(answer.stderr.strip())
        outputs: dict[str, Any] = json.loads(answer.stdout)
        return outputs

    def exists(self) -> bool:
        answer = self.ask("stack", "ls", "--json")
        if answer.returncode != 0:
            fail(answer.stderr.strip())
        return self._is_among(answer.stdout)

    def has_state(self) -> bool:
        """Whether there is such a stack, as far as can be told: of a checkout that isn't set up, nothing can."""
        try:
            answer = self.ask("stack", "ls", "--json")
        except (OSError, KeyError, ValueError):
            return False
        return answer.returncode == 0 and self._is_among(answer.stdout)

    def _is_among(self, listed: str) -> bool:
        return self.stack in {str(stack["name"]).rsplit("/", 1)[-1] for stack in json.loads(listed)}

    def forget_salt(self) -> None:
        """Take the line out of the stack file that Pulumi wrote there for a stack that is no more.

        The passphrase of a dev stack is this checkout's own, and so is the salt that goes with it: committed, it
        would lock everybody else out.
        """
        path = self.root / f"Pulumi.{self.stack}.yaml"
        if path.is_file():
            text = path.read_text()
            without = re.sub(r"^encryptionsalt: .*\n?", "", text, flags=re.MULTILINE)
            if not without.strip():
                path.unlink()  # Pulumi made the file for the salt alone
            elif without != text:
                path.write_text(without)

    def forget_state(self) -> None:
        """What `pulumi stack rm` keeps of a stack in the checkout's own file backend: copies and history."""
        for kept in (self.root / ".state" / "pulumi" / ".pulumi").glob("*/*/*"):
            if kept.name.split(".json")[0] != self.stack:
                continue
            if kept.is_dir():
                shutil.rmtree(kept)
            else:
                kept.unlink()

    def _command(self, *arguments: str) -> list[str]:
        program = shutil.which("pulumi", path=self.environment["PATH"])
        if program is None:
            fail("the Pulumi CLI is not there: run `make setup`")
        return [program, *arguments, "--non-interactive"]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **launcher.environment(self.root, self.stack), **self.extra}
