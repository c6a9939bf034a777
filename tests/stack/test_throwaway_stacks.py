"""`prefect-infra stack new`, `list` and `rm`, on the real engine."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.components.naming import Naming
from infra.throwaway import note
from infra.throwaway.engine import Engine
from infra.throwaway.lifetime import Lifetime
from tests.stack.platforms import ROOT, copy_checkout, docker

pytestmark = pytest.mark.docker
PROJECT = "prefect-infra"


class Checkout:
    """A copy, with a state and a passphrase of its own; the profiles are the person's, and so the same for all."""

    def __init__(self, folder: Path, profiles: Path) -> None:
        folder.mkdir()
        copy_checkout(folder)
        (folder / ".state" / "passphrase").write_text(secrets.token_hex(8))
        self.folder, self.profiles = folder, profiles

    def call(self, *arguments: str, code: int = 0) -> str:
        ours = {"PULUMI_HOME": str(ROOT / ".state" / "home"), "PREFECT_PROFILES_PATH": str(self.profiles)}
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "PREFECT_"))}
        done = subprocess.run(
            [str(ROOT / ".venv/bin/prefect-infra"), "stack", *arguments],
            cwd=self.folder,
            env={**inherited, **ours},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if code == 0 else done.stderr

    def listed(self, stack: str) -> dict[str, Any] | None:
        return next((each for each in json.loads(self.call("list", "--json")) if each["name"] == stack), None)


@pytest.fixture
def name() -> Iterator[str]:
    name = f"t-{secrets.token_hex(3)}"
    yield name
    naming = Naming(PROJECT, f"dev-{name}")
    Engine(dict(os.environ)).sweep(naming)  # what a test that failed left up


def remains(stack: str) -> list[str]:
    found = Engine(dict(os.environ)).remains(Naming(PROJECT, stack))
    return [each for names in found.values() for each in names]


def test_one_comes_up_is_renewed_expires_and_is_collected_from_another_checkout(tmp_path: Path, name: str) -> None:
    mine = Checkout(tmp_path / "mine", tmp_path / "profiles.toml")
    other = Checkout(tmp_path / "other", tmp_path / "profiles.toml")
    stack = f"dev-{name}"
    area = mine.folder / "areas" / "compras.yaml"
    area.write_text(area.read_text().replace('"30 1,13,17 * * *"', '"30 1,13,17 * * *"\n        active: true'))

    assert "expires:" in mine.call("new", name, "--areas", "compras", "--dry-run")
    assert not (mine.folder / f"Pulumi.{stack}.yaml").exists()
    made = json.loads(mine.call("new", name, "--from", "dev", "--ttl", "2h", "--areas", "compras", "--json"))

    assert [run["state"] for run in made["runs"]] == ["COMPLETED"]
    assert made["areas"] == ["compras"]
    assert made["containers"] == {"running": 2, "all": 2}
    assert set(made["seconds"]) >= {"pulumi up", "workers online", "flow runs"}
    assert f"[profiles.{made['profile']}]" in mine.profiles.read_text()
    deployments = httpx.post(f"{made['api_url']}/deployments/filter", json={}, timeout=30).json()
    assert [schedule["active"] for each in deployments for schedule in each["schedules"]] == [False]
    seen = other.listed(stack)
    assert seen is not None
    assert (seen["checkout"], seen["expired"], seen["ui_url"]) == (str(mine.folder), False, made["ui_url"])

    # Somebody else's name is refused, and his stack is no prey of `--expired` before its time.
    assert str(mine.folder) in other.call("new", name, code=2)
    assert stack not in other.call("rm", "--expired", "--dry-run")

    before = docker("inspect", "--format", "{{.Id}}", f"prefect-infra-{stack}-server")
    renewed = json.loads(mine.call("new", name, "--ttl", "1d", "--json"))
    assert datetime.fromisoformat(renewed["expires"]) - datetime.fromisoformat(made["expires"]) > timedelta(hours=21)
    assert (renewed["made"], renewed["areas"]) == (made["made"], ["compras"])
    assert docker("inspect", "--format", "{{.Id}}", f"prefect-infra-{stack}-server") == before

    now = datetime.now().astimezone()
    over = Lifetime(now - timedelta(hours=3), now - timedelta(hours=1))
    note.write(Engine(dict(os.environ)), PROJECT, note.Note(stack, "dev", mine.folder, over))
    assert f"container prefect-infra-{stack}-server" in other.call("rm", "--expired", "--dry-run")
    assert remains(stack)
    other.call("rm", "--expired")

    assert remains(stack) == []
    assert other.listed(stack) is None
    assert not mine.profiles.exists()
    assert not (mine.folder / f"Pulumi.{stack}.yaml").exists()
    state = mine.folder / ".state" / "pulumi"
    assert [path for path in state.rglob(f"{stack}*") if path.is_file()] == []
    mine.call("rm", name)


def test_a_stack_whose_checkout_is_gone_goes_by_its_labels_and_other_stacks_take_force(
    tmp_path: Path, name: str
) -> None:
    here = Checkout(tmp_path / "here", tmp_path / "profiles.toml")
    stack, naming = f"dev-{name}", Naming(PROJECT, f"dev-{name}")
    labels = [word for key, value in naming.labels("data", "compras").items() for word in ("--label", f"{key}={value}")]
    image = json.loads((ROOT / ".state" / "toolchain.json").read_text())["base_image"]
    docker("volume", "create", *labels, naming.of("data", "compras"))
    docker("network", "create", *labels, naming.prefix)
    mounts = ["--network", naming.prefix, "--volume", f"{naming.of('data', 'compras')}:/datos"]
    docker("create", "--name", naming.of("worker-1", "compras"), *labels, *mounts, image, "sleep", "60")
    here.profiles.write_text(
        f"# prefect-infra: {PROJECT}/{stack} (change it in the stack file)\n[profiles.{naming.prefix}]\n"
        'PREFECT_API_URL = "http://127.0.0.1:1/api"\n\n[profiles.mia]\nPREFECT_API_URL = "http://127.0.0.1:2/api"\n'
    )

    assert "--force" in here.call("rm", stack, code=2)
    assert len(remains(stack)) == 3

    now = datetime.now().astimezone()
    over = Lifetime(now - timedelta(hours=3), now - timedelta(hours=1))
    note.write(Engine(dict(os.environ)), PROJECT, note.Note(stack, "dev", tmp_path / "gone", over))
    [told] = [each for each in json.loads(here.call("rm", name, "--json")) if each["name"] == stack]

    assert (told["removed"], told["left"], len(told["parts"])) == (True, [], 3)
    assert remains(stack) == []
    assert naming.prefix not in here.profiles.read_text()
    assert "[profiles.mia]" in here.profiles.read_text()
