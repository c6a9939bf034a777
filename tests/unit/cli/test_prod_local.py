"""The stack that `make prod-local` brings up: prod, but nothing that would disturb this machine or stay on it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from infra.cli import app, prod_local
from infra.cli.pulumi import Pulumi
from infra.cli.smoke import Trial
from infra.model import Stack, load_stack_file

ROOT = Path(__file__).parents[3]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for stack in ("dev", "prod"):
        shutil.copy2(ROOT / f"Pulumi.{stack}.yaml", tmp_path)
    shutil.copytree(ROOT / "areas", tmp_path / "areas")
    (tmp_path / "flows").symlink_to(ROOT / "flows")
    return tmp_path


def written(checkout: Path) -> Stack:
    prod_local._write(checkout / "Pulumi.prod-local.yaml")  # what the command would write
    return load_stack_file(checkout, "prod-local")


def test_it_is_prod_on_ports_of_its_own_without_schedules_and_protection(checkout: Path) -> None:
    local, prod = written(checkout), load_stack_file(checkout, "prod")
    assert local.server.scaled is not None
    assert prod.server.scaled is not None
    assert local.server.scaled.replicas == prod.server.scaled.replicas
    assert [area.pool.name for area in local.areas] == [area.pool.name for area in prod.areas]
    assert (local.server.auth, local.server.csrf) == ("required", True)
    assert (local.server.port, local.server.bind, local.server.protect) == ("auto", "127.0.0.1", False)
    assert local.server.scaled.proxy.http_port is None
    assert {area.workers.replicas for area in local.areas} == {1}
    deployments = [deployment for area in local.areas for deployment in area.deployments]
    assert deployments
    assert not any(schedule.active for deployment in deployments for schedule in deployment.schedules)
    assert prod.backup is not None
    assert local.backup is None, "their volume would stay on this machine"


def test_what_is_named_by_prods_secrets_is_its_own_here(checkout: Path) -> None:
    """They are not this stack's, and are encrypted by another passphrase."""
    file = checkout / "Pulumi.prod.yaml"
    document = YAML().load(file.read_text())
    server = document["config"]["prefect-infra:server"]
    server |= {"bind": "0.0.0.0", "redis": {"url": {"secret": "redis_url"}}}
    server["database"]["url"] = {"secret": "database_url"}
    server["proxy"] |= {
        "host": "prefect.example.com",
        "tls": {"certificate": {"secret": "tls_certificate"}, "key": {"secret": "tls_key"}},
    }
    with file.open("w") as stream:
        YAML().dump(document, stream)

    scaled = written(checkout).server.scaled

    assert scaled is not None
    assert (scaled.proxy.host, scaled.proxy.tls) == ("127.0.0.1", None)
    assert (scaled.database.url, scaled.redis.url) == (None, None)
    assert scaled.database.memory_mb == 2048


def test_a_stack_that_is_up_keeps_its_salt(checkout: Path) -> None:
    written(checkout)
    file = checkout / "Pulumi.prod-local.yaml"
    file.write_text(file.read_text() + "encryptionsalt: v1:abc\n")
    written(checkout)
    assert file.read_text().count("encryptionsalt: v1:abc\n") == 1


@pytest.mark.parametrize(
    ("kept", "state", "up", "code"),
    [(True, "COMPLETED", 0, 0), (False, "COMPLETED", 0, 1), (True, "FAILED", 0, 1), (True, "COMPLETED", 255, 1)],
)
def test_a_broken_promise_a_failed_run_or_a_failed_up_is_told_by_the_exit_code(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, kept: bool, state: str, up: int, code: int
) -> None:
    taken_down = []
    trial = Trial("ventas", "resumen-diario-de-ventas", state, "", 1.0, earlier=False)
    monkeypatch.chdir(checkout)
    monkeypatch.setattr(prod_local, "checkout", lambda: checkout)
    monkeypatch.setattr(Pulumi, "show", lambda _, command, *words: up if command == "up" else 0)
    monkeypatch.setattr(Pulumi, "exists", lambda _: True)
    monkeypatch.setattr(Pulumi, "outputs", lambda _: {})
    monkeypatch.setattr(prod_local, "promises", lambda _: [prod_local.Check("TLS", kept=kept)])
    monkeypatch.setattr(prod_local.platform_up, "try_out", lambda *_, **__: [trial])
    monkeypatch.setattr(prod_local.platform_up, "tell", lambda *_, **__: None)
    monkeypatch.setattr(prod_local.platform_down, "destroy", taken_down.append)

    done = CliRunner().invoke(app, ["prod-local"])

    assert done.exit_code == code
    assert ("BROKEN" in done.stdout) == (not kept)
    assert len(taken_down) == 1
    assert not (checkout / "Pulumi.prod-local.yaml").exists()
