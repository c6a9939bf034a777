"""Which engine the command line asks: a stack's own, or this machine's."""

from __future__ import annotations

import os
from pathlib import Path

from infra.throwaway.engine import Engine
from infra.toolchain import launcher


def ask_engine_of(root: Path, stack: str) -> None:
    """From here on, the docker commands of this process are for the machine that the stack is on."""
    host = launcher.remote_host(root, stack)
    if host is not None:
        os.environ["DOCKER_HOST"] = host


def engine_here(root: Path) -> Engine:
    """Of this machine, which throwaway stacks are on."""
    return Engine({**os.environ, **launcher.environment(root, None)})
