"""What `prefect-infra review` tells of plans as Pulumi writes them; golden/ is made again by UPDATE_GOLDEN=1."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.cli import app
from infra.review.markdown import marked
from tests.unit.review.conftest import commit, rewrite
from tests.unit.review.plans import preview, step

GOLDEN = Path(__file__).parent / "golden"
SANTIAGO = "America/Santiago"
ANOTHER = """\
  - name: avisar-a-proveedores
    entrypoint: flows/compras/precios.py:revisar
    schedules: [{cron: "31 13 * * *"}]
"""


def same_as_golden(name: str, text: str) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        (GOLDEN / name).write_text(text, encoding="utf-8")
    assert text == (GOLDEN / name).read_text(encoding="utf-8")


def run(*words: str, code: int = 0, given: str | None = None) -> Any:
    result = CliRunner().invoke(app, ["review", "--stack", "prod", *words], input=given)
    assert result.exit_code == code, result.output
    return result


def worker(op: str, image: str, old: str | None = None) -> dict[str, Any]:
    inputs = {
        "name": "prefect-infra-prod-compras-worker-1",
        "command": [
            "prefect",
            "worker",
            "start",
            "--pool",
            "compras-prod",
            "--type",
            "process",
            "--drain-seconds",
            "600",
        ],
        "labels": [{"label": "prefect-infra.role", "value": "worker"}],
    }
    before = {**inputs, "image": old} if old else None
    return step(
        op, "Container", inputs["name"], before, {**inputs, "image": image},
        diff={"image": "update-replace"}, replaceReasons=["image"],
    )  # fmt: skip


def schedules(*crons: str, timezone: str = "America/Argentina/Buenos_Aires") -> list[dict[str, Any]]:
    return [{"slug": f"cron-{n}", "cron": cron, "timezone": timezone} for n, cron in enumerate(crons)]


@pytest.fixture
def changed(checkout: Path) -> str:
    """A pull request: a cron moves over a change of the clocks, a deployment comes, a worker's image is another."""
    rewrite(
        checkout / "areas" / "compras.yaml",
        ("0 7 * * 1-5", "30 23 * * 6"),
        ("  - name: revisar", f"{ANOTHER}  - name: revisar"),
    )
    commit(checkout, "Move a schedule")
    name = "revisar-pedidos-pendientes"
    return preview(
        step(
            "update", "Deployment", name,
            {"name": name, "schedules": schedules("0 7 * * 1-5", timezone=SANTIAGO), "tags": ["a"]},
            {"name": name, "schedules": schedules("30 23 * * 6", timezone=SANTIAGO), "tags": ["a", "@ana <b>"]},
            diff={"schedules[0].cron": "update", "tags[1]": "add"},
        ),
        step(
            "create", "Deployment", "avisar-a-proveedores", None,
            {"name": "avisar-a-proveedores", "entrypoint": "flows/compras/precios.py:revisar",
             "work_pool_name": "compras-prod", "schedules": schedules("31 13 * * *")},
        ),
        step(
            "replace", "RemoteImage", "image-worker-compras",
            {"name": "localhost/prefect-infra/worker-compras:aaaa"},
            {"name": "localhost/prefect-infra/worker-compras:bbbb"},
            area=None, diff={"name": "update-replace"},
        ),
        worker("replace", "sha256:b", "sha256:a"),
        step("delete", "Volume", "compras-data", {"name": "prefect-infra-prod-data-compras"}, protect=True),
        step(
            "update", "Block", "compras-prod-erp", {"data": {"value": "uno"}}, {"data": {"value": "dos"}},
            diff={"data.value": "update"},
        ),
        diagnostics=[{"severity": "warning", "message": "something ``` to <b>know</b>\n"}],
    )  # fmt: skip


def test_the_comment_is_as_it_was_agreed_on(changed: str, checkout: Path) -> None:
    told = run("--base", "main", "--plan", "-", "--format", "markdown", given=changed).stdout

    same_as_golden("review.md", told)


def test_the_same_plan_gives_the_same_bytes_in_whatever_order_pulumi_tells_it(changed: str) -> None:
    shuffled = json.loads(changed)
    shuffled["steps"].reverse()
    shuffled["duration"] = 99

    first, second = (
        run("--base", "main", "--plan", "-", "--format", "markdown", given=text).stdout
        for text in (changed, json.dumps(shuffled))
    )

    assert first.encode() == second.encode()


