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
FULL_SECONDS: Final = 60
DATA: Final = "/var/lib/postgresql/data"
_RESERVE: Final = f"fallocate -l $(df --output=avail -B1 {DATA} | tail -1) {DATA}/ballast.large"
_FILL: Final = f"""
cat /dev/zero >> {DATA}/ballast 2> /dev/null
PGPASSWORD="$(cat /run/secrets/postgres_password)" psql -q -h 127.0.0.1 -U prefect -d prefect \\
  -c 'CREATE TABLE IF NOT EXISTS ballast (text text)' \\
  -c 'DROP TABLE ballast' \\
  -c "SELECT count(pg_logical_emit_message(false, 'ballast', repeat('x', 1000000))) FROM generate_series(1, 50)"
"""


@dataclass(frozen=True)
class Fault:
    says: str
    """What is done, as the results tell it."""
    strike: Callable[[Stack], None]
    prepare: Callable[[Stack], None] = lambda _: None
    """What has to be there before the runs."""
    of_first_area: bool = False
    """Whether only the first area's runs are touched by it."""


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
    declared = checkout.declared_drain_seconds(stack.folder)
    other = OTHER_DRAIN_SECONDS if declared == checkout.DRAIN_SECONDS else checkout.DRAIN_SECONDS
    checkout.write_stack(stack.folder, stack.size, drain_seconds=other)
    stack.apply()


def full_disk(stack: Stack) -> None:
    """Every byte of the database's volume, and somebody who goes on writing all the same; then room again.

    What Postgres has set aside would carry it through a minute of flow runs: the writer uses that up, so that it has
    to meet the end of the disk, in its log of transactions, too.
    """
    postgres = stack.prefixed("postgres")
    image = docker("inspect", "--format", "{{.Image}}", postgres)
    docker("exec", postgres, "sh", "-c", _RESERVE, check=False)
    until = time.monotonic() + FULL_SECONDS
    while time.monotonic() < until:
        docker("exec", postgres, "sh", "-c", _FILL, check=False)
        time.sleep(3)
    volume = f"{stack.prefixed('postgres-data')}:{DATA}"
    # In a container of its own: Postgres's may be away.
    docker("run", "--rm", "--network", "none", "-v", volume, image, "sh", "-c", f"rm -f {DATA}/ballast*")
    told = docker("logs", "--since", f"{FULL_SECONDS * 2}s", postgres, both=True)
    if "No space left on device" not in told:
        raise RuntimeError("Postgres never met the end of its disk")


def needs_a_small_disk(stack: Stack) -> None:
    if not stack.has_small_disk:
        raise RuntimeError("a full disk needs the database's volume on a disk of its own, and that needs root on Linux")


NOTHING: Final = Fault("nothing", lambda _: None)
FAULTS: Final = {
    "none": NOTHING,
    "worker": Fault("SIGKILL for the first area's worker", kill("area1-worker-1"), of_first_area=True),
    "api": Fault("SIGKILL for an API replica", kill("api-1")),
    "services": Fault("SIGKILL for the background services", kill("services-1")),
    "redis": Fault("SIGKILL for Redis", kill("redis")),
    "postgres": Fault("SIGKILL for Postgres, its sessions included", kill("postgres")),
    "proxy": Fault("SIGKILL for the proxy", kill("proxy")),
    "partition": Fault(
        f"the first area's worker cut off from the network for {PARTITION_SECONDS} s",
        partition("area1-worker-1"),
        of_first_area=True,
    ),
    "up": Fault("`pulumi up` with another `drain_seconds`: every worker is replaced", replace_workers),
    "disk": Fault(f"the database's volume full for {FULL_SECONDS} s", full_disk, needs_a_small_disk),
}
