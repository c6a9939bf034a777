"""Plain `pulumi`, once the virtualenv is active: whose state, whose home, whose passphrase."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infra.toolchain import launcher
from infra.toolchain.errors import SetupError
from infra.toolchain.facts import DockerFacts, Facts, PluginFacts, PulumiFacts, read_facts, write_facts
from infra.toolchain.paths import Checkout
from infra.toolchain.setup import make_private

_PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE_FILE"
_FACTS = Facts(
    base_image="localhost/prefect-infra/base:1",
    base_image_origin="pulled",
    pulumi=PulumiFacts("/cache/pulumi/pulumi", "/cache/pulumi", "3.250.0", "built"),
    docker_plugin=PluginFacts("/plugin", "5.2.0", "built"),
    docker=DockerFacts("", "20.10.24"),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: prefect-infra\nruntime: python\n")
    (tmp_path / "Pulumi.prod.yaml").write_text("config:\n  prefect-infra:environment: prod # the real one\n")
    (tmp_path / "Pulumi.shop.yaml").write_text('config:\n  prefect-infra:environment: "dev"\n')
    (tmp_path / "Pulumi.dev-trap.yaml").write_text("config:\n  prefect-infra:environment: prod\n")
    write_facts(tmp_path, _FACTS)
    return tmp_path


def _select(root: Path, stack: str, home: Path | None = None) -> None:
    """What `pulumi stack select` leaves behind."""
    path = hashlib.sha1(str(root / "Pulumi.yaml").encode(), usedforsecurity=False).hexdigest()
    place = (home or root / ".state" / "home") / "workspaces" / f"prefect-infra-{path}-workspace.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps({"stack": stack}))


@pytest.mark.parametrize(
    ("line", "stack"),
    [
        ("up", None),
        ("up --stack dev", "dev"),
        ("up --stack=dev", "dev"),
        ("up -s dev", "dev"),
        ("-s dev up --yes", "dev"),
        ("up -sdev", "dev"),
        ("up -s=dev", "dev"),
        ("stack init dev-ana", "dev-ana"),
        ("stack select organization/prefect-infra/prod", "organization/prefect-infra/prod"),
        ("stack rm t-1 --yes", "t-1"),
        ("stack output api_url", None),
        ("stack --show-urns", None),
        ("config set a dev", None),
        ("up -- --stack dev", None),
        ("up --stack", None),
    ],
)
def test_the_stack_is_the_one_that_the_command_line_names(root: Path, line: str, stack: str | None) -> None:
    assert launcher.stack_at_hand(str(root), line.split(), {}) == stack


def test_a_command_line_wins_over_the_variable_and_the_variable_over_the_selection(root: Path) -> None:
    _select(root, "organization/prefect-infra/selected")
    assert launcher.stack_at_hand(str(root), ["up"], {}) == "organization/prefect-infra/selected"
    assert launcher.stack_at_hand(str(root), ["up"], {"PULUMI_STACK": "variable"}) == "variable"
    assert launcher.stack_at_hand(str(root), ["up", "-s", "line"], {"PULUMI_STACK": "variable"}) == "line"


def test_a_selection_is_looked_for_in_the_users_own_pulumi_home(root: Path, tmp_path: Path) -> None:
    _select(root, "mine", tmp_path / "home")
    assert launcher.stack_at_hand(str(root), ["up"], {"PULUMI_HOME": str(tmp_path / "home")}) == "mine"
    assert launcher.stack_at_hand(str(root), ["up"], {}) is None


@pytest.mark.parametrize(
    ("stack", "dev"),
    [
        ("dev", True),
        ("dev-ana", True),
        ("t-17", True),
        ("organization/prefect-infra/dev", True),
        ("shop", True),  # its file says so
        ("prod", False),
        ("dev-trap", False),  # its file says otherwise
        ("staging", False),
        ("developer", False),
        ("t", False),
    ],
)
def test_only_stacks_of_development_get_the_generated_passphrase(root: Path, stack: str, dev: bool) -> None:
    variables = launcher.environment(root, stack, {})
    assert variables.get(_PASSPHRASE) == (str(root / ".state" / "passphrase") if dev else None)


@pytest.mark.parametrize("name", ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"])
def test_a_passphrase_of_the_users_own_stays(root: Path, name: str) -> None:
    assert _PASSPHRASE not in launcher.environment(root, "dev", {name: ""})


def test_no_stack_no_passphrase(root: Path) -> None:
    assert _PASSPHRASE not in launcher.environment(root, None, {})


def test_home_and_state_are_the_checkouts_own_unless_the_user_says_otherwise(root: Path) -> None:
    ours = launcher.environment(root, "dev", {})
    assert ours["PULUMI_HOME"] == f"{root}/.state/home"
    assert ours["PULUMI_BACKEND_URL"] == f"file://{root}/.state/pulumi?metadata=skip"
    theirs = {"PULUMI_HOME": "/mine", "PULUMI_BACKEND_URL": "s3://bucket"}
    assert not theirs.keys() & launcher.environment(root, "dev", theirs).keys()


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("file:///srv/state", "file:///srv/state?metadata=skip"),
        ("file://~", "file://~?metadata=skip"),
        ("file:///srv/state?no_tmp_dir=true", "file:///srv/state?no_tmp_dir=true"),
    ],
)
def test_a_folder_of_the_users_own_gets_no_hashes_that_a_kill_could_leave_broken(
    root: Path, theirs: str, ours: str
) -> None:
    assert launcher.environment(root, "dev", {"PULUMI_BACKEND_URL": theirs})["PULUMI_BACKEND_URL"] == ours


def test_a_backend_named_in_the_project_file_is_left_to_pulumi(root: Path) -> None:
    with (root / "Pulumi.yaml").open("a") as file:
        file.write("backend:\n  url: s3://bucket\n")
    assert "PULUMI_BACKEND_URL" not in launcher.environment(root, "dev", {})


def test_the_checkouts_programs_come_first_on_the_path(root: Path) -> None:
    path = launcher.environment(root, "dev", {"PATH": f"/usr/bin:{root}/.venv/bin:/bin"})["PATH"]
    assert path.split(":") == [f"{root}/.venv/bin", "/cache/pulumi", "/usr/bin", "/bin"]


def test_an_engine_that_is_not_at_the_default_socket_is_handed_on(root: Path) -> None:
    assert "DOCKER_HOST" not in launcher.environment(root, "dev", {})
    write_facts(root, Facts(**{**vars(_FACTS), "docker": DockerFacts("unix:///elsewhere", "28")}))
    assert launcher.environment(root, "dev", {})["DOCKER_HOST"] == "unix:///elsewhere"
    assert "DOCKER_HOST" not in launcher.environment(root, "dev", {"DOCKER_HOST": "unix:///mine"})


def _write(root: Path, stack: str, *lines: str) -> None:
    (root / f"Pulumi.{stack}.yaml").write_text("config:\n" + "".join(f"  prefect-infra:{line}\n" for line in lines))


def test_a_stack_is_asked_of_the_machine_that_its_file_names_whatever_else_is_set(root: Path) -> None:
    _write(root, "far", "environment: prod", "host: ssh://deploy@10.0.0.5:2222  # the big one")
    for environ in ({}, {"DOCKER_HOST": "unix:///mine"}):
        assert launcher.environment(root, "far", environ)["DOCKER_HOST"] == "ssh://deploy@10.0.0.5:2222"
        assert launcher.environment(root, "organization/p/far", environ)["DOCKER_HOST"].startswith("ssh://")
        assert "DOCKER_HOST" not in launcher.environment(root, "prod", environ)
        assert "DOCKER_HOST" not in launcher.environment(root, None, environ)


def test_a_machine_elsewhere_is_not_asked_for_more_connections_at_once_than_sshd_takes(root: Path) -> None:
    _write(root, "far", "host: ssh://deploy@far")
    assert launcher.environment(root, "far", {})["PULUMI_PARALLEL"] == "8"
    assert "PULUMI_PARALLEL" not in launcher.environment(root, "far", {"PULUMI_PARALLEL": "32"})
    assert "PULUMI_PARALLEL" not in launcher.environment(root, "dev", {})


def test_a_personal_stack_is_where_its_base_is_unless_it_says_otherwise(root: Path) -> None:
    _write(root, "far", "host: 'ssh://deploy@far'")
    _write(root, "far-ana", "environment: dev")
    _write(root, "far-beto", "host: ssh://beto@near")
    _write(root, "far-here", "host:")
    assert launcher.remote_host(root, "far-ana") == "ssh://deploy@far"
    assert launcher.remote_host(root, "far-without-a-file") == "ssh://deploy@far"
    assert launcher.remote_host(root, "far-beto") == "ssh://beto@near"
    assert launcher.remote_host(root, "far-here") is None
    # As the program reads it: of one file besides its own, the nearest.
    assert launcher.remote_host(root, "far-here-ana") is None
    assert launcher.remote_hosts(root) == {"ssh://deploy@far": ["far", "far-ana"], "ssh://beto@near": ["far-beto"]}


def test_a_throwaway_stack_is_on_this_machine(root: Path) -> None:
    _write(root, "far", "host: ssh://deploy@far")
    _write(root, "far-pr-1", 'throwaway: {made: "2026-01-01T00:00:00Z", expires: "2026-01-02T00:00:00Z"}')
    assert launcher.remote_host(root, "far-pr-1") is None


def _copy_of_the_launcher(root: Path) -> Path:
    """A checkout that has nothing but the launcher, and a `pulumi` that tells how it was called."""
    source = Path(launcher.__file__)
    copy = root / "infra" / "toolchain" / source.name
    copy.parent.mkdir(parents=True)
    copy.write_bytes(source.read_bytes())
    program = root / "real-pulumi"
    program.write_text('#!/bin/sh\necho "$@"\necho "$PULUMI_HOME"\necho "$PULUMI_CONFIG_PASSPHRASE_FILE"\nexit 7\n')
    program.chmod(0o755)
    write_facts(root, Facts(**{**vars(_FACTS), "pulumi": PulumiFacts(str(program), str(root), "3.250.0", "built")}))
    return copy


def _run(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")}
    words = [sys.executable, "-SI", str(copy), *arguments]
    return subprocess.run(words, env=bare, capture_output=True, text=True, check=False)


def test_pulumi_gets_the_arguments_as_they_are_and_its_exit_code_comes_back(root: Path) -> None:
    result = _run(_copy_of_the_launcher(root), "up", "-s", "dev", "-c", "a=b c")
    assert result.stdout.splitlines() == ["up -s dev -c a=b c", f"{root}/.state/home", f"{root}/.state/passphrase"]
    assert result.returncode == 7


def test_before_the_set_up_pulumi_says_what_to_run(root: Path) -> None:
    copy = _copy_of_the_launcher(root)
    (root / ".state" / "toolchain.json").unlink()
    result = _run(copy, "up")
    assert result.returncode == 1
    assert "make setup" in result.stderr
    assert "Traceback" not in result.stderr


def test_facts_are_read_as_they_were_written(root: Path) -> None:
    assert read_facts(root) == _FACTS


@pytest.mark.parametrize("text", [None, "", "{}", '{"base_image": "a", "pulumi": 3}'])
def test_facts_that_are_not_there_or_of_another_version_say_what_to_run(root: Path, text: str | None) -> None:
    place = root / ".state" / "toolchain.json"
    place.unlink() if text is None else place.write_text(text)
    with pytest.raises(SetupError, match="make setup"):
        read_facts(root)


def test_the_passphrase_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    make_private(checkout)
    first = checkout.passphrase.read_text()
    make_private(checkout)
    assert checkout.passphrase.read_text() == first
    assert checkout.passphrase.stat().st_mode & 0o777 == 0o600
    assert len(first) >= 32
    assert sorted(path.name for path in checkout.state.iterdir()) == ["home", "passphrase", "pulumi"]


def test_what_differs_is_asked_of_plugins_side_by_side_unless_the_user_says_otherwise(root: Path) -> None:
    assert launcher.environment(root, "dev", {})["PULUMI_PARALLEL_DIFF"] == "true"
    assert "PULUMI_PARALLEL_DIFF" not in launcher.environment(root, "dev", {"PULUMI_PARALLEL_DIFF": "false"})


def test_memory_is_collected_less_often_unless_the_user_says_otherwise(root: Path) -> None:
    assert launcher.environment(root, "dev", {})["GOGC"] == "400"
    assert "GOGC" not in launcher.environment(root, "dev", {"GOGC": "100"})


def test_pulumi_started_in_the_background_of_a_script_can_end_its_plugins(root: Path, tmp_path: Path) -> None:
    program = tmp_path / "real-pulumi"
    program.write_text("#!/bin/sh\ngrep SigIgn /proc/self/status\n")
    program.chmod(0o755)
    facts = root / ".state/toolchain.json"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"pulumi": {"bin": "/", "path": str(program)}}))
    copy = root / "infra/toolchain/launcher.py"
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(launcher.__file__, copy)
    shell = f'"{sys.executable}" -SI "{copy}" version & wait'  # such a program ignores SIGINT, says POSIX
    run = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True)
    assert int(run.stdout.split()[1], 16) & 1 << (signal.SIGINT - 1) == 0


def test_pulumis_debug_log_is_off_until_somebody_wants_it(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    make_private(checkout)
    off = checkout.pulumi_home / "logs"
    assert "put a folder in the place of this file" in off.read_text()
    off.unlink()
    off.mkdir()
    make_private(checkout)
    assert off.is_dir()
