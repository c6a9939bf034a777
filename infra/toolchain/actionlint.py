"""actionlint, which holds the workflows against what GitHub takes, built from a pinned Go module.

Its Python packages fetch a binary when they are installed, from where not every machine may fetch. Tests need it alone.
"""

from __future__ import annotations

from pathlib import Path

from infra.toolchain import cache
from infra.toolchain.go import MODULES, Go
from infra.toolchain.links import link
from infra.toolchain.paths import Checkout
from infra.toolchain.progress import Step
from infra.toolchain.versions import ACTIONLINT

_NAME = "actionlint"
_PACKAGE = "github.com/rhysd/actionlint/cmd/actionlint"


def ensure(checkout: Checkout, cache_root: Path, go: Go, step: Step) -> None:
    """In the virtualenv's folder for programs."""
    key = cache.files_fingerprint(MODULES / _NAME)

    def compile_it(folder: Path) -> None:
        go.build(_NAME, _PACKAGE, folder / _NAME, step)

    binary = cache.entry(cache_root / f"{_NAME}-{ACTIONLINT}-{key}", compile_it) / _NAME
    link(checkout.bin / _NAME, binary)
    step.done(f"{ACTIONLINT}, built from a Go module: {binary}")
