"""What the images of servers and workers start from: Debian with Python, pulled, or bootstrapped from packages."""

from __future__ import annotations

import contextlib
import os
import platform
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.toolchain import cache
from infra.toolchain.apt import Apt, as_root
from infra.toolchain.certificates import extra_authorities
from infra.toolchain.commands import find, run
from infra.toolchain.docker_engine import DockerEngine
from infra.toolchain.errors import CommandError, SetupError
from infra.toolchain.progress import Step
from infra.toolchain.versions import DEBIAN_SUITE, PULLED_BASE

REPOSITORY = "localhost/prefect-infra/base"
ORIGIN_LABEL = "prefect-infra.base"
_PYTHON = ("python3", "python3-venv", "python3-pip")
_TOOLS = ("ca-certificates", "git", "tini", "tzdata")
_REGISTRY_ANSWERS_WITHIN = 20.0  # seconds without a word from `docker pull`
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"

_INSTALL_TOOLS = f"""\
RUN apt-get update \\
 && apt-get install -y --no-install-recommends {" ".join(_TOOLS)} \\
 && rm -rf /var/lib/apt/lists/*
"""

_COMMON = f"""\
COPY authorities/ /usr/local/share/ca-certificates/
RUN update-ca-certificates
ENV SSL_CERT_FILE={_BUNDLE} PIP_CERT={_BUNDLE} REQUESTS_CA_BUNDLE={_BUNDLE} \\
    PYTHONUNBUFFERED=1 LANG=C.UTF-8
"""


@dataclass(frozen=True)
class BaseImage:
    """A base that the engine has; `origin` is pulled or bootstrapped."""

    tag: str
    origin: str


def tag_for(authorities: Sequence[bytes]) -> str:
    """The name of the base for this recipe and these authorities, known before it is made."""
    recipe = (DEBIAN_SUITE, PULLED_BASE, " ".join(_PYTHON), _INSTALL_TOOLS, _COMMON, platform.machine())
    return f"{REPOSITORY}:{cache.fingerprint(*recipe, *authorities)}"


def ensure(engine: DockerEngine, cache_root: Path, step: Step, apt: Apt) -> BaseImage:
    authorities = extra_authorities()
    tag = tag_for(authorities)
    docker = Docker(engine)
    origin = docker.label(tag, ORIGIN_LABEL)
    if origin:
        step.done(f"{tag} ({origin}), as it was")
        return BaseImage(tag, origin)
    if _pull(docker, step):
        start, tools, origin = PULLED_BASE, _INSTALL_TOOLS, "pulled"
    else:
        start, tools, origin = _bootstrap(docker, cache_root, tag, step, apt), "", "bootstrapped"
    step.now("adding this machine's certificate authorities")
    _build(docker, tag, f"FROM {start}\n{tools}{_COMMON}LABEL {ORIGIN_LABEL}={origin}\n", authorities)
    step.done(f"{tag} ({origin})")
    return BaseImage(tag, origin)


class Docker:
    """The docker command, talking to one engine."""

    def __init__(self, engine: DockerEngine) -> None:
        self._environment: Mapping[str, str] = {"DOCKER_HOST": engine.host} if engine.host else {}

    def run(self, *words: str | Path, timeout: float | None = None, silent_for: float | None = None) -> str:
        return run(["docker", *words], env=self._environment, timeout=timeout, silent_for=silent_for)

    def label(self, image: str, name: str) -> str:
        """Empty when there is no such image or label."""
        with contextlib.suppress(CommandError):
            return self.run("image", "inspect", "--format", f'{{{{index .Config.Labels "{name}"}}}}', image).strip()
        return ""


def _pull(docker: Docker, step: Step) -> bool:
    step.now(f"pulling {PULLED_BASE}")
    try:
        docker.run("pull", PULLED_BASE, silent_for=_REGISTRY_ANSWERS_WITHIN)
    except CommandError as error:
        step.now(f"no image registry answers ({(error.output.strip().splitlines() or [error.what])[-1]})")
        return False
    return True


def _bootstrap(docker: Docker, cache_root: Path, tag: str, step: Step, apt: Apt) -> str:
    """Debian from its packages alone, imported as an image; the name of that image."""
    if find("mmdebstrap") is None:
        apt.install(["mmdebstrap", "debian-archive-keyring"], step, purpose="to make the base image without a registry")
    prefix = as_root()
    if prefix is None:
        raise SetupError(
            "no image registry answers, and the base image cannot be made from Debian packages",
            why="that needs root, or a sudo that asks no password",
            fix=f"load an image of Debian {DEBIAN_SUITE} with Python yourself and tag it {PULLED_BASE}",
        )
    bootstrapped = tag.replace("/base:", "/bootstrap:")
    step.now(f"bootstrapping Debian {DEBIAN_SUITE} from packages")
    packages = ",".join((*_PYTHON, *_TOOLS))
    cache_root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=cache.PARTIAL, dir=cache_root) as folder:
        archive = Path(folder) / "rootfs.tar"
        try:
            run(
                [
                    *prefix,
                    "mmdebstrap",
                    "--variant=minbase",
                    "--dpkgopt=force-unsafe-io",
                    f"--include={packages}",
                    DEBIAN_SUITE,
                    archive,
                ]
            )
            docker.run("import", archive, bootstrapped)
        except CommandError as error:
            raise error.told_as(
                "could not make the base image from Debian packages",
                needs="Debian's package mirror",
                fix="see what mmdebstrap says above",
            ) from error
    return bootstrapped


def _build(docker: Docker, tag: str, dockerfile: str, authorities: Sequence[bytes]) -> None:
    with tempfile.TemporaryDirectory(prefix="prefect-infra-base-") as folder:
        context = Path(folder)
        (context / "Dockerfile").write_text(dockerfile)
        (context / "authorities").mkdir()
        for number, authority in enumerate(authorities):
            (context / "authorities" / f"machine-{number:03}.crt").write_bytes(authority)
        proxies = [word for name in _PROXIES if os.environ.get(name) for word in ("--build-arg", name)]
        try:
            docker.run("build", "--quiet", *proxies, "--tag", tag, context)
        except CommandError as error:
            raise error.told_as(
                "could not build the base image", needs="Debian's package mirror", fix="see what docker says above"
            ) from error
