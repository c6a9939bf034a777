"""`prefect-infra prod-local`: prod on this machine, tried out, and taken down again."""

from __future__ import annotations

import json
import ssl
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import typer
from ruamel.yaml import YAML

from infra.cli import platform_down, platform_up
from infra.cli.console import checkout, err, fail, out
from infra.cli.pulumi import Pulumi
from infra.components.naming import LABEL
from infra.model import StackErrors, load_stack_file

STACK: Final = "prod-local"
BASE: Final = "prod"
NEVER: Final = "9999-12-31T00:00:00+00:00"
_HEAD: Final = f"""\
# yaml-language-server: $schema=infra/model/schema/stack.json
# Prod on this machine, for `make prod-local`, which writes this file and removes it: what it doesn't say is as in
# Pulumi.{BASE}.yaml; `throwaway` means ports of its own on the loopback, no schedules, and nothing protected.
"""


def prod_local(
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it up; `--down` takes it away.")] = False,
    down: Annotated[bool, typer.Option("--down", help="Only take down what is there.")] = False,
) -> None:
    """Bring prod up on this machine, with secrets and a certificate of its own; try it out; take it down.

    It tries what prod promises: TLS by a certificate that only its authority makes good, nothing without a credential,
    no published port but the proxy's, and a flow of each area in a container of its own.

    Example: `prefect-infra prod-local`
    """
    root = checkout()
    pulumi = Pulumi(root, STACK)
    file = root / f"Pulumi.{STACK}.yaml"
    if down:
        _down(pulumi, file)
        return
    well = False
    try:
        well = _up(pulumi, file)
    finally:
        if not keep:
            _down(pulumi, file)
    if not well:
        raise typer.Exit(1)


def _up(pulumi: Pulumi, file: Path) -> bool:
    _write(file)
    try:
        declared = load_stack_file(pulumi.root, STACK)
    except StackErrors as errors:
        fail(str(errors))
    if pulumi.show("stack", "select", STACK, "--create") != 0 or pulumi.show("up", "--yes", "--stack", STACK) != 0:
        err.print(f"`pulumi up` of {STACK} did not end well: see above", markup=False)
        return False
    outputs = pulumi.outputs()
    checks = promises(outputs)
    trials = platform_up.try_out(declared, outputs, platform_up.Clock(), again=True)
    platform_up.tell(declared, outputs, trials, gone_by="prefect-infra prod-local --down")
    out.print()
    for check in checks:
        out.print(f"[{'green' if check.kept else 'red'}]{'kept  ' if check.kept else 'BROKEN'}[/] {check.promise}")
    return all(check.kept for check in checks) and all(trial.completed for trial in trials)


def _down(pulumi: Pulumi, file: Path) -> None:
    if pulumi.exists() and (fault := platform_down.destroy(pulumi)) is not None:
        fail(f"{fault}: prefect-infra prod-local --down")
    file.unlink(missing_ok=True)


def _write(file: Path) -> None:
    """A salt that is there belongs to a stack that is."""
    salt = [line for line in _lines(file) if line.startswith("encryptionsalt:")]
    made = datetime.now(UTC).isoformat(timespec="seconds")
    base = YAML(typ="safe").load((file.parent / f"Pulumi.{BASE}.yaml").read_text(encoding="utf-8"))
    config = {
        "prefect-infra:server": _with_its_own((base.get("config") or {}).get("prefect-infra:server") or {}),
        "prefect-infra:throwaway": {"made": made, "expires": NEVER},
        # Prod's own number is for prod's machine.
        "prefect-infra:workers": {"type": "docker", "replicas": 1},
    }
    with file.open("w", encoding="utf-8") as stream:
        stream.write(_HEAD)
        YAML().dump({"config": config}, stream)
        stream.writelines(salt)


def _with_its_own(server: dict[str, Any]) -> dict[str, Any]:
    """Prod's server without what is named by prod's secrets: a certificate, a database and a Redis elsewhere."""
    parts = {key: dict(server.get(key) or {}) for key in ("database", "redis", "proxy")}
    named = ("database", "url"), ("database", "authority"), ("redis", "url"), ("redis", "authority")
    for part, secret in (*named, ("proxy", "tls"), ("proxy", "host")):
        parts[part].pop(secret, None)
    parts["database"]["type"] = "postgres"
    return {**server, **parts, "bind": "127.0.0.1"}


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines(keepends=True) if file.is_file() else []


@dataclass(frozen=True)
class Check:
    promise: str
    kept: bool


def promises(outputs: dict[str, Any]) -> list[Check]:
    """What a request from this machine shows."""
    trusting = ssl.create_default_context(cadata=outputs["ca_certificate"])
    url = f"{outputs['api_url']}/admin/version"
    name, password = str(outputs["auth_string"]).split(":", 1)

    def status(verify: ssl.SSLContext | bool, auth: tuple[str, str] | None) -> int | str:
        try:
            return httpx.get(url, auth=auth, verify=verify, timeout=30).status_code
        except httpx.ConnectError as error:
            return str(error)

    published = _published()
    return [
        Check("TLS by the stack's authority", status(trusting, None) == httpx.codes.UNAUTHORIZED),
        Check("no TLS that somebody else vouches for", "CERTIFICATE_VERIFY_FAILED" in str(status(True, None))),
        Check("nothing without a credential", status(trusting, None) == httpx.codes.UNAUTHORIZED),
        Check("nothing with a wrong one", status(trusting, (name, f"{password}x")) == httpx.codes.UNAUTHORIZED),
        Check(f"no published port but the proxy's: {', '.join(sorted(published))}", _only_the_proxy(published)),
    ]


def _only_the_proxy(published: set[str]) -> bool:
    return bool(published) and all(
        container.endswith("-proxy") and "socket" not in container for container in published
    )


def _published() -> set[str]:
    """The containers that have a port on this machine."""
    listed = subprocess.run(
        ["docker", "ps", "--quiet", "--filter", f"label={LABEL}.stack={STACK}"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    told = subprocess.run(["docker", "inspect", *listed], capture_output=True, text=True, check=True).stdout
    return {
        each["Name"].removeprefix("/") for each in json.loads(told) if any(each["NetworkSettings"]["Ports"].values())
    }
