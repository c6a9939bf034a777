"""The `ssh` program, by which a stack's engine on another machine is reached."""

from __future__ import annotations

import os

from infra.toolchain import launcher
from infra.toolchain.commands import find

PACKAGES = ("openssh-client",)
_MENDINGS = (
    (("host key verification failed",), "ssh {target}, once, by hand: compare the key that it shows, and accept it"),
    (("permission denied (",), "put your public key into ~/.ssh/authorized_keys there: ssh-copy-id {target}"),
    (("docker: not found", "docker: command not found"), "install Docker on that machine"),
    (("permission denied while trying", "connect: permission denied"), "there: sudo usermod -aG docker USER"),
    (("cannot connect to the docker daemon",), "start the engine on that machine: sudo systemctl start docker"),
)


def missing_packages(root: str | os.PathLike[str], purpose: str) -> tuple[str, ...]:
    """What Debian has to install: for the tests, and where a stack is on another machine."""
    needed = purpose == "test" or (purpose == "dev" and bool(launcher.remote_hosts(root)))
    return PACKAGES if needed and find("ssh") is None and find("apt-get") is not None else ()


def mending(host: str, reason: str) -> str:
    """What to do about an engine that doesn't answer, by what was said of it."""
    said = reason.lower()
    target = host.removeprefix("ssh://")
    name, _, port = target.rpartition(":")
    target = f"-p {port} {name}" if name else target
    for symptoms, mending in _MENDINGS:
        if any(symptom in said for symptom in symptoms):
            return mending.format(target=target)
    return f"see that this works, and asks nothing: ssh {target} docker version"
