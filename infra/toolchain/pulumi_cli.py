"""The Pulumi CLI with its Python language host: the machine's own, or built from pinned Go modules."""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from infra.toolchain import cache
from infra.toolchain.commands import find, run
from infra.toolchain.errors import CommandError
from infra.toolchain.go import MODULES, Go
from infra.toolchain.paths import Checkout
from infra.toolchain.progress import Step
from infra.toolchain.versions import (
    LANGUAGE_HOST_BUILT,
    PULUMI_BUILT,
    PULUMI_LIMIT,
    PULUMI_MINIMUM,
    Version,
    parse_version,
    spell,
)

_CLI_PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
_CLI_VERSION = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
_HOST = "pulumi-language-python"
_HOST_PACKAGE = f"github.com/pulumi/pulumi/sdk/v3/python/cmd/{_HOST}"
_SDK = "github.com/pulumi/pulumi/sdk/v3"
_NO_LOG = """\
Pulumi's automatic debug log is off here: it takes a fifth of the time of an `up` with many resources, and megabytes.
To have it, put a folder in the place of this file. `pulumi up -v=9 --logtostderr` works without it.
"""
# Beside the language host in a release: what starts a program, and dynamic providers.
_SCRIPTS = (f"python/cmd/{_HOST}-exec", "python/dist/pulumi-resource-pulumi-python")


@dataclass(frozen=True)
class PulumiCli:
    """A CLI whose folder also holds the language host."""

    path: Path
    version: str
    origin: str


def ensure(checkout: Checkout, cache_root: Path, go: Go, step: Step) -> PulumiCli:
    cli = machine_cli(checkout)
    if cli is None:
        place = cache_root / f"pulumi-{PULUMI_BUILT}-{_key()}"
        cache.entry(place, lambda folder: _build(folder, go, step))
        cli = PulumiCli(place / "pulumi", PULUMI_BUILT, "built")
    step.done(f"{cli.version}, {'of this machine' if cli.origin == 'machine' else 'built from Go modules'}: {cli.path}")
    return cli


def without_debug_log(home: Path) -> None:
    """The CLI has no setting for that, but goes without a log where there is no folder for it and none can be made."""
    with contextlib.suppress(FileExistsError), (home / "logs").open("x", encoding="utf-8") as file:
        file.write(_NO_LOG)


def machine_cli(checkout: Checkout) -> PulumiCli | None:
    """The CLI on the PATH (our own launcher aside), if its version will do and its language host is there."""
    path = find("pulumi", aside_from=checkout.bin.resolve())
    if path is None or find(_HOST, aside_from=checkout.bin.resolve()) is None:
        return None
    version = cli_version(path)
    return PulumiCli(path, spell(version), "machine") if PULUMI_MINIMUM <= version < PULUMI_LIMIT else None


def cli_version(path: Path) -> Version:
    try:
        printed = run([path, "version"], env={"PULUMI_SKIP_UPDATE_CHECK": "true"}, timeout=30)
    except CommandError:
        return ()
    return parse_version(printed.strip().splitlines()[-1])


def _key() -> str:
    return cache.fingerprint(
        PULUMI_BUILT,
        LANGUAGE_HOST_BUILT,
        cache.files_fingerprint(MODULES / "pulumi"),
        cache.files_fingerprint(MODULES / "language-python"),
    )


def _build(folder: Path, go: Go, step: Step) -> None:
    go.build("language-python", _HOST_PACKAGE, folder / _HOST, step)
    go.build("pulumi", _CLI_PACKAGE, folder / "pulumi", step, stamp=f"-X {_CLI_VERSION}={PULUMI_BUILT}")
    sdk = go.module_folder("pulumi", _SDK, step)
    for script in _SCRIPTS:
        target = folder / Path(script).name
        shutil.copyfile(sdk / script, target)
        target.chmod(0o755)
