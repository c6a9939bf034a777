"""A copy of the checkout in which the images have another release of Prefect, with a state and a stack of its own."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from packaging.version import Version
from ruamel.yaml import YAML

from infra.model import NAMESPACE
from infra.model.loading import base_of, from_file
from infra.model.shape import plain
from infra.model.versions import SERVER, pinned
from infra.toolchain.checkout_copy import copy_checkout
from infra.toolchain.links import link

STAND_IN: Final = "upgrade-test"
"""What each secret of the stack is in the copy, those in blocks included: nothing that it would open."""
TTL: Final = timedelta(hours=2)
"""After this `prefect-infra stack rm --expired` takes away what a killed rehearsal left."""
_REQUIREMENTS: Final = "workers/requirements.in"
_PINNED: Final = re.compile(r"^prefect==\S+", re.MULTILINE)
_QUIET: Final = ("janitor", "backup", "alerts", "runtime", "host")
"""What would delete rows, write into folders of the machine, tell people, or be on other machines."""
_MANY: Final = ("replicas", "autoscale", "placement")
_OF_A_SERVER: Final = ("variables", "global_concurrency_limits", "tag_concurrency_limits")


class RehearsalError(Exception):
    """It can't be rehearsed. The text says why."""


@dataclass(frozen=True)
class Copy:
    root: Path
    stack: str
    base: str
    """The stack that it is a copy of."""
    declared: Mapping[str, Any]
    """By that one, each area's file read into it."""
    secret_names: Sequence[str]
    """Those that it refers to, but for the server's password, which is generated."""

    @property
    def file(self) -> Path:
        return self.root / f"Pulumi.{self.stack}.yaml"

    def declare(self, *, whole: bool) -> None:
        """Write the stack's file: the server alone at first, so that nothing is made before the data are there."""
        config = harmless(plain(self.declared), whole=whole)
        made = datetime.now(UTC).replace(microsecond=0)
        config["throwaway"] = {"made": made.isoformat(), "expires": (made + TTL).isoformat()}
        before = YAML(typ="safe").load(self.file.read_text(encoding="utf-8")) if self.file.is_file() else {}
        kept = {key: value for key, value in before.items() if key != "config"}
        # Secrets that are set already stay.
        own = {key: value for key, value in (before.get("config") or {}).items() if _is_secret(value)}
        named = {f"{NAMESPACE}:{key}": value for key, value in config.items()}
        with self.file.open("w", encoding="utf-8") as stream:
            YAML().dump({"config": {**named, **own}, **kept}, stream)


def copy_of(root: Path, base: str, into: Path) -> Copy:
    """With the stack files that git ignores, a person's own. Raises: StackErrors: they can't be read."""
    shutil.rmtree(into, ignore_errors=True)
    copy_checkout(root, into, ignored={path.name for path in root.glob("Pulumi.*.yaml")})
    home = root / ".state" / "home"  # Pulumi's plugins
    home.mkdir(parents=True, exist_ok=True)
    link(into / ".state" / "home", home)
    passphrase = into / ".state" / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text(secrets.token_hex(32))
    stack, sources = f"{base}-upgrade", from_file(into, base)
    # By its name it would take from them what its own file leaves out, and that is left out for a reason.
    while (file := base_of(into, stack)) is not None:
        (into / file.name).unlink()
    return Copy(into, stack, base, sources.raw, sorted(sources.secrets - {"auth_string"}))


def pin(root: Path, version: Version, environ: Mapping[str, str] = os.environ) -> bool:
    """Have the images' requirements say that release; whether they said another. Raises: RehearsalError.

    The other packages stay as they are where the release takes them. What is installed comes by pip, in the build.
    """
    now = pinned(root, SERVER)
    if now is not None and now.version == version:
        return False
    written = root / _REQUIREMENTS
    text, count = _PINNED.subn(f"prefect=={version}", written.read_text(encoding="utf-8"))
    if count != 1:
        raise RehearsalError(f"{_REQUIREMENTS} has no line `prefect==…`: what would another release take the place of?")
    written.write_text(text, encoding="utf-8")
    _compile(root, (_REQUIREMENTS,), SERVER, environ)
    for area in sorted((root / "workers" / "areas").glob("*/requirements.in")):
        asked = area.relative_to(root).as_posix()
        if pinned(root, asked) is not None:
            continue  # its workers are kept back: they stay as they are locked
        _compile(root, (asked, "-c", SERVER), asked.removesuffix(".in") + ".txt", environ)
    return True


def _compile(root: Path, arguments: tuple[str, ...], lock: str, environ: Mapping[str, str]) -> None:
    """As `make lock`, but what is locked stays as far as it goes together."""
    index = environ.get("PIP_INDEX_URL")
    own = {"UV_DEFAULT_INDEX": index} if index and "UV_DEFAULT_INDEX" not in environ else {}
    options = (
        "--quiet",
        "--python-platform",
        "linux",
        "--python-version",
        "3.11",
        "--generate-hashes",
        "--no-emit-index-url",
    )
    told = ("--no-annotate", "--custom-compile-command", "make lock", "-o", lock)
    program = root / ".venv" / "bin" / "uv"
    try:
        done = subprocess.run(
            [str(program), "pip", "compile", *arguments, *options, *told],
            cwd=root,
            env={**environ, **own},
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise RehearsalError(f"{program}: {error.strerror}: run `make setup`") from error
    if done.returncode != 0:
        raise RehearsalError(f"{arguments[0]} with that release has no solution:\n{done.stderr.strip()}")


def harmless(config: dict[str, Any], *, whole: bool) -> dict[str, Any]:
    """What a stack declares, without whatever would reach beyond the throwaway one, or run by itself.

    Its schedules are inactive anyway, its port and profile its own, as of all throwaway stacks.
    """
    made = {key: value for key, value in config.items() if key not in (*_QUIET, "throwaway")}
    made["server"] = _server(config.get("server") or {})
    made["workers"] = {**_without(config.get("workers") or {}, _MANY), "replicas": 1}
    made["areas"] = {name: _area(area) for name, area in (config.get("areas") or {}).items()}
    if not whole:
        made = {key: value for key, value in made.items() if key not in _OF_A_SERVER} | {"areas": {}}
    return made


def _server(declared: dict[str, Any]) -> dict[str, Any]:
    """With a database, a Redis and a certificate of its own, on the loopback."""
    made = {key: value for key, value in declared.items() if key not in {"port", "bind"}}
    for part, keys in (("database", ("url",)), ("redis", ("url",)), ("proxy", ("tls", "host", "http_port"))):
        if part in made:
            made[part] = {key: value for key, value in (made[part] or {}).items() if key not in keys}
    if (made.get("database") or {}).get("type") == "postgres":
        made |= {"replicas": 1, "services_replicas": 1}
    return made


def _area(declared: Any) -> Any:
    """One worker, nobody told of anything, and no deployment started by an event."""
    if not isinstance(declared, dict):
        return declared
    made = {key: value for key, value in declared.items() if key not in {"alerts", "triggers"}}
    if isinstance(made.get("workers"), dict):
        made["workers"] = _without(made["workers"], _MANY)
    if isinstance(made.get("deployments"), list):
        made["deployments"] = [_area(each) for each in made["deployments"]]
    if isinstance(made.get("in"), dict):
        made["in"] = {name: _area(overlay) for name, overlay in made["in"].items()}
    return made


def _without(declared: dict[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in declared.items() if key not in keys}


def _is_secret(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"secure"}
