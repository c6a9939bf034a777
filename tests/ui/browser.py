"""A headless browser that reaches this machine alone."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from infra.toolchain import browser as installed

SIZE = (1280, 800)
FAILED = "Something went wrong"
"""What the page says, and stays at, where a busy server didn't answer one of its calls."""
RELOAD_SECONDS = 15
SETTLING_SECONDS = 1.5  # what fades in or is laid out anew is no text to wait for
LARGEST = 150_000
"""Bytes of a picture in the documentation."""


@dataclass(frozen=True)
class Browser:
    driver: webdriver.Chrome

    def open(self, url: str) -> None:
        self.driver.get(url)

    @property
    def text(self) -> str:
        """What a person can read on the page."""
        return str(self.driver.execute_script("return document.body.innerText") or "")

    def shows(self, *wanted: str, seconds: float = 120) -> str:
        """The page's text, once it has all of them. One that failed is loaded again, as a person would."""
        loaded = time.monotonic()
        deadline = loaded + seconds
        while True:
            text = self.text
            missing = [each for each in wanted if each.casefold() not in text.casefold()]
            if not missing:
                return text
            assert time.monotonic() < deadline, (
                f"{missing} not within {seconds} s on {self.driver.current_url}:\n{text}"
            )
            if FAILED in text and time.monotonic() > loaded + RELOAD_SECONDS:
                self.driver.refresh()
                loaded = time.monotonic()
            time.sleep(0.5)

    def picture(self, name: str, *, height: int = SIZE[1]) -> None:
        """Kept where UI_IMAGES says, as docs/images has them: few colours, so that they stay small."""
        self.driver.set_window_size(SIZE[0], height)
        time.sleep(SETTLING_SECONDS)
        png = self.driver.get_screenshot_as_png()
        self.driver.set_window_size(*SIZE)
        small = io.BytesIO()
        Image.open(io.BytesIO(png)).convert("RGB").quantize(128).save(small, "PNG", optimize=True)
        assert len(small.getvalue()) < LARGEST, f"{name}: {len(small.getvalue())} bytes"
        if folder := os.environ.get("UI_IMAGES"):
            Path(folder, f"{name}.png").write_bytes(small.getvalue())


@contextmanager
def headless(folder: Path) -> Iterator[Browser]:
    programs = installed.programs()
    assert programs is not None, f"no browser: `make setup` for tests installs {', '.join(installed.PACKAGES)}"
    binary, driver = programs
    options = webdriver.ChromeOptions()
    options.binary_location = str(binary)
    for argument in (
        "--headless=new",
        "--no-sandbox",  # root has none, in a container of a CI
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--hide-scrollbars",
        "--no-first-run",
        "--lang=en-US",
        f"--window-size={SIZE[0]},{SIZE[1]}",
        f"--user-data-dir={folder}",
        # No page of this server needs anybody else; a name is not even looked up.
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    ):
        options.add_argument(argument)
    environment = {**os.environ, "TZ": "America/Argentina/Buenos_Aires", "SE_OFFLINE": "true"}
    started = webdriver.Chrome(options=options, service=Service(executable_path=str(driver), env=environment))
    try:
        started.set_page_load_timeout(120)
        yield Browser(started)
    finally:
        started.quit()
