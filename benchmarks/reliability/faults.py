"""What is done to the stack, one fault after the other; each undoes what it did that wouldn't pass by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.reliability import checkout
from benchmarks.reliability.stack import Stack, docker

PARTITION_SECONDS: Final = 60
OTHER_DRAIN_SECONDS: Final = 540


@dataclass(frozen=True)
class Fault:
    says: str
    """What is done, as the results tell it."""
    strike: Callable[[Stack], None]


def kill(*roles: str) -> Callable[[Stack], None]:
    """SIGKILL for everything that runs in these containers.

    From within: the engine takes a `docker kill` for a stop by hand, and would not start the container again.
    """

    def strike(stack: Stack) -> None:
        for role in roles:
            docker("exec", stack.prefixed(role), "sh", "-c", "kill -KILL -1", check=False)

    return strike


def partition(role: str) -> Callable[[Stack], None]:
    def strike(stack: Stack) -> None:
        docker("network", "disconnect", "--force", stack.network, stack.prefixed(role))
        try:
            time.sleep(PARTITION_SECONDS)
        finally:
            docker("network", "connect", stack.network, stack.prefixed(role))

    return strike


def replace_workers(stack: Stack) -> None:
    """Another value of a worker's setting: every worker is drained, and replaced."""
    checkout.write_stack(stack.folder, stack.size, drain_seconds=OTHER_DRAIN_SECONDS)
    stack.apply()


FAULTS: Final = {
    "none": Fault("nothing", lambda _: None),
    "worker": Fault("SIGKILL for the first area's worker", kill("area1-worker-1")),
    "api": Fault("SIGKILL for an API replica", kill("api-1")),
    "services": Fault("SIGKILL for the background services", kill("services-1")),
    "redis": Fault("SIGKILL for Redis", kill("redis")),
    "postgres": Fault("SIGKILL for Postgres, its sessions included", kill("postgres")),
    "proxy": Fault("SIGKILL for the proxy", kill("proxy")),
    "partition": Fault(
        f"the first area's worker cut off from the network for {PARTITION_SECONDS} s", partition("area1-worker-1")
    ),
    "up": Fault("`pulumi up` with another `drain_seconds`: every worker is replaced", replace_workers),
}
