"""Which release of Prefect each part runs, as the checkout's requirements pin it, held against the server's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from infra.model.errors import Finding, KeyPath, dotted
from infra.model.rules import Rule, versions
from infra.model.stack import Stack

SERVER: Final = "workers/requirements.lock"
"""Of the server's image, which the workers' begin with."""
PROGRAM: Final = "infra/toolchain/requirements.lock"
"""Of the program and its provider."""
AREA: Final = "workers/areas/{area}/requirements.{suffix}"
"""What an area's image has beyond: `in` is what its team asks for, `txt` what is installed."""
_SUFFIXES: Final = ("txt", "in")


@dataclass(frozen=True)
class Pin:
    """A release, and the line that says so."""

    version: Version
    file: str
    line: int


def pinned(root: Path, file: str) -> Pin | None:
    """None where the file is not there, or pins no one release of Prefect."""
    try:
        lines = (root / file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    for number, line in enumerate(lines, 1):
        if re.match(r"prefect\s*(\[|[=<>!~;]|$)", line) and (version := _only(line)) is not None:
            return Pin(version, file, number)
    return None


def _only(line: str) -> Version | None:
    try:
        specifiers = list(Requirement(re.split(r"\s#|\\\s*$|\s--hash", line)[0].strip()).specifier)
        exact = [each.version for each in specifiers if each.operator in {"==", "==="}]
        return Version(exact[0]) if len(exact) == 1 else None
    except (InvalidRequirement, InvalidVersion):
        return None


def of_the_image(root: Path, area: str) -> Pin | None:
    """Of the image of an area's workers: its own pin, else the server's."""
    return pinned(root, AREA.format(area=area, suffix="txt")) or pinned(root, SERVER)


def declared(stack: Stack) -> list[Finding]:
    """What the files alone tell. Where the server and its workers are elsewhere, nothing."""
    server = pinned(stack.root, SERVER)
    if server is None or stack.server.api_url is not None:
        return []
    says = f"the server's image has {server.version} ({server.file}:{server.line})"
    found = [finding for area in stack.areas for finding in _area(stack.root, area.name, server.version, says)]
    return [*found, *_program(stack.root, server.version, says)]


def running(stack: Stack, answered: str) -> list[Finding]:
    """What the release tells that the server answered with, at a preview."""
    try:
        version = Version(answered)
    except InvalidVersion:
        return []
    if stack.server.api_url is None:
        image = pinned(stack.root, SERVER)
        if image is None or version <= image.version:
            return []
        message = f"the server that runs has Prefect {version}, and the image that is to replace it {image.version}"
        hint = f"write prefect=={version} or newer in workers/requirements.in, then `make lock`"
        return [_finding(versions.SERVER_BACK, ("server",), image, message, hint)]
    says = f"{stack.server.api_url} has {version}"
    found = [each for area in stack.areas for each in _area(stack.root, area.name, version, says, elsewhere=True)]
    return [*found, *_program(stack.root, version, says)]


def _area(root: Path, area: str, server: Version, says: str, *, elsewhere: bool = False) -> Iterator[Finding]:
    pins: Sequence[Pin | None] = [pinned(root, AREA.format(area=area, suffix=suffix)) for suffix in _SUFFIXES]
    if elsewhere:
        # Its workers are others' to run: of this checkout's image, if anything.
        pins = [of_the_image(root, area)]
    whose = f"the image of {area}'s workers" + (", if they run this checkout's," if elsewhere else "")
    for pin in filter(None, pins):
        would = "" if pin.file.endswith((".txt", ".lock")) else ", once locked"
        message = f"{whose} has Prefect {pin.version}{would}, and {says}"
        if pin.version.major != server.major:
            message += ": its client refuses a server of another major version"
            yield _finding(versions.WORKER_AHEAD, ("areas", area), pin, message, _right(server, elsewhere=elsewhere))
        elif pin.version > server:
            message += ": workers may be older than their server, and not newer"
            yield _finding(versions.WORKER_AHEAD, ("areas", area), pin, message, _right(server, elsewhere=elsewhere))
        elif pin.version.release[:2] < server.release[:2]:
            message += ": an older minor release"
            yield _finding(versions.WORKER_BEHIND, ("areas", area), pin, message, _right(server, elsewhere=elsewhere))


def _right(server: Version, *, elsewhere: bool) -> str:
    if elsewhere:
        return f"prefect=={server} in the requirements of the image that they run"
    return f"leave prefect out of the area's requirements, or write prefect=={server}"


def _program(root: Path, server: Version, says: str) -> Iterator[Finding]:
    pin = pinned(root, PROGRAM)
    if pin is not None and (pin.version.major != server.major or pin.version > server):
        message = f"this program is pinned to Prefect {pin.version}, and {says}"
        hint = f"bring the server to {pin.version} or newer, or pin prefect=={server} in pyproject.toml"
        yield _finding(versions.PROGRAM_APART, ("server",), pin, message, hint)


def _finding(rule: Rule, path: KeyPath, pin: Pin, message: str, hint: str) -> Finding:
    return Finding(
        rule=rule, path=dotted(path), message=message, hint=hint, file=pin.file, line=pin.line, column=1,
        severity=rule.severity,
    )  # fmt: skip
