"""The file of a throwaway stack: small, as it says only what its base doesn't."""

from __future__ import annotations

import subprocess
from io import StringIO
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from infra.model import NAMESPACE
from infra.model.files import StackFile
from infra.throwaway.lifetime import Lifetime
from infra.throwaway.request import Request

_KEY: Final = f"{NAMESPACE}:throwaway"
_AREAS: Final = f"{NAMESPACE}:areas"
_HEAD: Final = """\
# yaml-language-server: $schema=infra/model/schema/stack.json
# A throwaway stack: what it doesn't say is as in Pulumi.{base}.yaml; `prefect-infra stack rm {stack}` takes it away.
config: {{}}
"""


def text(request: Request, life: Lifetime) -> str:
    """What the file is to say: a new one, or the one that is there with another end (and, if asked for, areas)."""
    yaml = YAML()
    yaml.width = 4096
    path = request.root / request.file.name
    head = _HEAD.format(base=request.base, stack=request.stack)
    document = yaml.load(path.read_text(encoding="utf-8") if path.is_file() else head)
    config = document["config"]
    config.fa.set_block_style()
    config[_KEY] = {
        "made": DoubleQuotedScalarString(life.made.isoformat()),
        "expires": DoubleQuotedScalarString(life.expires.isoformat()),
    }
    if request.areas:
        config[_AREAS] = _of_the_base(request)
    stream = StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()


def is_throwaway(file: StackFile) -> bool:
    """Raises: StackErrors."""
    return file.exists and "throwaway" in file.keys


def life(file: StackFile) -> Lifetime | None:
    """Raises: StackErrors."""
    said = file.keys.get("throwaway") if file.exists else None
    try:
        return Lifetime.read(str(said["made"]), str(said["expires"])) if isinstance(said, dict) else None
    except (KeyError, ValueError):
        return None


def keep_out_of_git(root: Path, name: str) -> bool:
    """Whether this clone had to be told: `Pulumi.dev-*.yaml` is ignored everywhere, other names here alone."""
    exclude = _exclude(root)
    if exclude is None or _git(root, "check-ignore", "--quiet", name) is not None:
        return False
    exclude.parent.mkdir(parents=True, exist_ok=True)
    before = exclude.read_text() if exclude.is_file() else ""
    exclude.write_text(before + ("" if before.endswith("\n") or not before else "\n") + f"/{name}\n")
    return True


def let_git_see(root: Path, name: str) -> None:
    exclude = _exclude(root)
    if exclude is not None and exclude.is_file() and f"/{name}\n" in (before := exclude.read_text()):
        exclude.write_text(before.replace(f"/{name}\n", "", 1))


def _of_the_base(request: Request) -> dict[str, Any]:
    areas = StackFile(request.root, f"Pulumi.{request.base}.yaml").keys["areas"]
    return {area: areas[area] for area in request.areas}


def _exclude(root: Path) -> Path | None:
    found = _git(root, "rev-parse", "--git-path", "info/exclude")
    return None if found is None else root / found


def _git(root: Path, *arguments: str) -> str | None:
    if not (root / ".git").exists():
        return None
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None
