"""An upgrade is tried on a copy of real data of an older release, and nothing of it is left."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from packaging.version import Version

from infra.upgrade.checkout import pin
from tests.provider.conftest import running_server
from tests.stack.older import OLDER, fill, post
from tests.stack.platforms import ROOT, copy_checkout, docker
from workers.backup import archive

pytestmark = [pytest.mark.docker, pytest.mark.thorough]
PINNED = "3.8.7"
"""What the checkout's images have, so that those of the release asked for are others and have to be built."""
NAME = "importar-lista-de-precios"


@dataclass(frozen=True)
class Old:
    """A stack's checkout, and a backup of its database as an older release left it."""

    folder: Path
    stack: str
    backup: Path

    def ours(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`prefect-infra` in it."""
        base = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "PREFECT_"))}
        return subprocess.run(
            [str(ROOT / ".venv" / "bin" / "prefect-infra"), *arguments],
            cwd=self.folder,
            env=base | {"PULUMI_HOME": str(ROOT / ".state" / "home")},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=500,
        )

    def left(self) -> list[str]:
        labelled = f"label=prefect-infra.stack={self.stack}-upgrade"
        found = docker("ps", "--all", "--quiet", "--filter", labelled).split()
        for kind in ("volume", "network"):
            found += docker(kind, "ls", "--quiet", "--filter", labelled).split()
        return found


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory, older_prefect: Path) -> Iterator[Old]:
    """Real data: an older Prefect, installed for it, with a pool, a deployment, runs, a secret and an automation."""
    folder = tmp_path_factory.mktemp("checkout")
    copy_checkout(folder)
    stack = f"t-{secrets.token_hex(3)}"
    shutil.copy2(folder / "Pulumi.dev.yaml", folder / f"Pulumi.{stack}.yaml")
    _only_compras(folder / f"Pulumi.{stack}.yaml")
    assert pin(folder, Version(PINNED))
    home = tmp_path_factory.mktemp("old-prefect")
    with running_server(home, str(older_prefect)) as url:
        _fill(url, f"prefect-infra/{stack}")
    backup = home / "old.backup"
    with backup.open("wb") as into:
        command = [str(older_prefect), "-I", archive.__file__, "pack", str(home / "prefect.db")]
        subprocess.run(command, stdout=into, check=True)
    yield Old(folder, stack, backup)
    for name in docker("ps", "--all", "--quiet", "--filter", f"label=prefect-infra.stack={stack}-upgrade").split():
        docker("rm", "--force", "--volumes", name)


def _only_compras(file: Path) -> None:
    lines = [line for line in file.read_text().splitlines() if "areas/ventas" not in line and "areas/fin" not in line]
    file.write_text("\n".join(lines) + "\n")


def _fill(url: str, owner: str) -> None:
    with httpx.Client(base_url=f"{url}/", timeout=60) as api:
        deployment = fill(api, owner, "compras-dev", "process", NAME, NAME).deployment
        trigger = {"type": "event", "posture": "Reactive", "expect": ["prefect.flow-run.Completed"], "threshold": 1}
        action = {"type": "run-deployment", "source": "selected", "deployment_id": deployment}
        post(api, "automations/", {"name": "encadenada", "trigger": {**trigger, "within": 0}, "actions": [action]})


def test_an_older_release_than_the_databases_is_refused_before_anything_is_made(old: Old) -> None:
    done = old.ours("upgrade-test", "--stack", old.stack, "--backup", str(old.backup), "--to", "3.5.0")

    assert done.returncode == 2
    assert f"the database is of Prefect {OLDER}, and 3.5.0 is older" in done.stderr
    assert old.left() == []


def test_an_upgrade_is_tried_on_a_copy_told_of_and_taken_down(old: Old) -> None:
    before = old.backup.read_bytes()

    done = old.ours("upgrade-test", "--stack", old.stack, "--backup", str(old.backup), "--to", "3.8.8", "--json")

    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    assert (done.returncode, told["errors"]) == (0, []), done.stderr
    assert told["well"]
    assert (told["prefect_from"], told["prefect_to"]) == (OLDER, "3.8.8")
    assert told["schema_from"] != told["schema_to"]
    assert told["migration_seconds"] > 0
    assert told["rows"]["deployment"] == {"before": 1, "after": 1}
    assert told["rows"]["block_document"]["after"] == 1
    assert "entrypoint" in told["deployments"][NAME]  # found again as ours, and changed
    assert [(run["area"], run["state"]) for run in told["smoke"]] == [("compras", "COMPLETED")]
    assert old.left() == told["left"] == []
    assert not list((old.folder / ".state").glob("upgrade-test*"))
    assert old.backup.read_bytes() == before
    assert f"prefect=={PINNED}" in (old.folder / "workers" / "requirements.in").read_text()


def test_a_release_that_the_index_does_not_have_is_told_and_nothing_is_left(old: Old) -> None:
    done = old.ours("upgrade-test", "--stack", old.stack, "--backup", str(old.backup), "--to", "3.8.999")

    assert done.returncode == 1
    assert "prefect==3.8.999" in done.stdout
    assert "Traceback" not in done.stderr
    assert old.left() == []
    assert not (old.folder / ".state" / f"upgrade-test-{old.stack}").exists()
