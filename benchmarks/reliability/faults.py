"""What is done to the stack, one fault after the other; each undoes what it did that wouldn't pass by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from benchmarks.reliability import checkout, clock
from benchmarks.reliability.stack import Stack, docker

PARTITION_SECONDS: Final = 60
OTHER_DRAIN_SECONDS: Final = 540
FULL_SECONDS: Final = 60
DATA: Final = "/var/lib/postgresql/data"
JUMP_SECONDS: Final = 600
JUMPED_SECONDS: Final = 60


@dataclass(frozen=True)
class Fault:
    says: str
    """What is done, as the results tell it."""
    strike: Callable[[Stack], None]
    prepare: Callable[[Stack], None] = lambda _: None
    """What has to be there before the runs."""


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


def full_disk(stack: Stack) -> None:
    """Every byte of the database's volume, until Postgres has met it; then room again."""
    postgres = stack.prefixed("postgres")
    image = docker("inspect", "--format", "{{.Image}}", postgres)
    # Written to the end, and once more after a while: what Postgres gave back meanwhile is taken, too.
    fill = "n=0; while [ $n -lt 20 ]; do cat /dev/zero >> $1/ballast 2>/dev/null; n=$((n+1)); sleep 3; done"
    reserve = f"fallocate -l $(df --output=avail -B1 {DATA} | tail -1) {DATA}/ballast.large || true"
    docker("exec", postgres, "sh", "-c", reserve, check=False)
    docker("exec", postgres, "sh", "-c", fill, "fill", DATA, check=False, seconds=FULL_SECONDS * 4)
    volume = f"{stack.prefixed('postgres-data')}:{DATA}"
    # In a container of its own: Postgres's may be away.
    docker("run", "--rm", "--network", "none", "-v", volume, image, "sh", "-c", f"rm -f {DATA}/ballast*")


def needs_a_small_disk(stack: Stack) -> None:
    if not stack.has_small_disk:
        raise RuntimeError("a full disk needs the database's volume on a disk of its own, and that needs root on Linux")


def jumping_clock(stack: Stack) -> None:
    """Ahead, and back again."""
    clock.jump(stack, JUMP_SECONDS)
    time.sleep(3)
    ahead = clock.shown(stack) - time.time()
    if abs(ahead - JUMP_SECONDS) > 30:
        raise RuntimeError(f"the server's clock is {ahead:.0f} s ahead, and should be {JUMP_SECONDS}")
    time.sleep(JUMPED_SECONDS)
    clock.jump(stack, 0)


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
    "disk": Fault(f"the database's volume full for {FULL_SECONDS} s", full_disk, needs_a_small_disk),
    "clock": Fault(
        f"the clock of the server's processes {JUMP_SECONDS} s ahead for {JUMPED_SECONDS} s, then back",
        jumping_clock,
        clock.install,
    ),
}
