from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli import app

HERE = Path(__file__).parents[3]
STACK = """\
config:
  prefect-infra:environment: prod
  prefect-infra:areas:
    compras:
      concurrency_limit: 1
      deployments:
        - {name: uno, entrypoint: f.py:f, schedules: [{cron: "0 7 * * *"}]}
        - {name: dos, entrypoint: f.py:f, schedules: [{cron: "2 7 * * *"}]}
    ventas:
      deployments:
        - {name: tres, entrypoint: f.py:f, schedules: [{cron: "0 9 * * *", active: false}]}
"""


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "infra").mkdir()
    (tmp_path / "Pulumi.yaml").write_text("name: prefect-infra\n")
    (tmp_path / "Pulumi.prod.yaml").write_text(STACK)
    (tmp_path / "f.py").write_text("from prefect import flow\n\n\n@flow\ndef f() -> None: ...\n")
    monkeypatch.chdir(tmp_path)
    for name in ("PREFECT_API_URL", "PREFECT_HOME", "PREFECT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PREFECT_PROFILES_PATH", str(tmp_path / "profiles.toml"))
    return tmp_path


def run(*words: str, code: int = 0) -> tuple[str, str]:
    result = CliRunner().invoke(app, ["timeline", "--stack", "prod", "--from", "2026-11-25", *words])
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


def test_text_names_the_day_the_zone_and_what_is_over_a_limit() -> None:
    text, _ = run()

    assert text.startswith("prod: Wed 25 Nov 2026, America/Argentina/Buenos_Aires\n")
    assert "pool compras-prod: up to 2 runs at once, its limit is 1, Wed 25 07:02 to 07:05" in text


def test_a_shorter_run_does_not_meet_the_next() -> None:
    assert "No limit is exceeded." in run("--assume", "2m")[0]
    assert "No limit is exceeded." in run("--assume", "120")[0]


def test_strict_fails_on_what_is_over_a_limit_only() -> None:
    run("--strict", code=1)
    run("--strict", "--assume", "1m")


def test_json_has_each_run_and_each_overlap() -> None:
    text, _ = run("--format", "json")

    told = json.loads(text)
    assert told["pools"][0]["deployments"][0]["schedules"] == {"cron-0-7": ["2026-11-25T07:00:00-03:00"]}
    assert [(each["scope"], each["peak"], each["concurrency_limit"]) for each in told["overlaps"]] == [("pool", 2, 1)]


def test_only_the_pools_named() -> None:
    text, _ = run("--pool", "ventas-prod", "--inactive")

    assert "compras-prod" not in text
    assert "tres" in text


@pytest.mark.parametrize(
    ("name", "begins"), [("a.svg", b"<svg"), ("a.html", b"<!DOCTYPE html>"), ("a.PNG", b"\x89PNG")]
)
def test_a_picture_is_written_and_stdout_stays_empty(checkout: Path, name: str, begins: bytes) -> None:
    text, told = run("--output", name)

    assert (checkout / name).read_bytes().startswith(begins)
    assert text == ""
    assert f"written: {name}" in told


def test_without_pillow_a_png_says_what_to_do(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)

    assert "pip install pillow" in run("--output", "a.png", code=1)[1]
    assert not (checkout / "a.png").exists()


def test_the_same_picture_twice_is_the_same_file(checkout: Path) -> None:
    run("--output", "a.svg")
    first = (checkout / "a.svg").read_bytes()
    run("--output", "a.svg")

    assert (checkout / "a.svg").read_bytes() == first
    assert [path.name for path in checkout.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--days", "3"], "3"),
        (["--from", "25/11/2026"], "2026-01-31"),
        (["--assume", "long"], "30s, 15m"),
        (["--output", "a.pdf"], ".svg, .html, .png"),
        (["--pool", "compras-dev"], "did you mean 'compras-prod'?"),
    ],
)
def test_what_cannot_be_asked_for_is_a_usage_error_that_says_what_can(words: list[str], told: str) -> None:
    assert told in run(*words, code=2)[1]


def test_a_picture_that_cannot_be_written_says_why() -> None:
    assert "f.py/a.svg can't be written" in run("--output", "f.py/a.svg", code=1)[1]


def test_history_without_any_server_says_what_is_missing() -> None:
    assert "no Prefect server to talk to" in run("--history", code=1)[1]


def test_history_of_a_server_that_is_not_there_says_so(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.cli.history.DEADLINE_SECONDS", 0.2)
    (checkout / "profiles.toml").write_text(
        '[profiles.prefect-infra-prod]\nPREFECT_API_URL = "http://127.0.0.1:9/api"\n'
    )

    assert "http://127.0.0.1:9/api" in run("--history", code=1)[1]
