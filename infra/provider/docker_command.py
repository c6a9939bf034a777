"""The docker command, for what Pulumi's Docker provider can't do.

It is asked rather than the engine's socket, since it knows the contexts, the remote hosts and the credentials of its
user.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from infra.provider.errors import NotFound, ProviderError, Unreachable

_PASSWORD_IN_URL: Final = re.compile(r"(?<=://)([^:/@\s]*):[^@\s]+@")

_NOT_THERE: Final = re.compile(r"no such|(task|service|network|secret|config) \S+ not found", re.IGNORECASE)
_ENDING: Final = re.compile(r"sandbox \S+ not found")
"""Said of a container that ends just now: it has left its networks, and counts as running still (moby, rename.go)."""


class _EndingError(ProviderError):
    """What was asked for is possible in a moment."""


@retry(retry=retry_if_exception_type(_EndingError), stop=stop_after_attempt(20), wait=wait_fixed(0.3), reraise=True)
async def docker(*arguments: str, errors_too: bool = False, given: str | None = None) -> str:
    """What it says, `given` as its input.

    Raises:
        NotFound: no such object.
        Unreachable: no docker command.
        ProviderError: it failed.

    """
    try:
        process = await asyncio.create_subprocess_exec(
            "docker",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL if given is None else asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except FileNotFoundError as error:
        raise Unreachable("the `docker` command is not on PATH: `make doctor` says how to get it") from error
    output, complaint = await process.communicate(None if given is None else given.encode())
    if process.returncode == 0:
        return (output + complaint if errors_too else output).decode(errors="replace").strip()
    text = complaint.decode().strip()
    if _NOT_THERE.search(text):
        raise NotFound(text)
    raise (_EndingError if _ENDING.search(text) else ProviderError)(f"docker {arguments[0]}: {text}")


def last_words(said: str) -> str:
    """What a program wrote before its end, without the passwords of the addresses in it."""
    return _PASSWORD_IN_URL.sub(r"\1:[secret]@", said)
