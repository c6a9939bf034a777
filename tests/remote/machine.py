"""A machine that is reached by ssh alone: its own engine, addresses and users, in a container; and a client's keys."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.toolchain.facts import read_facts
from tests.stack.platforms import ROOT, docker, eventually
from tests.swarm.nodes import Nodes

PORT = 2222
SERVER = f"""\
Port {PORT}
HostKey /etc/ssh/test_host_key
AllowUsers deploy
AuthenticationMethods publickey
PidFile none
"""


@dataclass
class Machine(Nodes):
    """Started, it is reached with the keys and known hosts of `client`, and of nobody else who runs this."""

    count: int = 1
    target: str = "machine"

    def start(self) -> None:
        self._machines(read_facts(ROOT).base_image)
        for name in ("host", "client", "stranger"):
            new = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(self.folder / name)]
            subprocess.run(new, check=True)
        self.put("/etc/ssh/test_host_key", (self.folder / "host").read_text(), "600", "root")
        self.put("/etc/ssh/sshd_config", SERVER, "644", "root")
        self.put("/home/deploy/.ssh/authorized_keys", (self.folder / "client.pub").read_text(), "600", "deploy")
        docker("exec", self.container, "mkdir", "--parents", "/run/sshd")
        docker("exec", "--detach", self.container, "/usr/sbin/sshd", "-D")
        self.know("host")
        (self.folder / "config").write_text(
            f"Host *\n  IdentityFile {self.folder}/client\n  IdentitiesOnly yes\n  IdentityAgent none\n"
            f"  UserKnownHostsFile {self.folder}/known_hosts\n  GlobalKnownHostsFile /dev/null\n"
            "  ServerAliveInterval 5\n"
        )
        real = shutil.which("ssh")
        assert real, "the set-up for tests installs openssh-client"
        program = self.folder / "bin" / "ssh"
        program.parent.mkdir()
        # ssh goes by the home of the user's record, whatever HOME says.
        counted = f"echo x >> {self.folder}/connections"
        program.write_text(f'#!/bin/sh\n{counted}\nexec {real} -F {self.folder}/config "$@"\n')
        program.chmod(0o755)
        eventually("sshd", lambda: self.ssh("docker", "version", "--format", "{{.Server.Version}}"))

    @property
    def container(self) -> str:
        return self._container(1)

    @property
    def url(self) -> str:
        return f"ssh://deploy@{self.address(1)}:{PORT}"

    @property
    def client(self) -> dict[str, str]:
        """Where Docker would ask without being told is nowhere."""
        return {
            "PATH": f"{self.folder}/bin{os.pathsep}{os.environ['PATH']}",
            "DOCKER_HOST": f"unix://{self.folder}/nowhere.sock",
        }

    @property
    def connections(self) -> int:
        """How often `ssh` was run."""
        return len((self.folder / "connections").read_text().splitlines())

    def know(self, key: str) -> None:
        """What the client takes for the machine's key."""
        public = (self.folder / f"{key}.pub").read_text()
        (self.folder / "known_hosts").write_text(f"[{self.address(1)}]:{PORT} {public}")

    def ssh(self, *words: str) -> str:
        command = ["ssh", "-o", "BatchMode=yes", "-p", str(PORT), f"deploy@{self.address(1)}", *words]
        done = subprocess.run(command, env={**os.environ, **self.client}, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    @contextmanager
    def out_of_reach(self) -> Iterator[None]:
        """What is sent to it by ssh is lost, and nobody says so: as behind a router that forgot a connection."""
        rule = ("INPUT", "--protocol", "tcp", "--dport", str(PORT), "--jump", "DROP")
        docker("exec", self.container, "iptables", "--insert", *rule)
        try:
            yield
        finally:
            docker("exec", self.container, "iptables", "--delete", *rule)

    def put(self, path: str, content: str, mode: str, owner: str) -> None:
        folder = str(Path(path).parent)
        script = f"install -d -o {owner} {folder} && cat > {path} && chmod {mode} {path} && chown {owner} {path}"
        command = ["docker", "exec", "--interactive", self.container, "sh", "-c", script]
        subprocess.run(command, input=content, check=True, text=True, capture_output=True)

    def names(self, stack: str) -> dict[str, list[str]]:
        """What its engine has of a stack."""
        of = ("--filter", f"label=prefect-infra.stack={stack}")
        return {
            "containers": sorted(self.ask(1, "ps", "--all", *of, "--format", "{{.Names}}").split()),
            "volumes": sorted(self.ask(1, "volume", "ls", *of, "--format", "{{.Name}}").split()),
            "networks": sorted(self.ask(1, "network", "ls", *of, "--format", "{{.Name}}").split()),
        }
