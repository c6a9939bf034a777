"""Pulumi writes the salt of a stack's passphrase into the stack's file; a dev stack's passphrase is of this checkout.

So git is told to leave that line out, by a filter that .gitattributes names and that is defined in this clone alone:
see docs/adr/0004-stack-files-and-salt.md.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from infra.cli.console import err

FILTER: Final = "prefect-infra-local-salt"


def keep_out_of_git(root: Path) -> None:
    """Define the filter in this clone's own configuration, once, and say so."""
    if not (root / ".git").exists():
        return
    key = f"filter.{FILTER}.clean"
    if _git(root, "config", "--local", key) != 0:
        err.print("git: keeping Pulumi's salt of dev stacks out of commits (a filter of this clone alone)")
        _git(root, "config", "--local", key, "sed /^encryptionsalt:/d")


def settle(root: Path, stack: str) -> None:
    """Let `git status` see that the salt is all that is new in the stack's file.

    Git goes by a file's size before it asks the filter, so it marks the file as modified for ever, although `git diff`
    shows nothing. Adding what is equal to the index stages nothing: it makes git remember the new size.
    """
    file = f"Pulumi.{stack}.yaml"
    tracked = (root / ".git").exists() and _git(root, "ls-files", "--error-unmatch", "--", file) == 0
    if tracked and _git(root, "diff", "--quiet", "--", file) == 0:
        _git(root, "add", "--", file)


def _git(root: Path, *arguments: str) -> int:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False).returncode
