"""Where the set-up cannot go on it says so once, why, and what to do."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.toolchain import __main__ as command_line
from infra.toolchain import docker_engine, doctor
from infra.toolchain.apt import Apt
from infra.toolchain.commands import find, run
from infra.toolchain.errors import CommandError, SetupError
from infra.toolchain.go import MODULES
from infra.toolchain.packages import Packages
from infra.toolchain.paths import ROOT, Checkout
from infra.toolchain.progress import Progress, Step


@pytest.fixture
def step() -> Step:
    return Step("the step", Progress())


@pytest.fixture
def closed_port() -> str:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{found.getsockname()[1]}"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, closed_port: str) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, closed_port)
    for name in ("NO_PROXY", "no_proxy", "PIP_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")


@pytest.mark.usefixtures("no_network")
def test_without_a_network_the_python_packages_say_that_the_index_does_not_answer(tmp_path: Path) -> None:
    lock = MODULES / "requirements.lock"
    with pytest.raises(SetupError) as caught:
        Packages(tmp_path, Path(sys.executable)).install(lock, what="could not install", target=tmp_path / "t")
    assert str(caught.value).splitlines()[:2] == [
        "could not install",
        "  why: no network: the Python package index did not answer",
    ]
    assert "HTTPS_PROXY" in caught.value.fix


@pytest.mark.parametrize(
    "printed",
    [
        "Retrying (Retry(total=0)) after connection broken by 'ProxyError('Cannot connect to proxy.', OSError(...))'",
        'go: x.org/net@v0.1: Get "https://go.x/x.org/net": dial tcp: lookup modules.example.org: no such host',
        "dial tcp 142.250.0.1:443: connect: network is unreachable",
        "E: Failed to fetch http://packages.example.org/x.deb  Temporary failure resolving 'packages.example.org'",
        "Could not connect to packages.example.org:80 (151.101.2.132), connection timed out",
    ],
)
def test_a_missing_network_is_told_apart_from_a_programs_own_failure(printed: str) -> None:
    told = CommandError(["go", "build"], "ended with 1", printed).told_as("no Go", fix="build it", needs="the mirror")
    assert told.why == "no network: the mirror did not answer"
    own = CommandError(["go", "build"], "ended with 1", "syntax error").told_as(
        "no Go", fix="build it", needs="the mirror"
    )
    assert (own.fix, own.why) == ("build it", "`go build` ended with 1\n       syntax error")


def test_a_refused_installation_names_the_command_to_type(step: Step) -> None:
    with pytest.raises(SetupError) as caught:
        Apt(allowed=False).install(["docker.io", "iptables"], step, purpose="as there is no Docker engine")
    assert "docker.io iptables: needed as there is no Docker engine" in caught.value.what
    if find("apt-get"):
        assert "--no-install" in caught.value.why
        assert "apt-get install --no-install-recommends docker.io iptables" in caught.value.fix


def test_an_engine_chosen_by_the_user_that_does_not_answer_is_named_and_nothing_is_installed(
    tmp_path: Path, step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(SetupError, match=r"none\.sock does not answer"):
        docker_engine.ensure(tmp_path, step)
    assert docker_engine.missing_packages() == ()


@pytest.mark.parametrize(
    ("code", "limits", "outcome"),
    [
        ("import sys; print('broken'); sys.exit(3)", {}, "ended with 3"),
        ("import time; time.sleep(30)", {"timeout": 0.3}, "took longer than 0 s"),
        ("import time; print(1, flush=True); time.sleep(30)", {"silent_for": 0.3}, "said nothing for 0 s"),
    ],
)
def test_a_program_that_fails_hangs_or_falls_silent_is_told_by_how(
    code: str, limits: dict[str, float], outcome: str
) -> None:
    started = time.monotonic()
    with pytest.raises(CommandError, match=outcome):
        run([sys.executable, "-c", code], **limits)
    assert time.monotonic() - started < 5


def test_a_program_that_is_not_there_is_told_so() -> None:
    with pytest.raises(CommandError, match="could not be started"):
        run(["/nowhere/program"])


def test_when_one_branch_fails_the_programs_of_the_other_are_stopped() -> None:
    code = (
        "import sys, threading, time\n"
        "from infra.toolchain import commands\n"
        "threading.Timer(0.3, commands.stop_all).start()\n"
        "commands.run([sys.executable, '-c', 'import time; time.sleep(0.6)'], to_the_end=True)\n"
        "try:\n"
        "    commands.run([sys.executable, '-c', 'import time; time.sleep(30)'])\n"
        "except commands.StoppedError:\n"
        "    print('stopped')\n"
    )
    started = time.monotonic()
    words = [sys.executable, "-c", code]
    assert subprocess.run(words, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout == "stopped\n"
    assert time.monotonic() - started < 10


def _command(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "infra.toolchain", *arguments]
    return subprocess.run(words, cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, check=False)


def test_a_wrong_option_is_a_usage_error() -> None:
    assert _command("setup", "--for", "fun").returncode == 2
    assert _command().returncode == 2


def test_an_error_is_printed_once_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken:
        def __call__(self, _: object) -> int:
            raise SetupError("cannot", why="because", fix="do this")

    old = command_line._COMMANDS["doctor"]
    command_line._COMMANDS["doctor"] = Broken()
    try:
        assert command_line.main(["doctor"]) == 1
    finally:
        command_line._COMMANDS["doctor"] = old
    assert capsys.readouterr().err == "doctor: cannot\n  why: because\n  fix: do this\n"


def test_doctor_tells_machines_the_same_as_people() -> None:
    told = _command("doctor", "--json")
    findings = json.loads(told.stdout)
    names = [finding["name"] for finding in findings]
    assert names[:6] == ["system", "python", "git", "make", "disk", "go"]
    assert "docker engine" in names
    assert told.returncode == (0 if all(finding["ok"] for finding in findings) else 1)
    assert all(finding["fix"] for finding in findings if not finding["ok"])


def test_doctor_says_how_to_set_up_a_checkout_that_is_not(tmp_path: Path) -> None:
    findings = {finding.name: finding for finding in doctor.examine(Checkout(tmp_path), tmp_path / "cache")}
    assert not findings["set-up"].ok
    assert "make setup" in findings["set-up"].fix
    assert "MISSING  set-up" in doctor.report(list(findings.values()))
    assert not (tmp_path / "cache").exists()
