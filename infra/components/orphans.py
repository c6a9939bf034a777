"""What an `up` that was killed left on the engine, and the state never heard of.

Containers and networks are known by name, and making one of a name that is taken fails. When Pulumi is about to make
one, it isn't in the state: whatever has its name *and* this stack's labels was made by an `up` that didn't live to
write it down. It goes, and the new one takes its place; data is in volumes, which the engine finds again by itself.
"""

from __future__ import annotations

import asyncio
import re
from typing import Final

import pulumi
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_fixed

from infra.components.naming import LABEL, Naming

_KINDS: Final = {"docker:index/container:Container": "container", "docker:index/network:Network": "network"}


def orphans_first(naming: Naming) -> pulumi.ResourceHookBinding:
    """For the options of a container or a network: an orphan of its name goes before it is made."""

    async def remove_orphan(about: pulumi.ResourceHookArgs) -> None:
        kind, name = _KINDS[about.type], str((about.new_inputs or {})["name"])
        labels = [f"label={LABEL}.project={naming.project}", f"label={LABEL}.stack={naming.stack}"]
        # The engine's filter takes a part of a name for a match: which of them it is, is looked at here.
        template = "{{.ID}} {{.Name}}" if kind == "network" else "{{.ID}} {{.Names}}"
        filters = [word for text in (*labels, f"name={name}") for word in ("--filter", text)]
        everything = [] if kind == "network" else ["--all"]
        listed = await docker(kind, "ls", *everything, "--no-trunc", "--format", template, *filters)
        for line in listed.splitlines():
            identifier, found = line.split(maxsplit=1)
            if found == name:
                pulumi.log.warn(f"removing the {kind} {name} that an interrupted `up` left behind")
                force = ["--force"] if kind == "container" else []
                await docker(kind, "rm", *force, identifier)

    return pulumi.ResourceHookBinding(before_create=[remove_orphan])


class _EndingError(pulumi.RunError):
    """What was asked for is possible in a moment: infra/provider/docker_command.py says more."""


@retry(retry=retry_if_exception_type(_EndingError), stop=stop_after_attempt(20), wait=wait_fixed(0.3), reraise=True)
async def docker(*arguments: str) -> str:
    """What the docker command says. Raises: pulumi.RunError: it failed."""
    process = await asyncio.create_subprocess_exec(
        "docker", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, complaint = await process.communicate()
    if process.returncode != 0:
        text = complaint.decode().strip()
        failure = _EndingError if re.search(r"sandbox \S+ not found", text) else pulumi.RunError
        raise failure(f"docker {' '.join(arguments[:2])}: {text}")
    return output.decode()
