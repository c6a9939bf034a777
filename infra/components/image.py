"""Images from the Dockerfiles of workers/, named by the hash of what goes into them: built when that changes only."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pulumi
import pulumi_docker as docker

from infra.components.naming import IMAGES, LABEL
from infra.resources import PushedImage

FIRST: Final = "server"
DOCKERFILE: Final = "workers/Dockerfile"
SERVICES: Final = "workers/services/Dockerfile"
CONTEXT: Final = ".."
"""The checkout's root, from the program's folder, where Pulumi starts its plugins too: an absolute path would differ
from one checkout to the next."""

_SERVER: Final = (
    DOCKERFILE,
    "workers/requirements.lock",
    "workers/healthcheck.py",
    "workers/healthcheck_services.py",
    "workers/with_secrets.py",
    "workers/once_they_answer.py",
    "workers/catch_up.py",
    "workers/end_if_silent.py",
)
_SERVICES: Final = (SERVICES, "workers/healthcheck.py", "workers/end_if_silent.py")
_WORKER: Final = (
    *_SERVER,
    "workers/logging.yml",
    "workers/start_worker.py",
    "workers/pass_on.py",
    "workers/smoke.py",
    "workers/draining",
)
_INPUTS: Final = {
    "server": _SERVER,
    "proxy": (*_SERVER, "workers/socket_proxy"),
    "backup": (*_SERVER, "workers/background", "workers/backup"),
    "janitor": (*_SERVER, "workers/background", "workers/janitor"),
    "autoscaler": (*_SERVER, "workers/background", "workers/autoscaler"),
    "worker": (*_WORKER, "workers/areas/{area}"),
    "flows": (*_WORKER, "workers/areas/{area}", "flows"),
    "postgres": (*_SERVICES, "workers/services/postgres.sh"),
    "postgres-backup": (*_SERVICES, "workers/services/postgres.sh", "workers/background", "workers/backup"),
    "redis": _SERVICES,
    "haproxy": _SERVICES,
}


@dataclass(frozen=True)
class BuiltImage:
    resource: docker.RemoteImage
    reference: pulumi.Output[str]
    """What containers are made of: one content, whatever becomes of the name."""
    name: pulumi.Output[str]
    """What those ask for who start containers of it by themselves."""


@dataclass(frozen=True)
class ImageBuilder:
    """Builds from one checkout, on one base image; each image at most once per program."""

    root: Path
    base: str
    registry: str | None = None
    """Where images are pushed to, for other engines; None: there is one engine."""
    before: pulumi.ResourceHookBinding | None = None
    """What has to happen before one is built."""
    _built: dict[str, BuiltImage] = field(default_factory=dict)

    def build(self, target: str, area: str | None = None) -> BuiltImage:
        """The image of a Dockerfile's target."""
        role = _role(target, area)
        if role not in self._built:
            self._built[role] = self._image(target, area, role)
        return self._built[role]

    def name(self, target: str, area: str | None = None) -> str:
        """What the image is called, for who looks for it on an engine."""
        return self._named(_role(target, area), self.digest(target, area))

    def _named(self, role: str, digest: str) -> str:
        return f"{self.registry or IMAGES}/{role}:{digest[:12]}"

    def _image(self, target: str, area: str | None, role: str) -> BuiltImage:
        digest = self.digest(target, area)
        arguments = {"BASE_IMAGE": self.base} | ({"AREA": area} if area else {})
        # Of a company's own package index the build hears from the environment, as pip does.
        arguments |= {name: os.environ[name] for name in ("PIP_INDEX_URL",) if name in os.environ}
        dockerfile = _INPUTS[target][0]
        # All targets begin with the server's layers: built first, they are there for the others.
        first = [] if target == FIRST or dockerfile != DOCKERFILE else [self.build(FIRST).resource]
        made = docker.RemoteImage(
            f"image-{role}",
            name=self._named(role, digest),
            build=docker.RemoteImageBuildArgs(
                context=CONTEXT,
                dockerfile=dockerfile,
                target=target,
                build_args=arguments,
                label={f"{LABEL}.role": role, f"{LABEL}.inputs": digest},
            ),
            triggers={"inputs": digest},
            # Images are named by content and shared by all stacks of a machine: no stack takes them from another.
            keep_locally=True,
            # The new one first, under its own name: else all containers of the old one would go before it is built, and
            # come back at once rather than one after the other.
            opts=pulumi.ResourceOptions(depends_on=first, delete_before_replace=False, hooks=self.before),
        )
        if self.registry is None:
            return BuiltImage(made, made.image_id, made.name)
        pushed = PushedImage(f"image-{role}", name=made.name, image_id=made.image_id)
        return BuiltImage(made, pushed.reference, pushed.reference)

    def digest(self, target: str, area: str | None) -> str:
        """SHA-256 over the base and the names and contents of what the target copies."""
        sha = hashlib.sha256(f"{self.base}\n{target}\n{area}\n".encode())
        for pattern in _INPUTS[target]:
            for path in _files(self.root / pattern.format(area=area)):
                content = path.read_bytes()
                sha.update(f"{path.relative_to(self.root).as_posix()}\n{len(content)}\n".encode())
                sha.update(content)
        return sha.hexdigest()


def repository(reference: str) -> str:
    """What an image's versions have in common: its name without tag and digest."""
    name = reference.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}"


def _role(target: str, area: str | None) -> str:
    return target if area is None else f"{target}-{area}"


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    else:
        yield from sorted(
            file
            for file in path.rglob("*")
            if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".pyc"
        )
