"""The `ssh` by which an engine on another machine is reached: installed where it is needed, and its errors mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.toolchain import doctor, ssh_client
from infra.toolchain.docker_engine import DockerEngine
from infra.toolchain.paths import Checkout

HOST = "ssh://deploy@10.0.0.5:2222"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: prefect-infra\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  prefect-infra:environment: dev\n")
    return tmp_path


def far(root: Path) -> None:
    (root / "Pulumi.far.yaml").write_text(f"config:\n  prefect-infra:host: {HOST}\n")


@pytest.mark.parametrize(
    ("there", "purpose", "elsewhere", "missing"),
    [
        (("apt-get",), "test", False, ("openssh-client",)),
        (("apt-get",), "dev", True, ("openssh-client",)),
        (("apt-get",), "dev", False, ()),
        (("apt-get",), "check", True, ()),
        (("apt-get", "ssh"), "test", True, ()),
        ((), "test", True, ()),
    ],
)
def test_it_is_installed_for_the_tests_and_where_a_stack_is_on_another_machine(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    there: tuple[str, ...],
    purpose: str,
    elsewhere: bool,
    missing: tuple[str, ...],
) -> None:
    monkeypatch.setattr(ssh_client, "find", lambda name: Path(name) if name in there else None)
    if elsewhere:
        far(root)
    assert ssh_client.missing_packages(root, purpose) == missing


@pytest.mark.parametrize(
    ("said", "mending"),
    [
        ("stderr=Host key verification failed.", "ssh -p 2222 deploy@10.0.0.5, once, by hand"),
        ("deploy@10.0.0.5: Permission denied (publickey).", "ssh-copy-id -p 2222 deploy@10.0.0.5"),
        ("bash: line 1: docker: command not found", "install Docker on that machine"),
        ("sh: 1: docker: not found", "install Docker on that machine"),
        ("permission denied while trying to connect to the Docker daemon socket", "usermod -aG docker"),
        ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", "start the engine on that machine"),
        ("connect to host 10.0.0.5 port 2222: Connection timed out", "ssh -p 2222 deploy@10.0.0.5 docker version"),
    ],
)
def test_each_way_of_not_getting_in_has_its_mending(said: str, mending: str) -> None:
    assert mending in ssh_client.mending(HOST, said)
    assert "StrictHostKeyChecking" not in ssh_client.mending(HOST, said)


def findings(root: Path) -> dict[str, doctor.Finding]:
    found = doctor.examine(Checkout(root), root)
    return {each.name: each for each in found if "far" in each.name}


@pytest.mark.thorough
def test_the_doctor_tells_of_each_machine_that_a_stack_file_names(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(root) == {}
    far(root)
    monkeypatch.setattr(doctor, "find", lambda name: None)
    assert findings(root)["host of far"].fix == "apt-get install openssh-client"

    monkeypatch.setattr(doctor, "find", Path)
    monkeypatch.setattr(doctor.docker_engine, "probe", lambda host: (None, "Host key verification failed."))
    assert not findings(root)["host of far"].ok
    assert HOST in findings(root)["host of far"].detail

    monkeypatch.setattr(doctor.docker_engine, "probe", lambda host: (DockerEngine(host, "28.1"), ""))
    monkeypatch.setattr(doctor.Docker, "label", lambda self, image, name: "")
    assert findings(root)["host of far"].detail == f"28.1 at {HOST}"
    assert "the next `pulumi up` brings it" in findings(root)["base image of far"].detail
