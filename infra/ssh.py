"""A command on another machine, by the `ssh` program: its user's own keys and configuration, known hosts checked.

The standard library alone, as program and provider both have use for it.
"""

from __future__ import annotations

import subprocess
from typing import Final
from urllib.parse import urlsplit

CONNECT_SECONDS: Final = 30  # as the docker command gives it
_ANSWER_SECONDS: Final = 60
_OF_SSH_ITSELF: Final = 255


class SshError(Exception):
    """The machine wasn't reached, or the command failed there. The text says why."""


def command(host: str, *words: str) -> list[str]:
    """The words that have `host` (ssh://user@machine:port) run those. Nobody is asked for anything: see BatchMode."""
    parts = urlsplit(host)
    user = ["-l", parts.username] if parts.username else []
    port = ["-p", str(parts.port)] if parts.port else []
    options = ["-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_SECONDS}"]
    return ["ssh", *options, *user, *port, "--", parts.hostname or "", *words]


def run(host: str, *words: str) -> str:
    """What the command says there.

    Raises:
        SshError: no `ssh` here, no way in, or the command failed.

    """
    try:
        done = subprocess.run(
            command(host, *words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_ANSWER_SECONDS,
        )
    except FileNotFoundError as error:
        raise SshError("the `ssh` command is not on PATH: `make doctor` says how to get it") from error
    except subprocess.TimeoutExpired as error:
        raise SshError(f"{host} doesn't answer within {_ANSWER_SECONDS} s") from error
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        whose = "" if done.returncode == _OF_SSH_ITSELF else f" {words[0].split()[0]}:"
        raise SshError(f"{host}:{whose} {said}")
    return done.stdout
