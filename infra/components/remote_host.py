"""A stack on another machine's engine: what has to be known of that machine, and what has to be brought there.

Every call of an engine, the Docker provider's, our provider's and the program's, goes where DOCKER_HOST says. The
launcher sets it by the stack's file (infra/toolchain/launcher.py).
"""

from __future__ import annotations

import asyncio
import functools
import os
from typing import Final

import pulumi

from infra import ssh
from infra.components.container import ENGINE_SOCKET
from infra.model import RemoteHost, Stack

_DEFAULT_ENGINE: Final = f"unix://{ENGINE_SOCKET}"


def check_engine(stack: Stack) -> None:
    """Refuse to make anything on another engine than the stack's. Raises: pulumi.RunError."""
    asked = os.environ.get("DOCKER_HOST", "")
    if stack.host is not None and asked != stack.host.url:
        raise pulumi.RunError(
            f"prefect-infra:host is {stack.host.url}, and the engine to be asked is {asked or _DEFAULT_ENGINE}: "
            "run the `pulumi` of this checkout (`. .venv/bin/activate`), which goes by the stack's file, or set "
            f"DOCKER_HOST={stack.host.url}"
        )


@functools.cache
def group_of_socket_there(host: str) -> int:
    """Whose members may talk to that machine's engine. Raises: pulumi.RunError."""
    try:
        return int(ssh.run(host, f"stat -L -c %g {ENGINE_SOCKET}"))
    except (ssh.SshError, ValueError) as error:
        raise pulumi.RunError(f"which group the engine's socket there is of can't be told: {error}") from error


def base_first(base: str, here: str, host: RemoteHost) -> pulumi.ResourceHookBinding:
    """For the options of an image: that machine gets the base that images start from, if it hasn't got it.

    Args:
        base: Its tag. It names its content: what is there already is the same.
        here: The engine that the set-up made it on; empty for the default socket.
        host: The machine.

    """
    one_at_a_time = asyncio.Lock()

    async def send_base(about: pulumi.ResourceHookArgs) -> None:
        del about
        async with one_at_a_time:
            if await _there(base):
                return
            pulumi.log.info(f"sending the base image {base} to {host.machine}, once")
            await _send(base, here or _DEFAULT_ENGINE, host.url)

    return pulumi.ResourceHookBinding(before_create=[send_base])


async def _there(image: str) -> bool:
    asked = await asyncio.create_subprocess_exec(
        *("docker", "image", "inspect", "--format", "{{.Id}}", image),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    return await asked.wait() == 0


async def _send(image: str, here: str, there: str) -> None:
    reading, writing = os.pipe()
    try:
        saving = await asyncio.create_subprocess_exec(
            *("docker", "--host", here, "save", image), stdout=writing, stderr=asyncio.subprocess.PIPE
        )
        loading = await asyncio.create_subprocess_exec(
            *("docker", "--host", there, "load", "--quiet"),
            stdin=reading,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    finally:
        os.close(reading)
        os.close(writing)
    (_, of_saving), (_, of_loading) = await asyncio.gather(saving.communicate(), loading.communicate())
    if saving.returncode != 0 or loading.returncode != 0:
        said = "; ".join(text.decode(errors="replace").strip() for text in (of_saving, of_loading) if text.strip())
        raise pulumi.RunError(
            f"{there} has no base image {image}, and didn't get it from {here}: {said}. "
            f"`make setup` makes it here, `DOCKER_HOST={there} make setup` there"
        )
