"""`prefect-infra prod-local`, as somebody calls it: prod is there, keeps what it promises, and is gone again."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from infra.cli.prod_local import STACK
from tests.stack.platforms import ROOT, copy_checkout, docker

pytestmark = pytest.mark.docker
LISTS = {
    "container": ("ps", "--all", "--format", "{{.Names}}"),
    "network": ("network", "ls", "--format", "{{.Name}}"),
    "volume": ("volume", "ls", "--format", "{{.Name}}"),
}


def there() -> dict[str, list[str]]:
    """What the engine has of it."""
    prefix = f"prefect-infra-{STACK}"
    found = {kind: [name for name in docker(*ask).split() if name.startswith(prefix)] for kind, ask in LISTS.items()}
    return {kind: names for kind, names in found.items() if names}


def test_it_comes_up_keeps_its_promises_runs_a_flow_and_leaves_nothing(tmp_path: Path) -> None:
    assert there() == {}, "somebody's, of this machine"
    folder, profiles = tmp_path / "checkout", tmp_path / "profiles.toml"
    folder.mkdir()
    copy_checkout(folder)
    (folder / ".state" / "passphrase").write_text(secrets.token_hex(8))
    of_prod, yaml = folder / "Pulumi.prod.yaml", YAML()
    document = yaml.load(of_prod.read_text())
    for area in ("compras", "finanzas"):
        del document["config"]["prefect-infra:areas"][area]
    document["config"]["prefect-infra:server"]["replicas"] = 1
    with of_prod.open("w") as file:
        yaml.dump(document, file)
    before = {path.name for path in folder.iterdir()}
    base = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "PREFECT_"))}
    own = {"PULUMI_HOME": str(ROOT / ".state" / "home"), "PREFECT_PROFILES_PATH": str(profiles), "NO_COLOR": "1"}

    done = subprocess.run(
        [str(ROOT / ".venv" / "bin" / "prefect-infra"), "prod-local"],
        cwd=folder,
        env={**base, **own},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=800,
        check=False,
    )

    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "BROKEN" not in said
    assert len(re.findall(r"^kept  ", done.stdout, re.MULTILINE)) == 5
    assert re.search(r"^ventas +ventas-prod +resumen-diario-de-ventas +Completed", done.stdout, re.MULTILINE), said
    assert there() == {}
    assert {path.name for path in folder.iterdir()} == before
    assert f"prefect-infra-{STACK}" not in (profiles.read_text() if profiles.exists() else "")
    assert not list(tmp_path.glob("*.ca.pem"))
    state = [path for path in (folder / ".state" / "pulumi").rglob("*") if path.is_file()]
    assert [path for path in state if STACK in str(path.relative_to(folder))] == []
