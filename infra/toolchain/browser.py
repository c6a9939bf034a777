"""A headless browser for the tests of Prefect's UI: Debian's Chromium with its driver, or what the machine has."""

from __future__ import annotations

from pathlib import Path

from infra.toolchain.commands import find

PACKAGES = ("chromium", "chromium-driver", "fonts-liberation")
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_DRIVER = "chromedriver"


def programs() -> tuple[Path, Path] | None:
    """The browser and the driver that goes with it."""
    browser = next(filter(None, map(find, _BROWSERS)), None)
    driver = find(_DRIVER)
    return (browser, driver) if browser and driver else None


def missing_packages() -> tuple[str, ...]:
    """Where they are packages; elsewhere the tests that need a browser say that there is none."""
    return () if programs() or find("apt-get") is None else PACKAGES
