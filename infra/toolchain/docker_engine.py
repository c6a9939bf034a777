"""A Docker engine that answers: the one there is, started if it only sleeps, or Debian's own, installed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from infra.toolchain.apt import as_root
from infra.toolchain.commands import find, run
from infra.toolchain.errors import CommandError, SetupError
from infra.toolchain.progress import Step

DEFAULT_HOST = "unix:///var/run/docker.sock"
PACKAGES = ("docker.io", "iptables")
_PID_FILES = {
    "dockerd": Path("/var/run/docker.pid"),
    "containerd": Path("/var/run/docker/containerd/containerd.pid"),
}
_ANSWERS_WITHIN = 120.0  # seconds; a daemon with many containers to restart takes its time
_SERVICE_ANSWERS_WITHIN = 15.0


@dataclass(frozen=True)
class DockerEngine:
    """An engine that answered; `host` is empty where it is the default socket."""

    host: str
    version: str


def missing_packages() -> tuple[str, ...]:
    """What Debian has to install for there to be an engine; nothing where one answers, sleeps, or is somewhere else."""
    host = endpoint()
    if host != DEFAULT_HOST or find("apt-get") is None:
        return ()
    installed = find("docker") is not None and (find("dockerd") is not None or probe(host)[0] is not None)
    return () if installed else PACKAGES


def ensure(cache_root: Path, step: Step) -> DockerEngine:
    host = endpoint()
    engine, reason = probe(host)
    if engine:
        step.done(f"{engine.version}, already running")
        return engine
    if host != DEFAULT_HOST:
        raise SetupError(
            f"the Docker engine at {host} does not answer",
            why=reason,
            fix="start it (Docker Desktop, colima, …), or choose another one: DOCKER_HOST, `docker context use`",
        )
    if "permission denied" in reason.lower():
        raise SetupError(
            "this user may not talk to the Docker engine",
            why=reason,
            fix="sudo usermod -aG docker $USER, then log in again (members of that group are root in all but name)",
        )
    if find("dockerd") is None:
        raise SetupError("there is no Docker engine", why=reason, fix="install one: see docs/setup.md")
    engine = _start(cache_root / "dockerd.log", step)
    step.done(f"{engine.version}, started")
    return engine


def endpoint() -> str:
    """Where the engine is: DOCKER_HOST, else the docker command's current context, else the default socket."""
    given = os.environ.get("DOCKER_HOST")
    if given:
        return given
    if find("docker") is None:
        return DEFAULT_HOST
    try:
        host = run(["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"], timeout=20).strip()
    except CommandError:
        return DEFAULT_HOST
    return host or DEFAULT_HOST


def probe(host: str) -> tuple[DockerEngine | None, str]:
    """The engine, or why there is none."""
    if find("docker") is None:
        return None, "there is no `docker` command"
    try:
        printed = run(["docker", "version", "--format", "{{.Server.Version}}"], env={"DOCKER_HOST": host}, timeout=20)
    except CommandError as error:
        return None, error.output.strip().splitlines()[-1] if error.output.strip() else error.what
    return DockerEngine("" if host == DEFAULT_HOST else host, printed.strip().splitlines()[-1]), ""


def _start(log: Path, step: Step) -> DockerEngine:
    """By whatever looks after services here, else by hand."""
    prefix = as_root()
    if prefix is None:
        why = "starting it needs root, or a sudo that asks no password"
        raise SetupError("the Docker engine is not running", why=why, fix="sudo systemctl start docker")
    step.now("starting the Docker engine")
    if Path("/run/systemd/system").is_dir():
        try:
            run([*prefix, "systemctl", "start", "docker"], timeout=90)
        except CommandError as error:
            fix = "journalctl -u docker says more"
            raise error.told_as("the Docker engine does not start", needs="nothing", fix=fix) from error
        return _await(_ANSWERS_WITHIN, "journalctl -u docker says more")
    with contextlib.suppress(SetupError):
        return _await_the_one_there_is(prefix)
    _forget_the_dead(prefix)
    if Path("/etc/init.d/docker").exists() and find("service"):
        # It sees to cgroups too; but it gives up where limits may not be raised, as in many containers.
        with contextlib.suppress(SetupError):
            run([*prefix, "service", "docker", "start"], timeout=60)
            return _await(_SERVICE_ANSWERS_WITHIN, "")
    return _start_by_hand(prefix, log)


def _start_by_hand(prefix: list[str], log: Path) -> DockerEngine:
    """In a session of its own, so that it outlives this command and the terminal."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        daemon = subprocess.Popen(
            [*prefix, str(find("dockerd"))],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
        )
    try:
        return _await(_ANSWERS_WITHIN, f"its log says more: {log}", daemon)
    except SetupError as error:
        last = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise SetupError(error.what, why="\n       ".join([error.why, *last]), fix=error.fix) from error


def _await_the_one_there_is(prefix: list[str]) -> DockerEngine:
    """A daemon that somebody else has just started answers soon; one that was just killed is gone soon."""
    deadline = time.monotonic() + _ANSWERS_WITHIN
    while _lives("dockerd", prefix) and time.monotonic() < deadline:
        engine, _ = probe(DEFAULT_HOST)
        if engine:
            return engine
        time.sleep(0.3)
    raise SetupError("there is no Docker engine running")


def _forget_the_dead(prefix: list[str]) -> None:
    """A killed daemon leaves its pid files, and its containerd's. A new one takes any process by those numbers, be it a
    zombie, for a living daemon: it then refuses to start, or waits for that containerd until it gives up.
    """
    for name, pid_file in _PID_FILES.items():
        if not _lives(name, prefix):
            run([*prefix, "rm", "-f", pid_file])


def _lives(name: str, prefix: list[str]) -> bool:
    try:
        pid = int(run([*prefix, "cat", _PID_FILES[name]]))
        status = Path(f"/proc/{pid}/stat").read_text()
    except (CommandError, OSError, ValueError):
        return False
    program, state = status.partition("(")[2].rpartition(")")[::2]
    return program == name and state.split()[0] not in "ZX"


def _await(seconds: float, more: str, daemon: subprocess.Popen[bytes] | None = None) -> DockerEngine:
    """The engine, as soon as it answers; an error when it does not in time, or the daemon has ended."""
    deadline = time.monotonic() + seconds
    while True:
        ended = daemon is not None and daemon.poll() is not None
        engine, reason = probe(DEFAULT_HOST)
        if engine:
            return engine
        if ended or time.monotonic() > deadline:
            raise SetupError("the Docker engine does not start", why=reason, fix=more)
        time.sleep(0.3)