def test_the_terminal_and_json_tell_the_same(changed: str) -> None:
    text = run("--base", "main", "--plan", "-", given=changed).stdout
    told = json.loads(run("--base", "main", "--plan", "-", "--json", given=changed).stdout)

    assert "Compras: 1 new deployment, 1 changed deployment, 1 removed volume" in text
    (area,) = told["areas"]
    assert area["headline"][:2] == ["1 new deployment", "1 changed deployment"]
    (moved,) = [each for each in area["schedules"] if each["kind"] == "moved"]
    assert moved["after"]["next"][0] == "2026-04-04T23:30-03:00"
    assert told["destroyed"][0]["protected"] is False
    assert told["owners"][0] == {"owner": "@ana", "files": ["areas/compras.yaml"]}


def test_a_clock_that_changes_is_named(changed: str) -> None:
    text = run("--base", "main", "--plan", "-", given=changed).stdout

    assert re.search(r"America/Santiago: the clocks go back.*that day has 25 hours", text)


def test_more_losses_than_allowed_are_refused_with_a_code_of_their_own(changed: str) -> None:
    run("--plan", "-", "--max-deletes", "1", given=changed)
    refused = run("--plan", "-", "--max-deletes", "0", given=changed, code=3)

    assert "1 thing that can't be got back, and at most 0 may be" in refused.stderr


def test_the_reviewed_plan_passes_and_another_is_refused(changed: str) -> None:
    reviewed = run("--plan", "-", "--digest", given=changed).stdout.strip()
    comment = run("--plan", "-", "--format", "markdown", given=changed).stdout

    assert marked(comment) == ("prod", reviewed)
    run("--plan", "-", "--expect", reviewed, given=changed)
    other = json.loads(changed)
    other["steps"][1]["newState"]["inputs"]["entrypoint"] = "flows/otro.py:otro"
    assert "review it again" in run("--plan", "-", "--expect", reviewed, given=json.dumps(other), code=4).stderr


def test_a_secret_that_was_set_again_makes_another_plan_and_is_named(changed: str, checkout: Path) -> None:
    stack = checkout / "Pulumi.prod.yaml"
    stack.write_text(stack.read_text() + "  prefect-infra:erp_token: {secure: v1:AAAA}\n")
    commit(checkout, "Add a secret")
    reviewed = run("--plan", "-", "--digest", given=changed).stdout.strip()
    rewrite(stack, ("v1:AAAA", "v1:BBBB"))

    told = run("--base", "HEAD", "--plan", "-", given=changed).stdout

    assert "prefect-infra:erp_token: set again" in told
    assert "AAAA" not in told
    run("--plan", "-", "--expect", reviewed, given=changed, code=4)


def test_an_error_of_the_rules_refuses_and_shows_its_line_without_the_secret(checkout: Path) -> None:
    rewrite(
        checkout / "areas" / "compras.yaml",
        ("    schedules:\n      - cron: 30", "    env: {ERP_PASSWORD: 9rTk2mQx7Lz}\n    schedules:\n      - cron: 30"),
    )

    refused = run("--base", "main", "--format", "markdown", code=1)

    assert "Refused: what the stack declares has an error" in refused.stdout
    assert "areas/compras.yaml:6" in refused.stdout
    assert "ERP_PASSWORD" in refused.stdout
    assert "9rTk2mQx7Lz" not in refused.output


def test_a_fault_of_before_is_counted_and_not_shown(checkout: Path) -> None:
    rewrite(checkout / "areas" / "compras.yaml", ("importar-lista-de-precios", "importar"))
    commit(checkout, "A short name")

    new = run("--base", "main", "--plan", "-", given=preview(), code=0)
    old = run("--base", "HEAD", "--plan", "-", given=preview(), code=0)

    assert "PI203" in new.stdout or "fewer than" in new.stdout
    assert "On lines that this change leaves alone: 1 warning" in old.stdout


def test_without_a_base_the_state_is_what_it_compares_with(changed: str) -> None:
    text = run("--plan", "-", given=changed).stdout

    assert "revisar-pedidos-pendientes: schedule moved" in text
    assert "compared with the stack's state" in text


def test_offline_needs_no_plan(changed: str) -> None:
    text = run("--base", "main", "--offline").stdout

    assert "Compras: 1 new deployment, 1 changed deployment, 1 schedule moved; 0.4 runs a day more" in text
    assert "New collision: pool compras-prod: up to 2 runs at once, its limit is 1" in text


