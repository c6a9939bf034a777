"""A preview asks the server that runs for its release of Prefect, and stops before an older one is told too much."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.provider.conftest import running_server
from tests.stack.platforms import Declared, Platform

OWN = re.compile(r"^prefect==\S+", re.MULTILINE)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, new_platform: Callable[..., Platform]) -> Iterator[Platform]:
    """A stack on a server that is there already, without areas."""
    with running_server(tmp_path_factory.mktemp("prefect-home")) as url:

        def on_it(declared: Declared) -> None:
            declared["server"] = {"api_url": url}
            for area in declared["areas"].values():
                area["deployments"] = []

        yield new_platform(change=on_it)


def _pin(platform: Platform, file: str, version: str) -> None:
    path: Path = platform.folder / file
    path.write_text(OWN.sub(f"prefect=={version}", path.read_text()))


def test_a_server_of_the_same_release_is_no_cause_for_a_word(elsewhere: Platform) -> None:
    told = elsewhere.preview()

    assert "PI70" not in told.stdout + told.stderr
    assert "is not known" not in told.stdout + told.stderr


def test_a_program_and_workers_newer_than_a_server_elsewhere_stop_the_preview(elsewhere: Platform) -> None:
    _pin(elsewhere, "workers/requirements.lock", "3.99.0")
    _pin(elsewhere, "infra/toolchain/requirements.lock", "3.99.0")

    refused = elsewhere.preview(check=False)

    told = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert re.search(r"workers/requirements\.lock:\d+:1 error PI701 prefect-infra:areas\.ventas", told)
    assert re.search(r"infra/toolchain/requirements\.lock:\d+:1 warning PI703", told)
    assert "Prefect 3.99.0" in told
    assert "Traceback" not in told


def test_what_the_stack_turns_down_lets_the_preview_go_on(elsewhere: Platform) -> None:
    def turned_down(declared: Declared) -> None:
        declared["rules"] = {"PI701": {"severity": "warning", "reason": "hasta el lunes"}}

    elsewhere.edit(turned_down)

    told = elsewhere.preview()

    assert re.search(r"warning PI701 prefect-infra:areas\.ventas", told.stdout + told.stderr)
