"""Pulumi's language host for programs in YAML: the machine's own, or built from pinned Go modules. Tests need it alone.

A release of Pulumi has it beside the CLI, and `pulumi plugin install` therefore refuses to install it. It is put where
that command would put it all the same: there the CLI finds it, and says no word of a plugin from the PATH.
"""

from __future__ import annotations

from pathlib import Path

from infra.toolchain import cache
from infra.toolchain.commands import find
from infra.toolchain.go import MODULES, Go
from infra.toolchain.links import link
from infra.toolchain.paths import Checkout
from infra.toolchain.progress import Step
from infra.toolchain.pulumi_cli import PulumiCli
from infra.toolchain.versions import YAML_LANGUAGE_BUILT

_NAME = "pulumi-language-yaml"
_PACKAGE = f"github.com/pulumi/pulumi-yaml/cmd/{_NAME}"
_VERSION = "github.com/pulumi/pulumi-yaml/pkg/version.Version"


def ensure(checkout: Checkout, cli: PulumiCli, cache_root: Path, go: Go, step: Step) -> None:
    own = find(_NAME, aside_from=checkout.bin.resolve())
    if cli.origin == "machine" and own is not None:
        step.done(f"of this machine: {own}")
        return
    key = cache.files_fingerprint(MODULES / "language-yaml")
    place = cache_root / f"language-yaml-{YAML_LANGUAGE_BUILT}-{key}"

    def compile_it(folder: Path) -> None:
        go.build("language-yaml", _PACKAGE, folder / _NAME, step, stamp=f"-X {_VERSION}={YAML_LANGUAGE_BUILT}")

    binary = cache.entry(place, compile_it) / _NAME
    link(checkout.pulumi_home / "plugins" / f"language-yaml-v{YAML_LANGUAGE_BUILT}" / _NAME, binary)
    step.done(f"{YAML_LANGUAGE_BUILT}, built from Go modules: {binary}")
