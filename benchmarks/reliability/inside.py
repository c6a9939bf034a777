"""The API as a worker reaches it: asked from a container on the workers' network, with their address and password."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from benchmarks.reliability.stack import Stack, docker

ASKING_SECONDS: Final = 0.5
ENDING_SECONDS: Final = 20.0
PROFILE: Final = "import os,pathlib; print(pathlib.Path(os.environ['PREFECT_PROFILES_PATH']).read_text())"
ANSWERED: Final = "answered"
ASKED: Final = "/block_types/slug/secret"  # always there, and read without a CSRF token
# It looks into the database, as nearly all that workers ask does. Prefect's client would try again, and hide what is
# counted here. Each question has a connection of its own: that of a worker which has just started, or lost its former.
SOURCE: Final = f"""
import base64, http.client, json, sys, threading, tomllib, urllib.parse
profile = tomllib.loads(json.loads(sys.stdin.readline()))["profiles"]["worker"]
url = urllib.parse.urlsplit(profile["PREFECT_API_URL"])
auth = base64.b64encode(profile["PREFECT_API_AUTH_STRING"].encode()).decode()
headers = {{"Authorization": "Basic " + auth}}
over = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
while not over.wait({ASKING_SECONDS}):
    try:
        asked = http.client.HTTPConnection(url.hostname, url.port, timeout=10)
        asked.request("GET", url.path + "{ASKED}", headers=headers)
        status = asked.getresponse().status
        told = "{ANSWERED}" if status < 400 else str(status)
        asked.close()
    except TimeoutError:
        told = "timed out"
    except (OSError, http.client.HTTPException):
        told = "no connection"
    print(told, flush=True)
"""


class Inside:
    """Asks from `start` to `end`; `saw` is called with each answer: `answered`, a status, or why there is none."""

    def __init__(self, stack: Stack, saw: Callable[[str], None]) -> None:
        self._stack, self._saw = stack, saw
        self._asking: subprocess.Popen[str] | None = None

    def start(self) -> None:
        worker = self._stack.prefixed("area1-worker-1")
        image = docker("inspect", "--format", "{{.Image}}", worker)
        profile = docker("exec", worker, "python", "-I", "-S", "-c", PROFILE)
        self._asking = subprocess.Popen(
            ["docker", "run", "--rm", "-i", "--network", self._stack.network, image, "python", "-I", "-c", SOURCE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._asking.stdin
        self._asking.stdin.write(json.dumps(profile) + "\n")
        self._asking.stdin.flush()
        threading.Thread(target=self._read, args=[self._asking.stdout], daemon=True).start()

    def end(self) -> None:
        if self._asking is None or self._asking.stdin is None:
            return
        with suppress(BrokenPipeError):
            self._asking.stdin.close()
        try:
            self._asking.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            self._asking.kill()

    def _read(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._saw(line.strip())


def error_rate(told: Counter[str]) -> float | None:
    """The part of the questions that got no answer, or one that says that it can't."""
    asked = told.total()
    return round(1 - told[ANSWERED] / asked, 5) if asked else None
