"""What a person calls here for a stack on another machine, in the stack's own checkout."""

from __future__ import annotations

import subprocess
import sys

from tests.stack.platforms import ROOT, Platform

SECONDS = 800


def told(platform: Platform, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=platform.folder,
        env=platform.environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def command_line(platform: Platform, *arguments: str) -> str:
    """What `prefect-infra` answers."""
    done = told(platform, str(ROOT / ".venv/bin/prefect-infra"), *arguments, "--stack", platform.stack)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pulumi(platform: Platform, *arguments: str) -> subprocess.CompletedProcess[str]:
    """By the launcher of the stack's own checkout, which goes by its file."""
    return told(platform, *_launched(platform, *arguments))


def begun(platform: Platform, *arguments: str) -> subprocess.Popen[str]:
    """The same, under way. `said` waits for its end."""
    return subprocess.Popen(
        _launched(platform, *arguments),
        cwd=platform.folder,
        env=platform.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> str:
    try:
        return process.communicate(timeout=SECONDS)[0]
    except subprocess.TimeoutExpired:
        process.terminate()
        raise


def _launched(platform: Platform, *arguments: str) -> list[str]:
    launcher = str(platform.folder / "infra/toolchain/launcher.py")
    options = ("--stack", platform.stack, "--non-interactive", "--color", "never")
    return [sys.executable, "-SI", launcher, *arguments, *options]
