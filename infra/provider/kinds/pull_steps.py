"""Pull steps, in the form in which a worker runs them: one step each, by the name that it is imported by.

The server keeps whatever it is given: without this, a misspelt step would be noticed when the first run fails.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from infra.provider.kinds.kind import Failure
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
            named = ", ".join(sorted(step)) or "none"
            yield Failure(at, f"a step is one name with what it is given, got {named}: one is {EXAMPLE}")
            continue
        [(name, given)] = step.items()
        if reason := _misnamed(name):
            yield Failure((*at, name), reason)
        if given is not UNKNOWN and not isinstance(given, Mapping):
            yield Failure((*at, name), f"expected what the step is given, by name: one is {EXAMPLE}")


def _misnamed(name: str) -> str | None:
    own, last = name.removeprefix(PREFIX), name.rpartition(".")[2]
    here = own != name and "." not in own
    # Beside its modules under `steps`, Prefect has none: a name that ends as one of them has the rest wrong.
    if (here and own not in OWN) or (own == name and name.startswith("prefect.") and last in OWN):
        close = get_close_matches(last, OWN, n=1)
        return f"Prefect has no such step: {f'did you mean {PREFIX}{close[0]}?' if close else _all_of_them()}"
    if name in OWN:
        return f"a step is called by the whole name that it is imported by: {PREFIX}{name}"
    # A worker also takes `path/file.py:function`.
    if "." not in name.strip(".") and ":" not in name:
        return f"a step is called by the name that it is imported by, such as {PREFIX}git_clone"
    return None


def _all_of_them() -> str:
    return f"there are: {', '.join(PREFIX + step for step in OWN)}"
