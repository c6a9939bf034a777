"""The runtimes: what containers become on one engine, and what on a swarm."""

from __future__ import annotations

from infra.components.image import ImageBuilder
from infra.components.naming import Naming
from infra.components.runtime import Runtime
from infra.components.runtimes.one_engine import OneEngine
from infra.components.runtimes.swarm import OnSwarm
from infra.model import Stack


def runtime_of(stack: Stack, naming: Naming, images: ImageBuilder) -> Runtime:
    """What the stack is declared to be on."""
    return OneEngine(naming, stack.host) if stack.swarm is None else OnSwarm(naming, stack.swarm, images)
