"""A swarm of several real engines on this machine, each in a container of its own, and a registry beside them."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import secrets
import shutil
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from infra.toolchain.facts import read_facts
from tests.stack.platforms import ROOT, docker, eventually

IMAGES = Path(__file__).parent / "images"
LOGIN = ("prueba", "solo-para-pruebas")
"""Of the registry: who may push and pull."""
CGROUPS = Path("/sys/fs/cgroup")
# An engine in a container may do what this machine's own may, and no more: where that lacks one capability, asking for
# all of them (`--privileged`) would be refused.
CAPABILITIES = {24: "SYS_RESOURCE"}
UNCONFINED = [
    word for kind in ("seccomp", "apparmor", "systempaths") for word in ("--security-opt", f"{kind}=unconfined")
]


@dataclass
class Nodes:
    """Node 1 manages; what asks an engine asks its own."""

    count: int
    name: str = field(default_factory=lambda: f"t-swarm-{secrets.token_hex(3)}")
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="t-swarm-")))
    network: str = ""
    target: str = "node"
    """Of the Dockerfile: what each of them is."""

    def start(self) -> None:
        base = read_facts(ROOT).base_image
        self._build(base, "registry")
        self._machines(base)
        of_registry = ("--name", f"{self.name}-registry", "--network", self.name)
        docker("run", "--detach", *of_registry, "localhost/prefect-infra/test-swarm-registry")
        # A lost one is missed after three heartbeats, which are 5 s apart by default.
        self.ask(1, "swarm", "init", "--advertise-addr", self.address(1), "--dispatcher-heartbeat", "2s")
        token = self.ask(1, "swarm", "join-token", "--quiet", "worker")
        for number in range(2, self.count + 1):
            self.ask(number, "swarm", "join", "--token", token, self.address(1))
        saved = subprocess.Popen(["docker", "save", base], stdout=subprocess.PIPE)
        subprocess.run(["docker", "load", "--quiet"], stdin=saved.stdout, env=self.environment(1), check=True)

    def _machines(self, base: str) -> None:
        """Until each one's engine answers."""
        self._build(base, self.target)
        eventually("a network", self._make_network)
        for number in range(1, self.count + 1):
            self._start(number)
        for number in range(1, self.count + 1):
            eventually(f"node {number}", lambda number=number: self.ask(number, "version", "--format", "x"), 60)

    def _make_network(self) -> bool:
        """Of a subnet that is free, and given: a machine that was away comes back with the address that it had."""
        docker("network", "create", self.name)
        self.network = docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", self.name)
        docker("network", "rm", self.name)
        return bool(docker("network", "create", "--subnet", self.network, self.name))

    def _build(self, base: str, target: str) -> None:
        known = {"BASE_IMAGE": base, **({"USER_NAME": LOGIN[0], "PASSWORD": LOGIN[1]} if target == "registry" else {})}
        arguments = [word for key, value in known.items() for word in ("--build-arg", f"{key}={value}")]
        tag = ("--tag", f"localhost/prefect-infra/test-swarm-{target}")
        docker("build", "--quiet", "--target", target, *arguments, *tag, str(IMAGES))

    def _start(self, number: int) -> None:
        name = self._container(number)
        (self.folder / name).mkdir()
        missing = [cap for bit, cap in CAPABILITIES.items() if not _bounding_set() >> bit & 1]
        docker(
            *("run", "--detach", "--name", name, "--hostname", f"node-{number}", "--network", self.name),
            *("--ip", str(ipaddress.ip_network(self.network)[-2 - number])),
            *("--cap-add", "ALL", *(word for cap in missing for word in ("--cap-drop", cap)), *UNCONFINED),
            *("--device-cgroup-rule", "a *:* rwm", "--volume", f"{CGROUPS}:{CGROUPS}:rw", "--tmpfs", "/run:exec"),
            *("--volume", f"{name}:/var/lib/docker", "--volume", f"{self.folder / name}:/run/node"),
            f"localhost/prefect-infra/test-swarm-{self.target}",
            # As docs/operations.md asks of nodes: a service can't say it before Docker 25.
            *("--no-new-privileges", "--insecure-registry", self.network, "--cgroup-parent", f"/{name}"),
            *(word for server in _name_servers() for word in ("--dns", server)),
        )

    def _container(self, number: int) -> str:
        return f"{self.name}-node-{number}"

    def environment(self, number: int) -> dict[str, str]:
        return {**os.environ, "DOCKER_HOST": f"unix://{self.folder / self._container(number)}/docker.sock"}

    def ask(self, number: int, *arguments: str) -> str:
        environment = self.environment(number)
        done = subprocess.run(["docker", *arguments], env=environment, check=False, capture_output=True, text=True)
        try:
            done.check_returncode()
        except subprocess.CalledProcessError as error:
            error.add_note(done.stderr)
            raise
        return done.stdout.strip()

    def address(self, number: int) -> str:
        return self._address(self._container(number))

    def _address(self, container: str) -> str:
        (found,) = json.loads(docker("inspect", container))
        address: str = found["NetworkSettings"]["Networks"][self.name]["IPAddress"]
        return address

    @property
    def registry(self) -> str:
        return f"{self._address(f'{self.name}-registry')}:5000/prefect"

    @property
    def socket_group(self) -> int:
        return int(docker("exec", self._container(1), "stat", "--format", "%g", "/var/run/docker.sock"))

    def log_in(self, folder: Path) -> dict[str, str]:
        """To the registry, as a person would. The variables that make it count."""
        own = {"DOCKER_HOST": self.environment(1)["DOCKER_HOST"], "DOCKER_CONFIG": str(folder)}
        command = ["docker", "login", "--username", LOGIN[0], "--password-stdin", self.registry.partition("/")[0]]
        subprocess.run(command, env={**os.environ, **own}, input=LOGIN[1], text=True, check=True, capture_output=True)
        return own

    @property
    def encrypts(self) -> bool:
        """Whether the kernel has what an encrypted network needs."""
        key = "0x" + "1f" * 20
        association = ("src", "192.0.2.1", "dst", "192.0.2.2", "proto", "esp", "spi", "0x1001", "mode", "transport")
        ask = ("docker", "exec", self._container(1), "unshare", "--net", "ip", "xfrm", "state", "add")
        cipher = ("aead", "rfc4106(gcm(aes))", key, "64")
        return subprocess.run([*ask, *association, *cipher], capture_output=True, check=False).returncode == 0

    def label(self, number: int, label: str) -> None:
        self.ask(1, "node", "update", "--label-add", label, f"node-{number}")

    def lose(self, number: int) -> None:
        """As a machine whose power fails: its engine and all of its containers, at once."""
        docker("kill", self._container(number))

    def bring_back(self, number: int) -> None:
        docker("start", self._container(number))

    def hang(self, number: int, container: str) -> None:
        """All of its processes stay, and none of them does anything any more."""
        self.ask(number, "exec", container, "sh", "-c", "kill -STOP -1")
        # The first of its processes takes such a signal from without alone.
        self.ask(number, "kill", "--signal", "STOP", container)

    def containers(self, number: int, *filters: str) -> list[str]:
        words = [word for each in filters for word in ("--filter", each)]
        return self.ask(number, "ps", "--quiet", "--no-trunc", *words).split()

    def remove(self) -> None:
        mine = [f"{self.name}-registry", *(self._container(number) for number in range(1, self.count + 1))]
        with suppress(subprocess.CalledProcessError):
            docker("rm", "--force", "--volumes", *mine)
        for number in range(1, self.count + 1):
            with suppress(subprocess.CalledProcessError):
                docker("volume", "rm", self._container(number))
            for left in CGROUPS.glob(f"**/{self._container(number)}"):
                for folder in sorted(left.glob("**/"), reverse=True):
                    with suppress(OSError):
                        folder.rmdir()
        with suppress(subprocess.CalledProcessError):
            docker("network", "rm", self.name)
        shutil.rmtree(self.folder, ignore_errors=True)


def _bounding_set() -> int:
    (found,) = re.findall(r"^CapBnd:\s+([0-9a-f]+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(found, 16)


def _name_servers() -> list[str]:
    """This machine's, but for those that only it can ask."""
    found = re.findall(r"^nameserver\s+(\S+)", Path("/etc/resolv.conf").read_text(), re.MULTILINE)
    return [each for each in found if not ipaddress.ip_address(each.partition("%")[0]).is_loopback]
