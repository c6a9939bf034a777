"""The docker command, for what Pulumi's Docker provider can't do.

It is asked rather than the engine's socket, since it knows the contexts, the remote hosts and the credentials of its
user.
"""

from __future__ import annotations

import asyncio

from infra.provider.errors import NotFound, ProviderError, Unreachable


async def docker(*arguments: str, errors_too: bool = False) -> str:
    """What it says. Raises: NotFound: no such object; Unreachable: no docker command; ProviderError: it failed."""
    try:
        process = await asyncio.create_subprocess_exec(
            "docker", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
    except FileNotFoundError as error:
        raise Unreachable("the `docker` command is not on PATH: `make doctor` says how to get it") from error
    output, complaint = await process.communicate()
    if process.returncode == 0:
        return (output + complaint if errors_too else output).decode(errors="replace").strip()
    text = complaint.decode().strip()
    raise NotFound(text) if "No such" in text else ProviderError(f"docker {arguments[0]}: {text}")
