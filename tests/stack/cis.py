"""Section 5 of the CIS Docker Benchmark (1.6): what each container is held against, by `docker inspect`.

docs/operations.md has the same numbers with what they mean here; a test holds the two against each other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.stack.platforms import docker

Inspected = Mapping[str, Any]
SENSITIVE: Final = re.compile(r"/(boot|dev|etc|lib|proc|sys|usr)?(/|$)")


def _host(container: Inspected, key: str) -> Any:
    return container["HostConfig"][key]


def _ports(container: Inspected) -> list[dict[str, str]]:
    return [bound for each in container["NetworkSettings"]["Ports"].values() if each for bound in each]


def _mounted(container: Inspected) -> list[str]:
    return [mount["Source"] for mount in container["Mounts"] if mount["Type"] == "bind"]


CHECKS: Final[Mapping[str, Callable[[Inspected], bool]]] = {
    "5.2": lambda c: "unconfined" not in c["AppArmorProfile"],
    "5.4": lambda c: _host(c, "CapDrop") == ["ALL"] and not _host(c, "CapAdd"),
    "5.5": lambda c: not _host(c, "Privileged"),
    "5.6": lambda c: not any(re.fullmatch(SENSITIVE, path) for path in _mounted(c)),
    "5.7": lambda c: not any("sshd" in str(word) for word in [c["Path"], *c["Args"]]),
    "5.8": lambda c: all(int(port["HostPort"]) >= 1024 for port in _ports(c)),
    "5.9": lambda c: not _ports(c) or c["Config"]["Labels"]["prefect-infra.role"] == "proxy",
    "5.10": lambda c: _host(c, "NetworkMode") != "host",
    "5.11": lambda c: _host(c, "Memory") > 0,
    "5.12": lambda c: _host(c, "NanoCpus") > 0 or _host(c, "CpuShares") > 0,
    "5.13": lambda c: bool(_host(c, "ReadonlyRootfs")),
    "5.14": lambda c: all(port["HostIp"] not in ("", "0.0.0.0", "::") for port in _ports(c)),
    "5.15": lambda c: _host(c, "RestartPolicy")["Name"] == "no" or _host(c, "RestartPolicy")["MaximumRetryCount"] > 0,
    "5.16": lambda c: _host(c, "PidMode") != "host",
    "5.17": lambda c: _host(c, "IpcMode") != "host",
    "5.18": lambda c: not _host(c, "Devices"),
    "5.19": lambda c: not _host(c, "Ulimits"),
    "5.20": lambda c: not any(mount.get("Propagation") == "shared" for mount in c["Mounts"]),
    "5.21": lambda c: _host(c, "UTSMode") != "host",
    "5.22": lambda c: not any("seccomp" in option for option in _host(c, "SecurityOpt")),
    "5.25": lambda c: not _host(c, "CgroupParent"),
    "5.26": lambda c: any("no-new-privileges" in option for option in _host(c, "SecurityOpt")),
    "5.27": lambda c: bool(c["Config"].get("Healthcheck")),
    "5.29": lambda c: _host(c, "PidsLimit") is not None and _host(c, "PidsLimit") > 0,
    "5.30": lambda c: "bridge" not in c["NetworkSettings"]["Networks"],
    "5.31": lambda c: _host(c, "UsernsMode") != "host",
    "5.32": lambda c: not any(path.endswith("docker.sock") for path in _mounted(c)),
    "4.1": lambda c: c["Config"]["User"].split(":")[0] not in ("", "0", "root"),
}
"""4.1 is of section 4; what it asks is seen on the container alone."""


def failures(containers: list[str]) -> dict[str, set[str]]:
    """The roles whose containers don't pass, by check."""
    found: dict[str, set[str]] = {}
    for container in json.loads(docker("inspect", *containers)):
        for number, passes in CHECKS.items():
            if not passes(container):
                found.setdefault(number, set()).add(container["Config"]["Labels"]["prefect-infra.role"])
    return found