def test_a_plan_that_changes_nothing_says_so(checkout: Path) -> None:
    assert "Nothing changes." in run("--plan", "-", given=preview()).stdout


def test_a_preview_that_did_not_end_well_is_refused_with_what_it_said(checkout: Path) -> None:
    failed = preview(diagnostics=[{"severity": "error", "message": "the engine of <docker> is away"}])

    refused = run("--plan", "-", "--format", "markdown", given=failed, code=1)

    assert "Refused: the preview did not end well." in refused.stdout
    assert "error: the engine of <docker> is away" in refused.stdout


def test_outside_of_git_a_review_needs_no_base(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(checkout))

    assert "Nothing changes." in run("--plan", "-", given=preview()).stdout
    assert "there is no git" in run("--base", "main", "--plan", "-", given=preview(), code=2).stderr


def test_what_is_so_already_is_told_as_such(changed: str) -> None:
    text = run("--base", "main", "--plan", "-", given=preview()).stdout

    assert "1 schedule moved" in text
    assert "The plan changes nothing: the stack is like that already." in text


def test_a_renamed_area_is_told_as_such(checkout: Path) -> None:
    rewrite(checkout / "Pulumi.prod.yaml", ("    compras: areas", "    abastecimiento: areas"))
    steps = []
    for name in ("importar-lista-de-precios", "revisar-pedidos-pendientes"):
        old, new = ({"name": name, "work_pool_name": pool} for pool in ("compras-prod", "abastecimiento-prod"))
        steps.append(
            step("update", "Deployment", name, old, new, area="abastecimiento", diff={"work_pool_name": "update"})
        )
    for pool, op in (("compras", "delete"), ("abastecimiento", "create")):
        inputs = {"name": f"{pool}-prod", "concurrency_limit": 1}
        sides = {"old": inputs} if op == "delete" else {"new": inputs}
        steps.append(step(op, "WorkPool", f"{pool}-prod", area=pool, **sides))

    for base in ((), ("--base", "main")):
        text = run(*base, "--plan", "-", given=preview(*steps)).stdout

        assert "Compras: renamed from compras to abastecimiento, 2 changed deployments" in text
        assert "keep their ids" in text
        assert "work pool compras-prod is removed" in text


def test_what_the_plan_changes_though_this_change_does_not_is_told_apart(changed: str) -> None:
    name = "importar-lista-de-precios"
    told = json.loads(changed)
    row = step(
        "update", "Deployment", name, {"name": name, "tags": []}, {"name": name, "tags": ["a"]}, diff={"tags": "update"}
    )
    told["steps"].append(row)

    text = run("--base", "main", "--plan", "-", given=json.dumps(told)).stdout

    assert f"Not of this change: deployment {name}. What is declared at main was not brought up, or edited" in text
    assert "Not of this change" not in run("--base", "main", "--plan", "-", given=changed).stdout


def test_a_picture_of_the_load_is_drawn(changed: str, checkout: Path) -> None:
    run("--base", "main", "--plan", "-", "--picture", "load.svg", "--output", "review.md", given=changed)

    drawn = (checkout / "load.svg").read_text()
    assert "compras-prod" in drawn
    assert "peak 1 → 2" in drawn
    assert (checkout / "review.md").read_text() == (GOLDEN / "review.md").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--plan", "x", "--offline"], "can't go together"),
        (["--digest", "--offline"], "--offline is without one"),
        (["--plan", "missing.json"], "missing.json can't be read"),
        (["--offline", "--base", "nowhere"], "--base nowhere"),
        (["--offline", "--from", "1/2/2026"], "2026-01-31"),
        (["--offline", "--picture", "a.pdf"], ".svg or .png"),
        (["--plan", "Pulumi.prod.yaml"], "pulumi preview --json"),
    ],
)
def test_what_cannot_be_asked_for_is_a_usage_error_that_says_what_can(
    checkout: Path, words: list[str], told: str
) -> None:
    assert told in run(*words, code=2).stderr


def test_a_very_long_plan_still_fits_a_comment(checkout: Path) -> None:
    many = [step("create", "Deployment", f"d-{n}", None, {"name": "x" * 150, "k": "y" * 150}) for n in range(600)]

    told = run("--plan", "-", "--format", "markdown", given=preview(*many)).stdout

    assert len(told) < 65_536
    assert "too long for a comment" in told
    assert told.count("<details>") == told.count("</details>")
