"""The browser that the UI is looked at with."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.toolchain import browser


def on_the_path(folder: Path, monkeypatch: pytest.MonkeyPatch, *programs: str) -> None:
    for name in programs:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    monkeypatch.setattr(browser, "find", lambda name: folder / name if (folder / name).exists() else None)


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome"])
def test_a_browser_with_its_driver_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    on_the_path(tmp_path, monkeypatch, name, "chromedriver", "apt-get")

    assert browser.programs() == (tmp_path / name, tmp_path / "chromedriver")
    assert browser.missing_packages() == ()


@pytest.mark.parametrize("only", ["chromium", "chromedriver"])
def test_one_without_the_other_is_installed_where_there_is_apt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, only: str
) -> None:
    on_the_path(tmp_path, monkeypatch, only, "apt-get")

    assert browser.programs() is None
    assert "chromium-driver" in browser.missing_packages()


def test_where_there_is_no_apt_nothing_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on_the_path(tmp_path, monkeypatch)

    assert browser.missing_packages() == ()
