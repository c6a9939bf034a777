"""Addresses of a database and of a Redis elsewhere: whether the server's containers can make use of them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import SplitResult, urlsplit

DATABASE: Final = "postgresql+asyncpg"
REDIS: Final = ("redis", "rediss")
_FORM_OF_DATABASE: Final = f"{DATABASE}://user:password@host:5432/name"
_FORM_OF_REDIS: Final = "rediss://:password@host:6379/0"


def database_faults(url: str, *, trusted: bool) -> Iterator[tuple[str, str]]:
    """What is wrong, and what would be right. Nothing of the address is told but what names no secret."""
    del trusted  # the server asks for TLS where it is given an authority
    parts = _split(url, (DATABASE,), _FORM_OF_DATABASE)
    if not isinstance(parts, SplitResult):
        yield parts
        return
    yield from _of_host(parts, _FORM_OF_DATABASE)
    if not parts.path.strip("/"):
        yield "it names no database", f"write it as {_FORM_OF_DATABASE}"


def redis_faults(url: str, *, trusted: bool) -> Iterator[tuple[str, str]]:
    """As of a database. `trusted`: whether an authority is given, which only TLS makes use of."""
    parts = _split(url, REDIS, _FORM_OF_REDIS)
    if not isinstance(parts, SplitResult):
        yield parts
        return
    yield from _of_host(parts, _FORM_OF_REDIS)
    if not re.fullmatch(r"/?\d*", parts.path):
        yield "what follows the host is no number of a database", f"write it as {_FORM_OF_REDIS}"
    if trusted and parts.scheme != "rediss":
        yield "`authority` goes with TLS, and the address asks for none", "write rediss:// for redis://"


def _split(url: str, schemes: tuple[str, ...], form: str) -> SplitResult | tuple[str, str]:
    if not url or re.search(r"\s", url):
        return ("it is empty" if not url else "it has a space or a line break"), f"write it as {form}"
    scheme = url.partition("://")[0]
    if scheme not in schemes:
        told = f", not {scheme}://" if "://" in url and re.fullmatch(r"[a-z][a-z+]{0,30}", scheme) else ""
        return f"it doesn't begin with {' or '.join(f'{each}://' for each in schemes)}{told}", f"write it as {form}"
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return "its port is no number from 0 to 65535", "write / as %2F, # as %23, ? as %3F in a password"
    return parts


def _of_host(parts: SplitResult, form: str) -> Iterator[tuple[str, str]]:
    if parts.netloc.count("@") > 1:
        yield "there is more than one @ before the host", "write @ as %40 in a password"
    host = parts.hostname
    if not host:
        yield "it names no host", f"write it as {form}"
    elif is_loopback(host):
        yield f"{host} is each container itself", "name the machine as others on its network do"


def is_loopback(host: str) -> bool:
    """Whether it is the machine itself, by number or by name. A name isn't looked up."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
