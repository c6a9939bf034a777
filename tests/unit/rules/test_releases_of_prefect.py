"""Releases of Prefect that don't go together are found, with the area, the file and the line that says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.model import Report, check_stack_file, running_versions
from infra.model.excerpts import Excerpts
from infra.model.versions import of_the_image, pinned
from tests.unit.rules.conftest import REPOSITORY, codes

STACK = """\
config:
  prefect-infra:environment: dev
  {more}
  prefect-infra:areas: {{ventas: {{}}, compras: {{}}}}
"""
ELSEWHERE = "prefect-infra:server: {api_url: 'https://prefect.example.com/api'}"
HASH = " \\\n    --hash=sha256:00\n"


def _write(root: Path, file: str, text: str) -> None:
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text(text, encoding="utf-8")


@pytest.fixture
def server(checkout: Path) -> Path:
    """A checkout whose server and program have 3.8.8."""
    _write(checkout, "workers/requirements.lock", f"# a lock\nprefect-docker==0.7.4{HASH}prefect==3.8.8{HASH}")
    _write(checkout, "infra/toolchain/requirements.lock", f"prefect==3.8.8{HASH}")
    return checkout


def _check(root: Path, more: str = "") -> Report:
    _write(root, "Pulumi.dev.yaml", STACK.format(more=more))
    return check_stack_file(root, "dev")


def _area(root: Path, version: str, file: str = "requirements.txt") -> None:
    _write(root, f"workers/areas/ventas/{file}", f"# of ventas\npolars==1.0{HASH}prefect[redis]=={version}{HASH}")


def test_an_area_without_a_pin_of_its_own_has_the_servers(server: Path) -> None:
    assert _check(server).findings == ()
    pin = of_the_image(server, "ventas")
    assert pin is not None
    assert (str(pin.version), pin.file, pin.line) == ("3.8.8", "workers/requirements.lock", 4)


@pytest.mark.parametrize("version", ["3.8.9", "3.9.0rc1", "4.0.0", "2.20.1"])
def test_workers_newer_than_the_server_or_of_another_major_version_are_an_error(server: Path, version: str) -> None:
    _area(server, version)

    (finding,) = _check(server).errors

    assert (finding.rule.code, finding.place) == ("PI701", "workers/areas/ventas/requirements.txt:4:1")
    assert finding.path == "prefect-infra:areas.ventas"
    assert version in finding.message
    assert "3.8.8 (workers/requirements.lock:4)" in finding.message
    assert "prefect==3.8.8" in str(finding.hint)


def test_workers_of_an_older_minor_release_are_a_warning_and_of_an_older_patch_nothing(server: Path) -> None:
    _area(server, "3.7.8")
    report = _check(server)
    assert codes(report) == ["PI702"]
    assert report.stack is not None

    _area(server, "3.8.2")
    assert _check(server).findings == ()


def test_what_an_areas_team_asks_for_is_told_before_it_is_locked(server: Path) -> None:
    _area(server, "3.9.1", "requirements.in")

    (finding,) = _check(server).errors

    assert finding.place == "workers/areas/ventas/requirements.in:4:1"
    assert "once locked" in finding.message


def test_the_line_is_shown(server: Path) -> None:
    _area(server, "3.9.1")
    report = _check(server)

    assert "    4 | prefect[redis]==3.9.1" in Excerpts(server, report.findings).told(report.findings[0])


def test_a_stack_weighs_the_rules_as_others(server: Path) -> None:
    _area(server, "3.9.1")
    turned = "prefect-infra:rules: {worker-ahead-of-server: {severity: warning, reason: hasta el lunes}}"
    assert [finding.severity for finding in _check(server, turned).findings] == ["warning"]

    _area(server, "3.7.8")
    stricter = "prefect-infra:rules: {PI702: {severity: error, reason: todos iguales}}"
    assert [finding.severity for finding in _check(server, stricter).findings] == ["error"]


def test_a_program_newer_than_the_server_that_it_declares_is_a_warning(server: Path) -> None:
    _write(server, "infra/toolchain/requirements.lock", f"prefect==3.9.1{HASH}")

    (finding,) = _check(server).warnings

    assert (finding.rule.code, finding.place) == ("PI703", "infra/toolchain/requirements.lock:1:1")


def test_an_image_older_than_the_server_that_runs_is_an_error(server: Path) -> None:
    stack = _check(server).stack_or_raise()

    assert running_versions(stack, "3.8.8") == running_versions(stack, "3.7.8") == []
    (finding,) = running_versions(stack, "3.9.1")
    assert (finding.rule.code, finding.severity) == ("PI704", "error")
    assert finding.place == "workers/requirements.lock:4:1"
    assert running_versions(stack, "a server of others") == []


def test_a_server_elsewhere_is_held_against_the_program_and_each_areas_image(server: Path) -> None:
    _area(server, "3.9.0")
    stack = _check(server, ELSEWHERE).stack_or_raise()  # its workers are elsewhere: the files alone tell nothing

    found = running_versions(stack, "3.8.4")

    assert [(each.rule.code, each.path, each.place) for each in found] == [
        ("PI701", "prefect-infra:areas.ventas", "workers/areas/ventas/requirements.txt:4:1"),
        ("PI701", "prefect-infra:areas.compras", "workers/requirements.lock:4:1"),
        ("PI703", "prefect-infra:server", "infra/toolchain/requirements.lock:1:1"),
    ]
    assert all("https://prefect.example.com/api has 3.8.4" in each.message for each in found)


def test_what_a_stack_turned_off_is_not_told_of_a_server_that_runs_either(server: Path) -> None:
    off = "prefect-infra:rules: {PI704: {severity: 'off', reason: nada que perder}}"

    assert running_versions(_check(server, off).stack_or_raise(), "3.9.1") == []


def test_the_checkouts_own_locks_agree() -> None:
    ours = {pinned(REPOSITORY, file) for file in ("workers/requirements.lock", "infra/toolchain/requirements.lock")}

    assert len({pin.version for pin in ours if pin}) == 1
    assert None not in ours
