"""Pull steps, in the form in which a worker runs them: one step each, by the name that it is imported by.

The server keeps whatever it is given: without this, a misspelt step would be noticed when the first run fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from infra.provider.kinds.kind import Failure
from infra.provider.nearness import near
from infra.provider.wire import UNKNOWN

PREFIX: Final = "prefect.deployments.steps."
OWN: Final = (
    "git_clone",
    "pip_install_requirements",
    "pull_from_remote_storage",
    "pull_with_block",
    "run_shell_script",
    "set_working_directory",
)
"""Prefect's own, which `prefect.deployments.steps` exports: not imported for them, as that takes seconds."""
EXAMPLE: Final = f"`{PREFIX}git_clone: {{repository: https://...}}`"


def check(steps: Sequence[Mapping[str, Any]]) -> Iterator[Failure]:
    for n, step in enumerate(steps):
        at = ("pull_steps", n)
        if len(step) != 1:
            named = ", ".join(step) or "none"
            yield Failure(at, f"a step is one name with what it is given, got {named}: one is {EXAMPLE}")
            continue
        [(name, given)] = step.items()
        if reason := _misnamed(name):
            yield Failure((*at, name), reason)
        if given is not UNKNOWN and not isinstance(given, Mapping):
            yield Failure((*at, name), f"expected what the step is given, by name: one is {EXAMPLE}")


def _misnamed(name: str) -> str | None:
    own = name.removeprefix(PREFIX)
    meant = near(name, (PREFIX + step for step in OWN))
    here = own != name and "." not in own and own not in OWN
    if here or (own == name and name.startswith("prefect.") and meant.startswith("did you mean")):
        return f"Prefect has no such step: {meant}"
    if name in OWN:
        return f"a step is called by the whole name that it is imported by: {PREFIX}{name}"
    # A worker also takes `path/file.py:function`.
    if "." not in name.strip(".") and ":" not in name:
        return f"a step is called by the name that it is imported by, such as {PREFIX}git_clone"
    return None
