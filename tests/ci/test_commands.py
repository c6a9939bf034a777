"""`prefect-infra ci`, against a host on the loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli import app
from infra.review.markdown import marker
from tests.ci.github import Hosted, hosted
from tests.ci.gitlab import HostedByGitLab
from tests.unit.review.conftest import commit, rewrite

A, B = "a" * 64, "b" * 64
SHA = "c" * 40


@pytest.fixture(params=[Hosted, HostedByGitLab], ids=["github", "gitlab"])
def host(monkeypatch: pytest.MonkeyPatch, checkout: Path, request: pytest.FixtureRequest) -> Iterator[Hosted]:
    monkeypatch.delenv("GITLAB_CI", raising=False)
    with hosted(request.param) as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["ci", *words])
    assert result.exit_code == code, result.output
    return result.stdout if code == 0 else result.stderr


def review(checkout: Path, stack: str, digest: str | None, text: str) -> str:
    file = checkout / "review.md"
    file.write_text(f"{marker(stack, digest)}\n{text}\n")
    return str(file)


def test_a_comment_is_written_once_and_then_updated_in_place(host: Hosted, checkout: Path) -> None:
    host.say(7, "ana", marker("prod", B) + "\nnot the pipeline's")
    for digest, text, done in (
        (A, "one", "written"),
        (A, "one", "as it was"),
        (B, "two", "updated"),
        (None, "no", "updated"),
    ):
        assert f": {done}" in run("comment", review(checkout, "prod", digest, text), "--pull", "7")
    run("comment", review(checkout, "dev", A, "another stack"), "--pull", "7")

    told = [row["body"].splitlines()[1] for row in host.comments[7]]
    assert told == ["not the pipeline's", "no", "another stack"]


def test_an_unchanged_comment_is_not_sent_again(host: Hosted, checkout: Path) -> None:
    run("comment", review(checkout, "prod", A, "one"), "--pull", "7")
    before = len(host.calls)
    run("comment", review(checkout, "prod", A, "one"), "--pull", "7")

    assert {verb for verb, _ in host.calls[before:]} == {"GET"}


def test_it_is_found_among_hundreds(host: Hosted, checkout: Path) -> None:
    for n in range(250):
        host.say(7, "ana", f"comment {n}")
    run("comment", review(checkout, "prod", A, "one"), "--pull", "7")
    assert ": updated" in run("comment", review(checkout, "prod", A, "two"), "--pull", "7")
    assert len(host.comments[7]) == 251


def test_the_reviewed_plan_is_that_of_the_pipelines_own_comment(host: Hosted) -> None:
    host.pulls_of[SHA] = [{"number": 6, "merged_at": None}, {"number": 7, "merged_at": "2026-11-25T00:00:00Z"}]
    host.say(7, "mallory", f"{marker('prod', B)}\nlooks like one")
    host.say(7, host.bot, f"{marker('dev', B)}\nanother stack")
    host.say(7, host.bot, f"{marker('prod', A)}\nreview\n{marker('prod', B)}")

    assert run("reviewed", "--stack", "prod", "--commit", SHA).strip() == A


def test_what_nobody_has_reviewed_is_refused(host: Hosted) -> None:
    assert "nobody has reviewed" in run("reviewed", "--stack", "prod", "--commit", SHA, code=4)
    host.pulls_of[SHA] = [{"number": 7, "merged_at": "2026-11-25T00:00:00Z"}]
    host.say(7, host.bot, f"{marker('prod')}\nrefused, so there is no plan")
    assert "no reviewed plan of the stack prod" in run("reviewed", "--stack", "prod", "--commit", SHA, code=4)


def test_a_report_is_opened_updated_and_closed(host: Hosted, checkout: Path) -> None:
    file = checkout / "drift.md"
    said = ("report", str(file), "--about", "drift-prod", "--title", "Drift of prod")
    for text, done in (
        ("", "as it was"),
        ("a", "written"),
        ("a", "as it was"),
        ("b", "updated"),
        ("", "closed"),
        ("c", "written"),
    ):
        file.write_text(text)
        assert f": {done}" in run(*said)

    assert [(row["state"], row["body"].splitlines()[1]) for row in host.issues] == [("closed", "b"), ("open", "c")]


def test_what_the_host_refuses_is_told_with_what_may_be_missing(
    host: Hosted, monkeypatch: pytest.MonkeyPatch, checkout: Path
) -> None:
    token, place, hint = (
        ("GITLAB_TOKEN", "CI_PROJECT_ID", "the scope `api`")
        if isinstance(host, HostedByGitLab)
        else ("GITHUB_TOKEN", "GITHUB_REPOSITORY", "permissions: pull-requests: write")
    )
    file = review(checkout, "prod", A, "one")
    monkeypatch.setenv(place, "ana/other")
    assert hint in run("comment", file, "--pull", "7", code=1)
    monkeypatch.setenv(token, "wrong-but-secret")
    told = run("comment", file, "--pull", "7", code=1)
    assert "401 Bad credentials" in told
    assert "wrong-but-secret" not in told
    monkeypatch.delenv(token)
    assert f"{token} not set" in run("comment", file, "--pull", "7", code=1)


def test_a_text_without_a_mark_is_not_put_anywhere(host: Hosted, checkout: Path) -> None:
    (checkout / "a.md").write_text("hello")
    assert "prefect-infra review --output" in run("comment", "a.md", "--pull", "7", code=1)
    assert "can't be read" in run("comment", "missing.md", "--pull", "7", code=2)
    assert host.comments == {}


def test_the_stacks_of_a_change_are_those_made_from_its_files(checkout: Path) -> None:
    for name in ("dev", "dev-ana", "vacio"):
        (checkout / f"Pulumi.{name}.yaml").write_text("config:\n  prefect-infra:environment: dev\n")
    commit(checkout, "More stacks")

    assert json.loads(run("stacks")) == ["dev", "prod", "vacio"]
    assert json.loads(run("stacks", "--without", "dev")) == ["prod", "vacio"]
    assert json.loads(run("stacks", "--base", "HEAD")) == []
    assert json.loads(run("stacks", "--base", "0" * 40)) == ["dev", "prod", "vacio"]
    (checkout / "README.md").write_text("x")
    (checkout / "infra" / "review").mkdir()
    (checkout / "infra" / "review" / "a.py").write_text("x")
    assert json.loads(run("stacks", "--base", "HEAD")) == []
    rewrite(checkout / "areas" / "compras.yaml", ("title: Compras", "title: Otra"))
    assert json.loads(run("stacks", "--base", "HEAD")) == ["prod"]
    (checkout / "workers").mkdir()
    (checkout / "workers" / "Dockerfile").write_text("FROM x")
    assert json.loads(run("stacks", "--base", "HEAD")) == ["dev", "prod", "vacio"]
    assert "--base nowhere" in run("stacks", "--base", "nowhere", code=2)
