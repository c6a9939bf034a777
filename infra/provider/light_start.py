"""Halves the processor time of the plugin's start, which each phase of each `pulumi` command pays. Import it first.

Measured by `python -m benchmarks.plugin_start`. Two imports do far more than is asked of them:

- `pulumi.runtime.proto`, the protocol's messages, lies inside of the SDK, whose `__init__` imports all of it: programs
  need that, plugins don't. So the packages around the messages are entered without running them.
- `httpx` imports its own command line, and so `click` and `rich`, wherever these are installed.

And Python looks for rubbish after each 700 objects, of which there are many that live as long as the plugin.
"""

from __future__ import annotations

import gc
import importlib.machinery
import importlib.util
import sys
from types import ModuleType

_PACKAGES = ("pulumi", "pulumi.runtime", "pulumi.runtime.proto")


def _enter_without_running(package: str) -> None:
    spec = importlib.machinery.PathFinder.find_spec(package, _where(package))
    if package in sys.modules or spec is None or spec.submodule_search_locations is None:
        return
    bare = ModuleType(package)
    bare.__path__ = spec.submodule_search_locations
    bare.__spec__ = spec
    sys.modules[package] = bare


def _where(package: str) -> list[str] | None:
    parent, _, _ = package.rpartition(".")
    return list(sys.modules[parent].__path__) if parent else None


gc.set_threshold(200_000)
for _package in _PACKAGES:
    _enter_without_running(_package)
# What Python's import takes for "there is none", which httpx is prepared for.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
