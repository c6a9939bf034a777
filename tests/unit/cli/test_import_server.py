"""`prefect-infra import server`, as far as it goes without a server: what it can't do, it says before it reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli import app
from infra.inventory import reading

NOWHERE = "http://127.0.0.1:9/api"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "infra").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: prefect-infra\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {prefect-infra:environment: dev}\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREFECT_PROFILES_PATH", str(tmp_path / "profiles.toml"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--stack", "dev"], 2, "there is a Pulumi.dev.yaml already"),
        (["--stack", "dev-viejo"], 2, "would have the keys of Pulumi.dev.yaml"),
        (["--stack", "Mi_stack"], 2, "--environment"),
        (["--stack", "viejo", "--environment", "Prod"], 2, "small letters and digits"),
        (["--stack", "viejo", "--area", "compras"], 2, "POOL=AREA"),
        (["--stack", "viejo", "--area", "a=x", "--area", "b=x"], 2, "each area has one work pool"),
        (["--stack", "viejo", "--timezone", "UTC"], 2, "the time zone is UTC"),
        (["--stack", "viejo", "--profile", "p", "--api-url", NOWHERE], 2, "exclude each other"),
        (["--stack", "viejo", "--profile", "p"], 1, "there is no profile 'p'"),
        (["--stack", "viejo", "--api-url", "prefect.example.com"], 1, "expected http"),
        ([], 2, "--stack"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_read(
    checkout: Path, words: list[str], code: int, told: str
) -> None:
    before = sorted(checkout.rglob("*"))
    done = CliRunner().invoke(app, ["import", "server", *words], env={"COLUMNS": "200", "NO_COLOR": "1"})

    assert (done.exit_code, done.exception.__class__) == (code, SystemExit)
    assert told in done.output
    assert sorted(checkout.rglob("*")) == before


def test_a_server_that_no_stack_could_reach_is_not_taken_into_the_state(checkout: Path) -> None:
    (checkout / "profiles.toml").write_text(
        f'[profiles.p]\nPREFECT_API_URL = "{NOWHERE}"\nPREFECT_API_KEY = "canary"\n'
    )
    done = CliRunner().invoke(app, ["import", "server", "--stack", "viejo", "--profile", "p", "--into-state", "--yes"])

    assert done.exit_code == 1
    assert "an API key" in done.output
    assert "canary" not in done.output


@pytest.mark.usefixtures("checkout")
def test_a_server_that_does_not_answer_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "DEADLINE_SECONDS", 0.5)
    done = CliRunner().invoke(app, ["import", "server", "--stack", "viejo", "--api-url", NOWHERE])

    assert done.exit_code == 1
    assert "does not answer" in done.output
    assert "Traceback" not in done.output
