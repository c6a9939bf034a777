"""Where a deployment's code is: the pull steps that a worker takes, the folders that it needs, the secrets."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pulumi

from infra.components.container import Mount, folder_mount
from infra.components.platform import Platform
from infra.model import Deployment
from infra.model.naming import secret_block
from infra.resources import Block

CODE_ROOT: Final = "/srv/code"
TOKEN_USER: Final = "x-access-token"  # noqa: S105  # a name that servers look for
_KNOWN_TO_PREFECT: Final = ("gitlab", "bitbucket")  # it finds their users' names by itself
_STEPS: Final = "prefect.deployments.steps"


def checkout_mounts(root: Path, deployments: Iterable[Deployment]) -> list[Mount]:
    """The checkout's folders that entrypoints lie in, read-only: never the whole, which holds the stack's state."""
    return [folder_mount(str(root / folder), f"{CODE_ROOT}/{folder}") for folder in checkout_folders(deployments)]


def checkout_folders(deployments: Iterable[Deployment]) -> list[str]:
    """The top folders of the checkout that entrypoints lie in."""
    return sorted(
        {
            PurePosixPath(deployment.entrypoint).parts[0]
            for deployment in deployments
            if deployment.code.location == "checkout" and deployment.pull is None
        }
    )


def pull_steps(deployment: Deployment) -> list[dict[str, Any]]:
    """How a worker gets at the code."""
    if deployment.pull is not None:
        return [dict(step) for step in deployment.pull]
    code = deployment.code
    if code.location != "git":
        return [{f"{_STEPS}.set_working_directory": {"directory": CODE_ROOT}}]
    clone: dict[str, Any] = {"repository": code.repository}
    if code.branch:
        clone["branch"] = code.branch
    if code.commit_sha:
        clone["commit_sha"] = code.commit_sha
    if code.access_token:
        # The worker looks the token up when it clones: neither the deployment nor the state's plain part has it.
        block = secret_block(deployment.pool_name, code.access_token.secret)
        token = f"{{{{ prefect.blocks.secret.{block} }}}}"
        if any(host in code.repository for host in _KNOWN_TO_PREFECT):
            clone["access_token"] = token
        else:
            # A token alone would be sent as a user's name, and git then ask for the password, which nobody is there
            # to type. GitHub wants this user; other servers look at the token alone.
            clone["credentials"] = {"username": TOKEN_USER, "access_token": token}
    return [{f"{_STEPS}.git_clone": clone}]


def secret_blocks(deployments: Iterable[Deployment], platform: Platform, opts: pulumi.ResourceOptions) -> list[Block]:
    """A Prefect secret block for each secret that the deployments' code needs."""
    wanted = {
        (deployment.pool_name, deployment.code.access_token.secret)
        for deployment in deployments
        if deployment.code.location == "git" and deployment.code.access_token and deployment.pull is None
    }
    return [
        Block(
            secret_block(pool, name),
            name=secret_block(pool, name),
            type_slug="secret",
            data={"value": platform.secret(name) or ""},
            opts=opts,
        )
        for pool, name in sorted(wanted)
    ]
